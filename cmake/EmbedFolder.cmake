# Writes a C++ source that holds files of the repository, so that one binary brings its own sample.
#   cmake -DOUTPUT=... -DFOLDER=examples/handbook -DPRESETS=presets -P cmake/EmbedFolder.cmake
set(index 0)
set(data "")
set(tables "")
set(functions "")

# One constant array of bytes; `variable` becomes what a string_view of it is made from.
function(embed file variable)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  set(data "${data}constexpr char kFile${index}[] = {${bytes}'\\0'};\n" PARENT_SCOPE)
  set(${variable} "{kFile${index}, sizeof kFile${index} - 1}" PARENT_SCOPE)
  math(EXPR next "${index} + 1")
  set(index "${next}" PARENT_SCOPE)
endfunction()

macro(embed_folder folder name)
  file(GLOB_RECURSE files RELATIVE "${folder}" "${folder}/*")
  list(SORT files)
  list(LENGTH files count)
  set(rows "")
  foreach(file ${files})
    embed("${folder}/${file}" view)
    string(APPEND rows "    {\"${file}\", ${view}},\n")
  endforeach()
  string(APPEND tables "constexpr std::array<EmbeddedFile, ${count}> k_${name} = {{\n${rows}}};\n")
  string(APPEND functions "std::span<const EmbeddedFile> ${name}() { return k_${name}; }\n")
endmacro()

macro(embed_file file name)
  embed("${file}" view)
  string(APPEND functions "std::string_view ${name}() { return ${view}; }\n")
endmacro()

embed_folder("${FOLDER}" sample_workspace)
embed_folder("${PRESETS}/train" train_presets)
embed_file("${PRESETS}/workspace.toml" default_config)
embed_file("${PRESETS}/full.toml" full_recipes)
embed_file("${PRESETS}/ontology.toml" default_ontology)
file(WRITE "${OUTPUT}" "#include \"app/embedded.h\"\n\n#include <array>\n\nnamespace ondol::app {\nnamespace {\n\n"
     "${data}${tables}\n}  // namespace\n\n${functions}\n}  // namespace ondol::app\n")

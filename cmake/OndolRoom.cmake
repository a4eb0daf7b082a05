# ondol_room(NAME [DEPS room...] [LIBS library...])
#
# A room is one static library of every src/NAME/**.cpp. Test sources stand beside what they test and
# their ending is their ctest label:
#   x_test.cpp        unit    needs nothing but the repository
#   x_data_test.cpp   data    needs the data folder (ONDOL_DATA)
#   x_model_test.cpp  model   needs the real models in the cache (`ondol pull`)
#   x_slow_test.cpp   slow    not part of `make test`
# x_fuzz.cpp is a fuzz target (built with clang, see tools/fuzz.sh), x_module.cpp a library that is
# loaded when it is needed, and x_main.cpp a program's main.
function(ondol_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS" ${ARGN})
  set(dir "${CMAKE_SOURCE_DIR}/src/${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_module|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  set(target ondol_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    if(COMMAND ondol_isa_flags_${name})
      cmake_language(CALL ondol_isa_flags_${name})
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} ondol_options)
  foreach(dep ${ROOM_DEPS})
    target_link_libraries(${target} ${scope} ondol_${dep})
  endforeach()
  foreach(lib ${ROOM_LIBS})
    target_link_libraries(${target} ${scope} ${ONDOL_LIB_${lib}})
  endforeach()

  if(ONDOL_TESTS AND tests)
    foreach(label unit data model slow)
      set(of_label ${tests})
      if(label STREQUAL "unit")
        list(FILTER of_label EXCLUDE REGEX "_(data|model|slow)_test\\.cpp$")
      else()
        list(FILTER of_label INCLUDE REGEX "_${label}_test\\.cpp$")
      endif()
      if(of_label)
        ondol_test(${name} ${label} ${of_label})
      endif()
    endforeach()
  endif()
endfunction()

function(ondol_test name label)
  set(target ondol_${name}_${label}_test)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE ondol_${name} GTest::gmock GTest::gtest GTest::gtest_main)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_compile_definitions(${target} PRIVATE ONDOL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  gtest_discover_tests(${target} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${label} TIMEOUT 600)
endfunction()

# Instruction-set flags stand on leaf files only (docs/decisions, dispatch); nothing else is built with -m flags.
macro(ondol_isa_flags_kernels)
  foreach(isa avx2 avx512)
    file(GLOB isa_sources "${dir}/cpu/${isa}*.cpp")
    if(isa STREQUAL "avx2")
      set(isa_flags -mavx2 -mfma -mf16c)
    else()
      set(isa_flags -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c
          -mprefer-vector-width=512)
    endif()
    set_source_files_properties(${isa_sources} PROPERTIES COMPILE_OPTIONS "${isa_flags}")
    # One leaf of each set asks for an extension that only some machines of the set have.
    if(isa STREQUAL "avx2")
      set(leaf avx2_vnni_fast.cpp)
      set(extension -mavxvnni)
    else()
      set(leaf avx512_bf16.cpp)
      set(extension -mavx512bf16)
    endif()
    set_source_files_properties("${dir}/cpu/${leaf}" PROPERTIES COMPILE_OPTIONS
      "${isa_flags};${extension}")
  endforeach()
endmacro()

# Several processes: bin/ondol_mpi.so, where MPI is there. The program finds it beside itself, so that
# no command waits for MPI to load but a training run of several processes.
function(ondol_mpi_module)
  if(NOT MPI_CXX_FOUND)
    message(STATUS "MPI: not found; several processes cannot train together")
    return()
  endif()
  add_library(ondol_mpi MODULE "${CMAKE_SOURCE_DIR}/src/train/mpi_module.cpp")
  target_link_libraries(ondol_mpi PRIVATE ondol_options MPI::MPI_CXX)
  target_link_options(ondol_mpi PRIVATE -Wl,--as-needed)
  set_target_properties(ondol_mpi PROPERTIES PREFIX "" OUTPUT_NAME ondol_mpi
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" CXX_VISIBILITY_PRESET hidden)
endfunction()

function(ondol_program)
  add_executable(ondol "${CMAKE_SOURCE_DIR}/src/cli/main.cpp")
  target_link_libraries(ondol PRIVATE ondol_cli)
  if(TARGET ondol_mpi)
    add_dependencies(ondol ondol_mpi)
  endif()
  # The scenarios of tests/cli run the program itself.
  foreach(label unit model)
    if(TARGET ondol_cli_${label}_test)
      add_dependencies(ondol_cli_${label}_test ondol)
      target_compile_definitions(ondol_cli_${label}_test PRIVATE ONDOL_PROGRAM="$<TARGET_FILE:ondol>")
    endif()
  endforeach()
endfunction()

# The sample workspace, the standard recipes and the presets of training travel inside the program.
function(ondol_embed_sample)
  set(output "${CMAKE_BINARY_DIR}/generated/embedded_files.cpp")
  set(folder "${CMAKE_SOURCE_DIR}/examples/handbook")
  set(presets "${CMAKE_SOURCE_DIR}/presets")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${folder}/*" "${presets}/*.toml")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${output}" "-DFOLDER=${folder}" "-DPRESETS=${presets}"
            -P "${CMAKE_SOURCE_DIR}/cmake/EmbedFolder.cmake"
    DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/EmbedFolder.cmake"
    COMMENT "Embedding the sample workspace")
  target_sources(ondol_app PRIVATE "${output}")
endfunction()

# examples/*.cpp: compiled against include/ondol alone, run by the tests with what they must print.
function(ondol_examples)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/examples/*.cpp")
  foreach(source ${sources})
    get_filename_component(name "${source}" NAME_WE)
    add_executable(example_${name} "${source}")
    target_link_libraries(example_${name} PRIVATE ondol_library)
    if(ONDOL_TESTS)
      add_test(NAME example.${name} COMMAND example_${name})
      set_tests_properties(example.${name} PROPERTIES LABELS model TIMEOUT 120)
    endif()
  endforeach()
  if(ONDOL_TESTS)
    set_tests_properties(example.generate PROPERTIES PASS_REGULAR_EXPRESSION "light.*tokens in")
    set_tests_properties(example.embed_and_search PROPERTIES PASS_REGULAR_EXPRESSION "^0[.][0-9]+  Ferries")
  endif()
endfunction()

# What programs outside link: the headers of include/ondol over the rooms.
function(ondol_library)
  target_include_directories(ondol_app PRIVATE "${CMAKE_SOURCE_DIR}/include")
  add_library(ondol_library INTERFACE)
  target_include_directories(ondol_library INTERFACE "${CMAKE_SOURCE_DIR}/include")
  target_link_libraries(ondol_library INTERFACE ondol_app)
endfunction()

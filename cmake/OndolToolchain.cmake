# Language level, warnings, sanitizers, ccache: the same for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(ONDOL_CCACHE ccache)
if(ONDOL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ONDOL_CCACHE}")
endif()

add_library(ondol_options INTERFACE)
target_include_directories(ondol_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(ondol_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  # Designated initialisers leave out members that have defaults, on purpose.
  -Wno-missing-field-initializers
  # GCC 12 sees overlaps in std::string that cannot be (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # Bits must not depend on which expressions the compiler happens to fuse (architecture, contract 2).
  -ffp-contract=off)
if(ONDOL_SANITIZE)
  target_compile_options(ondol_options INTERFACE
    -fsanitize=${ONDOL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # GCC 12 warns of its own <regex> when the sanitizers' checks stand between its lines.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(ondol_options INTERFACE -fsanitize=${ONDOL_SANITIZE})
endif()

# Libraries by short name; a room links what its line in CMakeLists.txt names, and nothing else does.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(PkgConfig REQUIRED)
set(MPI_CXX_SKIP_MPICXX TRUE)  # the C interface
find_package(MPI QUIET COMPONENTS CXX)
set(ONDOL_LIB_mpi ${CMAKE_DL_LIBS})  # the room loads what only its module links
set(ONDOL_LIB_threads Threads::Threads)
set(ONDOL_LIB_fmt fmt::fmt)
set(ONDOL_LIB_nlohmann_json nlohmann_json::nlohmann_json)
set(ONDOL_LIB_icu ICU::uc ICU::i18n)
if(NOT ONDOL_ENGINE_ONLY)
  find_package(SQLite3 REQUIRED)
  find_package(CURL REQUIRED)
  set(ONDOL_LIB_curl CURL::libcurl)
  set(ONDOL_LIB_sqlite SQLite::SQLite3)
  pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
  set(ONDOL_LIB_gumbo PkgConfig::GUMBO)
  find_library(ONDOL_CMARK_GFM cmark-gfm REQUIRED)
  find_library(ONDOL_CMARK_GFM_EXT cmark-gfm-extensions REQUIRED)
  set(ONDOL_LIB_cmark_gfm ${ONDOL_CMARK_GFM_EXT} ${ONDOL_CMARK_GFM})
  pkg_check_modules(SERD REQUIRED IMPORTED_TARGET serd-0)
  set(ONDOL_LIB_serd PkgConfig::SERD)
  find_package(ZLIB REQUIRED)
  set(ONDOL_LIB_zlib ZLIB::ZLIB)
  find_package(BZip2 REQUIRED)
  set(ONDOL_LIB_bzip2 BZip2::BZip2)
  pkg_check_modules(PUGIXML REQUIRED IMPORTED_TARGET pugixml)
  set(ONDOL_LIB_pugixml PkgConfig::PUGIXML)
  pkg_check_modules(TOMLPP REQUIRED IMPORTED_TARGET tomlplusplus)
  set(ONDOL_LIB_tomlplusplus PkgConfig::TOMLPP)
  find_package(CLI11 REQUIRED)
  set(ONDOL_LIB_cli11 CLI11::CLI11)
  find_package(spdlog REQUIRED)
  set(ONDOL_LIB_spdlog spdlog::spdlog)
endif()
if(ONDOL_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

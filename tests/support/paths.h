// Where tests find real data and real models. A test labelled `data` or `model` begins with
// ONDOL_NEED_DATA("set") or ONDOL_NEED_MODEL(path): it is skipped, saying so, where they are
// absent, and fails there when ONDOL_REQUIRE_ALL is set (as CI does).
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace ondol::testing {

inline std::filesystem::path source_dir() { return ONDOL_SOURCE_DIR; }
inline std::filesystem::path golden_dir() { return source_dir() / "tests" / "golden"; }

inline std::filesystem::path data_dir() {
  const char* set = std::getenv("ONDOL_DATA");
  return set ? std::filesystem::path(set) : source_dir().parent_path() / "shared" / "data";
}

// The models' folder: $ONDOL_HOME/models, else $XDG_CACHE_HOME/ondol/models, else
// ~/.cache/ondol/models.
inline std::filesystem::path models_dir() {
  if (const char* home = std::getenv("ONDOL_HOME")) return std::filesystem::path(home) / "models";
  if (const char* xdg = std::getenv("XDG_CACHE_HOME")) {
    return std::filesystem::path(xdg) / "ondol" / "models";
  }
  const char* user = std::getenv("HOME");
  return std::filesystem::path(user ? user : "/") / ".cache" / "ondol" / "models";
}

inline std::filesystem::path smollm2_gguf() {
  return models_dir() / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}
inline std::filesystem::path minilm_dir() { return models_dir() / "all-minilm-l6-v2"; }

inline bool require_all() { return std::getenv("ONDOL_REQUIRE_ALL") != nullptr; }

}  // namespace ondol::testing

#define ONDOL_NEED_PATH(needed, what)                                                     \
  if (!std::filesystem::exists(needed)) {                                                 \
    if (::ondol::testing::require_all()) {                                                \
      FAIL() << "missing " << (what) << ": " << std::filesystem::path(needed).string();   \
    }                                                                                     \
    GTEST_SKIP() << "needs " << (what) << ": " << std::filesystem::path(needed).string(); \
  }
#define ONDOL_NEED_DATA(set) ONDOL_NEED_PATH(::ondol::testing::data_dir() / (set), "data set")
#define ONDOL_NEED_MODEL(path) ONDOL_NEED_PATH(path, "model (ondol pull)")

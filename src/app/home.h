// Where this user's models and caches are. The only place that reads these environment variables.
#pragma once

#include <filesystem>

namespace ondol::app {

struct Home {
  std::filesystem::path folder;  // $ONDOL_HOME, else $XDG_CACHE_HOME/ondol, else ~/.cache/ondol
  std::filesystem::path models() const { return folder / "models"; }
  std::filesystem::path machine_file() const { return folder / "machine.json"; }  // app/machine.h
  std::filesystem::path hashes() const { return folder / "hashes"; }              // of model files
};

// Throws Error(kNotFound) when neither ONDOL_HOME, XDG_CACHE_HOME nor HOME is set.
Home user_home();

}  // namespace ondol::app

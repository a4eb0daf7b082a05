// The files of a documents folder: sorted by path below it, hidden ones left out, symbolic links
// followed only where they stay inside.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ondol::ground {

struct SourceFile {
  std::string uri;  // path below the folder, "/" between parts
  std::filesystem::path path;
  std::string refusal;  // why it is not read; empty: it is
};

// Throws Error(kNotFound) for a folder that is none, Error(kResourceExhausted) above files_max.
std::vector<SourceFile> scan_folder(const std::filesystem::path& folder, size_t files_max);

}  // namespace ondol::ground

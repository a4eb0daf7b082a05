// What this room's tests share: a file for a while, a toy tokenizer. Only for test sources.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace ondol::train {

// A file in a folder of its own, gone with the object.
class TempFile {
 public:
  TempFile(const std::string& name, const std::string& content) {
    std::string folder = (std::filesystem::temp_directory_path() / "ondol-train.XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    std::ofstream(path_ = folder_ / name, std::ios::binary) << content;
  }
  ~TempFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

}  // namespace ondol::train

// Writes a large file piece by piece; it appears under its name as a whole or not at all.
//
//   AtomicFile file("model.gguf");
//   file.write(piece); ...
//   file.commit();          // fsync, rename, fsync of the folder; without it the file is discarded
//
// Throws Error(kResourceExhausted) naming the file when the disk does not take it. One writer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ondol::io {

class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view piece);
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  std::string temporary_;
  int fd_ = -1;
};

}  // namespace ondol::io

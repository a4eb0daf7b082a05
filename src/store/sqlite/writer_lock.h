// One writer a store: an advisory lock on a file beside the database, gone with the process.
#pragma once

#include <filesystem>

namespace ondol::store {

class WriterLock {
 public:
  // Throws Error(kUnavailable) naming the process that holds it.
  explicit WriterLock(const std::filesystem::path& path);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace ondol::store

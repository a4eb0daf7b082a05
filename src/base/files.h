// Files: whole reads, atomic writes, read-only mappings. Every write here is atomic: temporary file
// in the same folder, fsync, rename, fsync of the folder (architecture, promise 2).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ondol {

// Throws Error(kNotFound) when it cannot be opened, Error(kResourceExhausted) above bytes_max.
std::string read_file(const std::filesystem::path& path, size_t bytes_max = size_t{1} << 31);

// Replaces the file as a whole or leaves the old one. Makes missing parent folders.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

// A folder in `parent` (made if it is missing) with a hidden name of its own, gone at the end with
// all in it. On the file system of `parent`, so that what is made inside can be renamed to there.
class ScratchFolder {
 public:
  // `name` begins the folder's; `failure` is what Error(kResourceExhausted) says when it cannot be
  // made.
  ScratchFolder(const std::filesystem::path& parent, std::string_view name,
                const std::string& failure);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A read-only view of a file. A file cut short while mapped is SIGBUS, so nothing on a hot path
// reads a mapping: pack or copy on load, then drop it. Movable, not copyable.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Tells the system that the pages of [offset, offset + size) are no longer needed in memory.
  void drop_pages(size_t offset, size_t size) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ondol

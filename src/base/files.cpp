#include "base/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"

namespace ondol {
namespace {

[[noreturn]] void fail(ErrorCode code, const std::string& what, const std::filesystem::path& path) {
  throw Error(code, "[files] cannot " + what + " '" + path.string() + "': " + std::strerror(errno));
}

// Closes on every way out; close errors matter only after writing and are checked there.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

void write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorCode::kResourceExhausted, "write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

void sync_folder(const std::filesystem::path& folder) {
  Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd >= 0) ::fsync(directory.fd);
}

}  // namespace

std::string read_file(const std::filesystem::path& path, size_t bytes_max) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    throw Error(ErrorCode::kNotFound,
                "[files] '" + path.string() + "' is a folder, expected a file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::kNotFound, "read", path);
  std::string content;
  char piece[1 << 16];
  while (file.read(piece, sizeof piece), file.gcount() > 0) {
    content.append(piece, static_cast<size_t>(file.gcount()));
    if (content.size() > bytes_max) {
      throw Error(ErrorCode::kResourceExhausted, "[files] '" + path.string() + "' is larger than " +
                                                     std::to_string(bytes_max) + " bytes");
    }
  }
  return content;
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  {
    Descriptor file{::mkstemp(temporary.data())};
    if (file.fd < 0) fail(ErrorCode::kResourceExhausted, "create a file beside", path);
    try {
      write_all(file.fd, content, path);
      if (::fchmod(file.fd, 0644) != 0 || ::fsync(file.fd) != 0) {
        fail(ErrorCode::kResourceExhausted, "write", path);
      }
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int rename_errno = errno;
    ::unlink(temporary.c_str());
    errno = rename_errno;
    fail(ErrorCode::kResourceExhausted, "replace", path);
  }
  sync_folder(folder);
}

ScratchFolder::ScratchFolder(const std::filesystem::path& parent, std::string_view name,
                             const std::string& failure) {
  std::filesystem::create_directories(parent);
  std::string pattern = (parent / ("." + std::string(name) + ".XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) throw Error(ErrorCode::kResourceExhausted, failure);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) fail(ErrorCode::kNotFound, "open", path);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail(ErrorCode::kNotFound, "examine", path);
  if (!S_ISREG(info.st_mode)) {
    throw Error(ErrorCode::kNotFound, "[files] '" + path.string() + "' is not a regular file");
  }
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0) return;
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapping == MAP_FAILED) fail(ErrorCode::kResourceExhausted, "map", path);
  data_ = static_cast<const std::byte*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::drop_pages(size_t offset, size_t size) const {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = std::min(offset + size, size_) / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace ondol

#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace ondol::io {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  folder_ = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  std::error_code ignored;  // a folder that cannot be made shows in mkstemp
  std::filesystem::create_directories(folder_, ignored);
  temporary_ = (folder_ / ("." + path_.filename().string() + ".XXXXXX")).string();
  fd_ = ::mkstemp(temporary_.data());
  if (fd_ < 0) fail("create a file beside");
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t written = ::write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    piece.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fchmod(fd_, 0644) != 0 || ::fsync(fd_) != 0) fail("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  ::close(std::exchange(fd_, -1));
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

void AtomicFile::fail(const char* what) const {
  throw Error(ErrorCode::kResourceExhausted, fmt::format("[files] cannot {} '{}': {}", what,
                                                         path_.string(), std::strerror(errno)));
}

}  // namespace ondol::io

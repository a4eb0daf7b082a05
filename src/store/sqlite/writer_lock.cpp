#include "store/sqlite/writer_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"

namespace ondol::store {
namespace {

std::string holder_of(int descriptor) {
  char digits[32] = {};
  const ssize_t got = ::pread(descriptor, digits, sizeof digits - 1, 0);
  return got > 0 ? std::string(digits, static_cast<size_t>(got)) : "unknown";
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[store] cannot make the lock file '{}'; got '{}', expected a folder "
                            "that can be written; try its permissions",
                            path.string(), std::strerror(errno)));
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = holder_of(descriptor_);
    ::close(descriptor_);
    throw Error(ErrorCode::kUnavailable,
                fmt::format("[store] another process writes to this store ('{}'); got a lock held "
                            "by process {}, expected none; try again when it has finished",
                            path.string(), holder));
  }
  // Only for the message above; the lock itself is the kernel's.
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, self.data(), self.size(), 0);
  }
}

WriterLock::~WriterLock() { ::close(descriptor_); }

}  // namespace ondol::store

#include "models/file_hash.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::models {
namespace {

// "size modified changed": what a file would have to fake to be taken for its old self.
std::string file_stamp(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    throw Error(ErrorCode::kNotFound,
                "[models] cannot examine '" + path.string() + "': " + std::strerror(errno));
  }
  const auto time = [](const timespec& when) {
    return std::to_string(when.tv_sec) + "." + std::to_string(when.tv_nsec);
  };
  return std::to_string(info.st_size) + " " + time(info.st_mtim) + " " + time(info.st_ctim);
}

}  // namespace

std::string file_hash(const std::filesystem::path& path,
                      const std::filesystem::path& cache_folder) {
  if (cache_folder.empty()) return sha256_file(path);
  constexpr size_t kDigestCharacters = 64;
  constexpr size_t kEntryBytesMax = 64 * 1024;
  const std::string stamp =
      std::filesystem::absolute(path).string() + "\n" + file_stamp(path) + "\n";
  const auto entry =
      cache_folder / (sha256_hex(std::filesystem::absolute(path).string()).substr(0, 32) + ".hash");
  try {
    const std::string stored = read_file(entry, kEntryBytesMax);
    if (stored.starts_with(stamp) && stored.size() == stamp.size() + kDigestCharacters) {
      return stored.substr(stamp.size());
    }
  } catch (const Error&) {
    // No entry yet, or one that cannot be read: the hash is computed anew.
  }
  const std::string digest = sha256_file(path);
  try {
    write_file_atomic(entry, stamp + digest);
  } catch (const Error&) {
    // A folder that cannot be written costs time at the next start, nothing else.
  }
  return digest;
}

}  // namespace ondol::models

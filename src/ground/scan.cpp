#include "ground/scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "text/segment.h"

namespace ondol::ground {
namespace fs = std::filesystem;
namespace {

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

// Why this entry may not be read; empty: it may.
std::string refusal_of(const fs::directory_entry& entry, const fs::path& root) {
  std::error_code error;
  if (entry.is_symlink()) {
    const fs::path target = fs::canonical(entry.path(), error);
    if (error) return "[ingest] a symbolic link leads nowhere; expected a file; try removing it";
    if (!is_inside(target, root)) {
      return "[ingest] a symbolic link leaves the documents folder; expected a target inside it; "
             "try copying the file";
    }
  }
  if (text::invalid_utf8_offset(entry.path().string())) {
    return "[ingest] the file's name is not UTF-8; expected UTF-8; try renaming it";
  }
  return "";
}

}  // namespace

std::vector<SourceFile> scan_folder(const fs::path& folder, size_t files_max) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error || !fs::is_directory(root)) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[ingest] no documents folder '{}'; got '{}', expected a folder; try "
                            "`ondol init`",
                            folder.string(), error ? error.message() : "a file"));
  }
  std::vector<SourceFile> files;
  fs::recursive_directory_iterator walk(root, fs::directory_options::skip_permission_denied);
  for (; walk != fs::recursive_directory_iterator(); ++walk) {
    const fs::directory_entry& entry = *walk;
    if (entry.path().filename().string().starts_with(".")) {
      if (entry.is_directory()) walk.disable_recursion_pending();
      continue;
    }
    std::string refusal = refusal_of(entry, root);
    // Folders behind links are not walked (the iterator does not), so only files are refused.
    if (refusal.empty() && !entry.is_regular_file(error)) continue;
    if (files.size() >= files_max) {
      throw Error(ErrorCode::kResourceExhausted,
                  fmt::format("[ingest] too many files below '{}'; got more than {}, expected at "
                              "most that; try a smaller folder",
                              folder.string(), files_max));
    }
    std::string uri = entry.path().lexically_relative(root).generic_string();
    if (text::invalid_utf8_offset(uri)) uri = fmt::format("file {}", files.size());
    files.push_back({std::move(uri), entry.path(), std::move(refusal)});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.uri < b.uri; });
  return files;
}

}  // namespace ondol::ground

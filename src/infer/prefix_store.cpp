#include "infer/prefix_store.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::infer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "ONDOLKV1";
constexpr std::string_view kSuffix = ".kv";
constexpr size_t kDigestBytes = 64;
constexpr size_t kHeaderBytes = kMagic.size() + kDigestBytes + sizeof(uint64_t);
constexpr int64_t kFailuresMax = 8;  // then nothing more is written
// Another process may still be writing a younger one.
constexpr auto kTemporaryAge = std::chrono::minutes(10);

std::string header(const std::string& name, uint64_t page_bytes) {
  std::string text = std::string(kMagic) + name;
  for (int shift = 0; shift < 64; shift += 8) {
    text.push_back(static_cast<char>(page_bytes >> shift));
  }
  return text;
}

bool is_page_name(std::string_view name) {
  return name.size() == kDigestBytes && name.find_first_not_of("0123456789abcdef") == name.npos;
}

}  // namespace

PrefixStore::PrefixStore(fs::path folder, const std::string& key, size_t bytes_max)
    : folder_(std::move(folder)),
      bytes_max_(bytes_max),
      root_(sha256_hex(std::string(kMagic) + "\n" + key)) {
  std::error_code failed;
  if (fs::create_directories(folder_, failed)) {
    // Pages tell what was asked: nobody else's business.
    fs::permissions(folder_, fs::perms::owner_all, failed);
  }
  read_folder();
  shrink();
  writer_ = std::jthread([this](std::stop_token stop) { write_queued(stop); });
}

PrefixStore::~PrefixStore() {
  flush();
  writer_.request_stop();
}

fs::path PrefixStore::path(const std::string& name) const {
  return folder_ / (name + std::string(kSuffix));
}

std::string PrefixStore::name(const std::string& parent,
                              std::span<const text::TokenId> tokens) const {
  Sha256 hash;
  hash.update(parent);
  hash.update(std::as_bytes(tokens));
  return hash.hex_digest();
}

// What stands there, in the order of its use; what writers that were killed left behind goes.
void PrefixStore::read_folder() {
  struct File {
    fs::file_time_type time;
    std::string name;
    size_t bytes;
  };
  std::vector<File> found;
  std::error_code failed;
  fs::directory_iterator file(folder_, failed);
  for (; !failed && file != fs::directory_iterator(); file.increment(failed)) {
    std::error_code vanished;
    const std::string name = file->path().filename().string();
    const fs::file_time_type time = file->last_write_time(vanished);
    if (vanished || !file->is_regular_file(vanished)) continue;
    if (name.starts_with('.') && name.find(std::string(kSuffix) + ".") != name.npos) {
      if (fs::file_time_type::clock::now() - time > kTemporaryAge)
        fs::remove(file->path(), vanished);
    } else if (name.ends_with(kSuffix)) {
      const std::string stem = name.substr(0, name.size() - kSuffix.size());
      const size_t bytes = file->file_size(vanished);
      if (!vanished && is_page_name(stem)) found.push_back({time, stem, bytes});
    }
  }
  if (failed) {
    throw Error(ErrorCode::kInvalidArgument, "[prefix_store] cannot use the folder '" +
                                                 folder_.string() + "': " + failed.message() +
                                                 "; try another folder");
  }
  std::sort(found.begin(), found.end(),
            [](const File& a, const File& b) { return a.time < b.time; });
  for (const File& page : found) note(page.name, page.bytes);
}

// ---- the list of files; the caller holds the mutex ----

void PrefixStore::note(const std::string& name, size_t bytes) {
  forget(name);
  entries_[name] = {++clock_, bytes};
  by_use_[clock_] = name;
  bytes_ += bytes;
}

void PrefixStore::forget(const std::string& name) {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return;
  by_use_.erase(entry->second.used);
  bytes_ -= entry->second.bytes;
  entries_.erase(entry);
}

void PrefixStore::shrink() {
  while (bytes_ > bytes_max_ && !by_use_.empty()) {
    const std::string oldest = by_use_.begin()->second;
    std::error_code ignored;  // another process may have removed it
    fs::remove(path(oldest), ignored);
    forget(oldest);
  }
}

// ---- from the engine thread ----

bool PrefixStore::contains(const std::string& name) {
  std::lock_guard lock(mutex_);
  return entries_.contains(name);
}

bool PrefixStore::load(const std::string& name, std::span<std::byte> page) {
  std::string content;
  try {
    content = read_file(path(name), kHeaderBytes + page.size() + kDigestBytes);
  } catch (const Error&) {
    content.clear();  // gone, or larger than a page of ours
  }
  const bool whole = content.size() == kHeaderBytes + page.size() + kDigestBytes &&
                     content.starts_with(header(name, page.size())) &&
                     content.ends_with(sha256_hex(
                         std::string_view(content).substr(0, content.size() - kDigestBytes)));
  std::lock_guard lock(mutex_);
  if (!whole) {
    std::error_code ignored;
    fs::remove(path(name), ignored);
    forget(name);
    return false;
  }
  std::memcpy(page.data(), content.data() + kHeaderBytes, page.size());
  return true;
}

bool PrefixStore::save(const std::string& name, std::span<const std::byte> page) {
  {
    std::lock_guard lock(mutex_);
    if (stats_.failures >= kFailuresMax || page.size() > bytes_max_) return true;  // never
    if (queued_bytes_ > 0 && queued_bytes_ + page.size() > kQueuedBytesMax) return false;
    queued_bytes_ += page.size();
  }
  Work work{name, header(name, page.size())};
  work.content.reserve(kHeaderBytes + page.size() + kDigestBytes);
  work.content.append(reinterpret_cast<const char*>(page.data()), page.size());
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_all();
  return true;
}

void PrefixStore::touch(const std::string& name) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({name, {}});
  }
  changed_.notify_all();
}

void PrefixStore::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.empty() && !writing_; });
}

PrefixStoreStats PrefixStore::stats() {
  std::lock_guard lock(mutex_);
  PrefixStoreStats stats = stats_;
  stats.pages = static_cast<int64_t>(entries_.size());
  return stats;
}

// ---- the writer ----

void PrefixStore::write_queued(std::stop_token stop) {
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      changed_.notify_all();
      if (!changed_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
      work = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
    }
    write(std::move(work));
  }
}

void PrefixStore::write(Work work) {
  const fs::path file = path(work.name);
  if (work.content.empty()) {
    std::error_code ignored;
    fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
    std::lock_guard lock(mutex_);
    const auto entry = entries_.find(work.name);
    if (entry != entries_.end()) note(work.name, entry->second.bytes);
    return;
  }
  const size_t page_bytes = work.content.size() - kHeaderBytes;
  {
    std::lock_guard lock(mutex_);
    queued_bytes_ -= page_bytes;
    if (stats_.failures >= kFailuresMax) return;
  }
  std::string error;
  try {
    work.content += sha256_hex(work.content);
    write_file_atomic(file, work.content);
  } catch (const std::exception& failed) {
    error = failed.what();
  }
  std::lock_guard lock(mutex_);
  if (!error.empty()) {
    ++stats_.failures;
    stats_.last_error = error;
    return;
  }
  ++stats_.pages_saved;
  note(work.name, work.content.size());
  shrink();
}

}  // namespace ondol::infer

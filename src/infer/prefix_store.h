// Pages of keys and values on disk, found again after a restart: one file a page, named by a hash
// of everything that decides its content (model, numbers, all tokens up to its end), written whole
// or not at all by a thread of its own. A file that is cut, changed or of another format is removed
// and counts as absent. Several processes may use one folder.
//
// File: "ONDOLKV1", the name (64 hexadecimal digits), the page's size (8 bytes, little endian), the
// page, SHA-256 of all that (64 hexadecimal digits).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>

#include "text/tokenizer.h"

namespace ondol::infer {

struct PrefixStoreStats {
  int64_t pages = 0;  // in the folder, as far as this process knows
  int64_t pages_saved = 0;
  int64_t failures = 0;    // pages that could not be written
  std::string last_error;  // of those
};

class PrefixStore {
 public:
  // Makes the folder if need be; at most bytes_max stay in it, the longest unused page goes first.
  // `key` names what pages depend on beside their tokens. Throws Error(kInvalidArgument)
  // when the folder cannot be made or read.
  PrefixStore(std::filesystem::path folder, const std::string& key, size_t bytes_max);
  ~PrefixStore();  // after everything queued is written
  PrefixStore(const PrefixStore&) = delete;
  PrefixStore& operator=(const PrefixStore&) = delete;

  const std::string& root() const { return root_; }
  // Of the page that holds `tokens` and follows the page `parent` (or root()).
  std::string name(const std::string& parent, std::span<const text::TokenId> tokens) const;

  bool contains(const std::string& name);
  // Fills `page`; false: there is no such page of this size, whole and unchanged.
  bool load(const std::string& name, std::span<std::byte> page);
  // Queues a copy to be written; false: too much is queued, try later.
  bool save(const std::string& name, std::span<const std::byte> page);
  void touch(const std::string& name);  // it was used
  void flush();                         // returns when the queue is written
  PrefixStoreStats stats();

  static constexpr size_t kQueuedBytesMax = size_t{1} << 26;

 private:
  struct Entry {
    uint64_t used = 0;
    size_t bytes = 0;
  };
  struct Work {
    std::string name;
    std::string content;  // empty: only mark the file as used
  };
  std::filesystem::path path(const std::string& name) const;
  void read_folder();
  void forget(const std::string& name);
  void note(const std::string& name, size_t bytes);
  void write_queued(std::stop_token stop);
  void write(Work work);
  void shrink();

  const std::filesystem::path folder_;
  const size_t bytes_max_;
  std::string root_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_, as all below
  std::map<uint64_t, std::string> by_use_;
  uint64_t clock_ = 0;
  size_t bytes_ = 0;
  std::deque<Work> queue_;
  size_t queued_bytes_ = 0;
  bool writing_ = false;
  PrefixStoreStats stats_;
  std::jthread writer_;  // last: it stops before anything it uses goes away
};

}  // namespace ondol::infer

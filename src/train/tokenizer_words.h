// Texts cut into the words that a tokenizer is learned from, and how often each occurs.
//
//   TextLines lines = read_text_lines({{"wiki.txt"}}, progress);
//   WordCounts words = count_words(lines, split, pool);   // split(line, sink) calls sink(word)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"

namespace ondol::train {

// Owns the texts; `lines` are views into them, ends of lines included.
struct TextLines {
  std::vector<std::string> texts;
  std::vector<std::string_view> lines;
  // Cuts `text` into lines and keeps it.
  void add(std::string text);
  TextLines() = default;
  TextLines(TextLines&&) = default;
  TextLines& operator=(TextLines&&) = default;
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;
};

// Plain texts, and .jsonl files whose rows have a "text". Throws Error(kNotFound);
// Error(kCorruptData) with file and line for what is not UTF-8 or no row with a text.
TextLines read_text_lines(std::span<const std::filesystem::path> files, ProgressSink& progress);

struct WordCount {
  std::string word;
  uint64_t count = 0;
  bool operator==(const WordCount&) const = default;
};
// Distinct words, sorted by their bytes.
using WordCounts = std::vector<WordCount>;

using WordSink = std::function<void(std::string_view)>;
// `split` is called from several threads.
WordCounts count_words(const TextLines& lines,
                       const std::function<void(std::string_view, const WordSink&)>& split,
                       ThreadPool& pool, ProgressSink& progress);

}  // namespace ondol::train

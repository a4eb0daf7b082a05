#include "train/tokenizer_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

// Lines that a thread takes at a time: enough to hide the taking, little enough to share evenly.
constexpr size_t kLinesAtOnce = 256;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Counts = std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>>;

// Line of the first byte that is no UTF-8, from 1.
size_t bad_line(std::string_view text) {
  size_t line = 1;
  for (size_t at = 0; at < text.size();) {
    const text::Utf8Char c = text::read_utf8(text, at);
    if (c.code == text::kInvalidUtf8) break;
    line += c.code == U'\n' ? 1 : 0;
    at += c.size;
  }
  return line;
}

[[noreturn]] void fail(const std::filesystem::path& file, size_t line, const std::string& what) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[tokenizer] {}:{}: {}", file.string(), line, what));
}

void add_rows(const std::filesystem::path& file, std::string_view content, TextLines& out) {
  size_t line = 0;
  for (size_t at = 0; at < content.size();) {
    const size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view row = content.substr(at, end - at);
    at = end + 1;
    ++line;
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto json = nlohmann::json::parse(row, nullptr, false);
    if (!json.is_object() || !json.contains("text") || !json["text"].is_string()) {
      fail(file, line, "no row; expected an object with a \"text\"");
    }
    out.add(json["text"].get<std::string>());
  }
}

}  // namespace

void TextLines::add(std::string text) {
  // A short string keeps its bytes inside itself and moves with the vector: such ones get room.
  if (text.capacity() < 64) text.reserve(64);
  texts.push_back(std::move(text));
  const std::string_view whole = texts.back();
  for (size_t at = 0; at < whole.size();) {
    const size_t end = whole.find('\n', at);
    const size_t next = end == std::string_view::npos ? whole.size() : end + 1;
    lines.push_back(whole.substr(at, next - at));
    at = next;
  }
}

TextLines read_text_lines(std::span<const std::filesystem::path> files, ProgressSink& progress) {
  TextLines out;
  uint64_t done = 0;
  for (const std::filesystem::path& file : files) {
    progress.update("reading", done++, files.size());
    std::string content = read_file(file);
    if (!text::is_utf8(content)) fail(file, bad_line(content), "bytes that are not UTF-8");
    if (file.extension() == ".jsonl") {
      add_rows(file, content, out);
    } else {
      out.add(std::move(content));
    }
  }
  return out;
}

WordCounts count_words(const TextLines& lines,
                       const std::function<void(std::string_view, const WordSink&)>& split,
                       ThreadPool& pool, ProgressSink& progress) {
  std::vector<Counts> parts(static_cast<size_t>(pool.size()));
  std::atomic<size_t> next = 0;
  const size_t total = lines.lines.size();
  pool.run([&](int thread) {
    Counts& counts = parts[static_cast<size_t>(thread)];
    const WordSink sink = [&](std::string_view word) {
      const auto row = counts.find(word);
      if (row != counts.end()) {
        ++row->second;
      } else {
        counts.emplace(word, 1);
      }
    };
    for (size_t begin; (begin = next.fetch_add(kLinesAtOnce)) < total;) {
      progress.update("counting words", begin, total);
      const size_t end = std::min(begin + kLinesAtOnce, total);
      for (size_t i = begin; i < end; ++i) split(lines.lines[i], sink);
    }
  });
  for (size_t i = 1; i < parts.size(); ++i) {
    for (const auto& [word, count] : parts[i]) parts[0][word] += count;
    parts[i].clear();
  }
  WordCounts words;
  words.reserve(parts[0].size());
  while (!parts[0].empty()) {
    auto row = parts[0].extract(parts[0].begin());
    words.push_back({std::move(row.key()), row.mapped()});
  }
  std::sort(words.begin(), words.end(),
            [](const WordCount& a, const WordCount& b) { return a.word < b.word; });
  return words;
}

}  // namespace ondol::train

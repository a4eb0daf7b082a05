#include "train/word2vec_file.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "text/utf8.h"
#include "train/word2vec_text.h"

namespace ondol::train {
namespace {

constexpr size_t kWidthMax = 65536;

static_assert(std::endian::native == std::endian::little, "vectors are written as they lie");

class Parser {
 public:
  Parser(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  WordVectors text();
  WordVectors binary();

 private:
  void header(size_t bytes_per_value);
  uint64_t header_number(std::string_view line, size_t& at, const char* what);
  std::string_view line(const char* what);
  void text_row(std::string_view row);
  void binary_row();
  void add_word(std::string_view word);
  WordVectors finish();
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kCorruptData, "[word2vec] " + name_ + ": " + what);
  }

  std::string_view bytes_;
  const std::string& name_;
  size_t at_ = 0;
  size_t count_ = 0;
  size_t width_ = 0;
  std::vector<std::string> words_;
  std::vector<float> values_;
};

std::string_view Parser::line(const char* what) {
  const size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos && at_ >= bytes_.size()) {
    fail(fmt::format("the file ends before {}; try getting it again", what));
  }
  const std::string_view found =
      bytes_.substr(at_, end == std::string_view::npos ? end : end - at_);
  at_ = end == std::string_view::npos ? bytes_.size() : end + 1;
  return found.ends_with('\r') ? found.substr(0, found.size() - 1) : found;
}

uint64_t Parser::header_number(std::string_view line, size_t& at, const char* what) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data() + at, line.data() + line.size(), value);
  if (error != std::errc{}) {
    fail(
        fmt::format("the first line has no {}; got '{}', expected 'COUNT WIDTH'; a file without "
                    "that line (GloVe) needs it put in front",
                    what, line.substr(0, 40)));
  }
  at = static_cast<size_t>(end - line.data());
  return value;
}

// A word takes at least two bytes beside its values.
void Parser::header(size_t bytes_per_value) {
  const std::string_view first = line("its first line");
  size_t at = 0;
  const uint64_t count = header_number(first, at, "count");
  if (at >= first.size() || first[at] != ' ') fail("the first line is not 'COUNT WIDTH'");
  const uint64_t width = header_number(first, ++at, "width");
  if (first.find_first_not_of(' ', at) != std::string_view::npos) {
    fail(fmt::format("the first line goes on behind the width; got '{}'", first.substr(0, 40)));
  }
  if (count == 0 || width == 0 || width > kWidthMax) {
    fail(fmt::format("{} words of {} values; expected at least one of each and at most {} values",
                     count, width, kWidthMax));
  }
  const uint64_t row = width * bytes_per_value + 2;
  if (count > (bytes_.size() - at_ + 1) / row) {
    fail(
        fmt::format("{} words of {} values need at least {} bytes each; got {} bytes in all; the "
                    "file is cut off or its first line is wrong",
                    count, width, row, bytes_.size()));
  }
  count_ = static_cast<size_t>(count);
  width_ = static_cast<size_t>(width);
  words_.reserve(count_);
  values_.reserve(count_ * width_);
}

void Parser::add_word(std::string_view word) {
  if (word.empty() || word.size() > kWordBytesMax || !text::is_utf8(word)) {
    fail(fmt::format("word {} is empty, longer than {} bytes or not UTF-8", words_.size() + 1,
                     kWordBytesMax));
  }
  words_.emplace_back(word);
}

void Parser::text_row(std::string_view row) {
  while (row.ends_with(' ')) row.remove_suffix(1);
  size_t at = row.find(' ');
  if (at == std::string_view::npos) fail(fmt::format("word {} has no values", words_.size() + 1));
  add_word(row.substr(0, at));
  for (size_t i = 0; i < width_; ++i) {
    float value = 0;
    const char* begin = row.data() + std::min(at + 1, row.size());
    const auto [end, error] = std::from_chars(begin, row.data() + row.size(), value);
    if (at >= row.size() || row[at] != ' ' || error != std::errc{}) {
      fail(fmt::format("value {} of word {} ('{}') is not a number; expected {} values", i + 1,
                       words_.size(), words_.back(), width_));
    }
    at = static_cast<size_t>(end - row.data());
    values_.push_back(value);
  }
  if (at != row.size()) {
    fail(fmt::format("word {} ('{}') has more than {} values", words_.size(), words_.back(),
                     width_));
  }
}

void Parser::binary_row() {
  if (at_ < bytes_.size() && bytes_[at_] == '\n') ++at_;
  const std::string_view ahead = bytes_.substr(at_, kWordBytesMax + 1);
  const size_t length = ahead.find(' ');
  const size_t bytes = width_ * sizeof(float);
  if (length == std::string_view::npos || bytes_.size() - at_ - length - 1 < bytes) {
    fail(fmt::format("the file ends or has no space behind word {} of {}; try getting it again",
                     words_.size() + 1, count_));
  }
  add_word(ahead.substr(0, length));
  values_.resize(values_.size() + width_);
  std::memcpy(values_.data() + values_.size() - width_, bytes_.data() + at_ + length + 1, bytes);
  at_ += length + 1 + bytes;
}

WordVectors Parser::finish() {
  while (at_ < bytes_.size() && (bytes_[at_] == '\n' || bytes_[at_] == '\r')) ++at_;
  if (at_ != bytes_.size()) {
    fail(fmt::format("{} bytes behind the last of {} words", bytes_.size() - at_, count_));
  }
  try {
    return WordVectors(std::move(words_), width_, std::move(values_));
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) + " in " + name_);
  }
}

WordVectors Parser::text() {
  header(2);  // a space and a digit
  for (size_t i = 0; i < count_; ++i) text_row(line("its last word"));
  return finish();
}

WordVectors Parser::binary() {
  header(sizeof(float));
  for (size_t i = 0; i < count_; ++i) binary_row();
  return finish();
}

void append_number(std::string& out, float value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  ONDOL_ASSERT(error == std::errc{});
  out.append(digits, end);
}

}  // namespace

WordVectors::WordVectors(std::vector<std::string> words, size_t width, std::vector<float> values)
    : words_(std::move(words)), width_(width), values_(std::move(values)) {
  ONDOL_ASSERT(values_.size() == words_.size() * width_);
  rows_.reserve(words_.size());
  for (size_t row = 0; row < words_.size(); ++row) {
    const std::string& word = words_[row];
    const auto fail = [&](const char* what) {
      throw Error(ErrorCode::kCorruptData,
                  fmt::format("[word2vec] word {} ('{}') {}", row + 1, word, what));
    };
    if (word.empty() || word.find_first_of(" \n") != std::string::npos) {
      fail("is empty or has a space or a line feed in it");
    }
    if (!rows_.emplace(word, row).second) fail("stands there twice");
    for (const float value : vector(row)) {
      if (!std::isfinite(value)) fail("has a value that is not finite");
    }
  }
}

std::optional<size_t> WordVectors::find(std::string_view word) const {
  const auto found = rows_.find(word);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

std::string word_vector_bytes(const WordVectors& vectors, WordVectorFormat format) {
  std::string out = fmt::format("{} {}\n", vectors.size(), vectors.width());
  if (format == WordVectorFormat::kBinary) {
    out.reserve(out.size() + vectors.size() * (vectors.width() * sizeof(float) + 16));
  }
  for (size_t row = 0; row < vectors.size(); ++row) {
    out += vectors.words()[row];
    const std::span<const float> values = vectors.vector(row);
    if (format == WordVectorFormat::kBinary) {
      out += ' ';
      out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    } else {
      for (const float value : values) {
        out += ' ';
        append_number(out, value);
      }
    }
    out += '\n';
  }
  return out;
}

void write_word_vectors(const WordVectors& vectors, const std::filesystem::path& path,
                        WordVectorFormat format) {
  write_file_atomic(path, word_vector_bytes(vectors, format));
}

WordVectors parse_word_vectors(std::string_view bytes, WordVectorFormat format,
                               const std::string& name) {
  Parser parser(bytes, name);
  return format == WordVectorFormat::kBinary ? parser.binary() : parser.text();
}

WordVectors read_word_vectors(const std::filesystem::path& path, WordVectorFormat format) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  return parse_word_vectors(bytes, format, path.filename().string());
}

WordVectors read_word_vectors(const std::filesystem::path& path) {
  return read_word_vectors(
      path, path.extension() == ".bin" ? WordVectorFormat::kBinary : WordVectorFormat::kText);
}

}  // namespace ondol::train

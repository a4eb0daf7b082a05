#include "io/byte_cursor.h"

#include <fmt/format.h>

namespace ondol::io {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`, or 0 (RFC 3629, table of section 4).
size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string shown;
  while (!text.empty() && shown.size() < kShown) {
    const size_t length = utf8_sequence(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0 || first < 0x20 || first == 0x7F) {
      shown += '?';
      text.remove_prefix(1);
    } else {
      shown += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return text.empty() ? shown : shown + "...";
}

std::string_view ByteCursor::read_string(std::string_view field, uint64_t bytes_max) {
  const auto size = read<uint64_t>(field);
  if (size > remaining()) {
    fail(ErrorCode::kCorruptData,
         fmt::format("{} at byte {} is longer than the rest of the file; got {} bytes, expected at "
                     "most {}; try downloading the file again",
                     field, offset_, size, remaining()));
  }
  if (size > bytes_max) {
    fail(ErrorCode::kResourceExhausted,
         fmt::format("{} at byte {} is too long; got {} bytes, expected at most {}", field, offset_,
                     size, bytes_max));
  }
  const std::string_view text = as_text(bytes_.subspan(offset_, size));
  offset_ += size;
  return text;
}

void ByteCursor::skip(uint64_t size, std::string_view field) {
  need(size, field);
  offset_ += size;
}

void ByteCursor::fail(ErrorCode code, const std::string& what) const {
  throw Error(code, fmt::format("[{}] '{}': {}", reader_, file_, what));
}

void ByteCursor::need(uint64_t size, std::string_view field) const {
  if (size <= remaining()) return;
  fail(ErrorCode::kCorruptData,
       fmt::format("the file ends inside {} at byte {}; got {} bytes, expected {}; try downloading "
                   "the file again",
                   field, offset_, remaining(), size));
}

}  // namespace ondol::io

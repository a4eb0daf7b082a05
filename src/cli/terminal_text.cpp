// Widths, line breaks and amounts: the parts of the terminal that are pure functions.
#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal.h"

namespace ondol::cli {
namespace {

struct Step {
  size_t bytes;
  size_t columns;
};

// Unicode Standard Annex 11 (East Asian Width), the ranges of class W and F that people type.
bool is_wide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
         (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
         (c >= 0x20000 && c <= 0x3fffd);
}

Step step(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  bytes = std::min(bytes, text.size());
  uint32_t c = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {bytes, is_wide(c) ? size_t{2} : size_t{1}};
}

}  // namespace

size_t display_columns(std::string_view utf8) {
  size_t columns = 0;
  while (!utf8.empty()) {
    const Step s = step(utf8);
    columns += s.columns;
    utf8.remove_prefix(s.bytes);
  }
  return columns;
}

std::string_view clip_columns(std::string_view utf8, size_t columns) {
  size_t bytes = 0;
  size_t used = 0;
  while (bytes < utf8.size()) {
    const Step s = step(utf8.substr(bytes));
    if (used + s.columns > columns) break;
    used += s.columns;
    bytes += s.bytes;
  }
  return utf8.substr(0, bytes);
}

std::string wrap(std::string_view text, size_t width, size_t indent) {
  std::string out;
  size_t column = indent;  // the caller has written the first indent
  bool first = true;
  while (!text.empty()) {
    const size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const size_t columns = display_columns(word);
    if (!first && column + 1 + columns > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += columns;
    first = false;
    text.remove_prefix(end);
  }
  return out;
}

std::string format_bytes(uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} B", bytes);
  if (value < 1e6) return fmt::format("{:.0f} kB", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.2f} GB", value / 1e9);
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds + 0.5, 0.0, 3.6e8));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace ondol::cli

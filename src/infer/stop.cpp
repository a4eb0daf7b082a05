#include "infer/stop.h"

#include <algorithm>

#include "text/tokenizer.h"  // complete_utf8_prefix
#include "text/utf8.h"

namespace ondol {
namespace {

// Length of the longest suffix of `text` that is a proper prefix of `stop`.
size_t partial_match(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
  }
  return 0;
}

// U+FFFD for every beginning of a character that does not go on, and every byte that begins none,
// as Unicode 16 recommends (3.9, substitution of maximal subparts).
std::string well_formed(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const text::Utf8Char c = text::read_utf8(bytes, at);
    size_t size = c.size;
    if (c.code == text::kInvalidUtf8) {
      out += "\xEF\xBF\xBD";
      const auto unfinished = [&](size_t count) {
        return text::complete_utf8_prefix(bytes.substr(at, count)) == 0;
      };
      while (at + size < bytes.size() && unfinished(size + 1)) ++size;
    } else {
      out += bytes.substr(at, size);
    }
    at += size;
  }
  return out;
}

// Where a string ends the text: the one completed first, of those the one that began first, so that
// it does not matter in which pieces the text came.
size_t find_stop(std::string_view text, const std::vector<std::string>& stops) {
  size_t begin = std::string_view::npos, end = std::string_view::npos;
  for (const std::string& stop : stops) {
    const size_t at = stop.empty() ? std::string_view::npos : text.find(stop);
    if (at == std::string_view::npos || at + stop.size() > end) continue;
    begin = at + stop.size() < end ? at : std::min(begin, at);
    end = at + stop.size();
  }
  return begin;
}

}  // namespace

std::string StopFilter::give(size_t count) {
  std::string out = well_formed(std::string_view(held_).substr(0, count));
  held_.erase(0, count);
  text_ += out;
  return out;
}

std::string StopFilter::push(std::string_view bytes) {
  if (stopped_) return {};
  held_ += bytes;
  const size_t first = find_stop(held_, stops_);
  if (first != std::string::npos) {
    stopped_ = true;
    held_.resize(first);
    return finish();
  }
  size_t keep = 0;
  for (const std::string& stop : stops_) {
    if (!stop.empty()) keep = std::max(keep, partial_match(held_, stop));
  }
  return give(text::complete_utf8_prefix(std::string_view(held_).substr(0, held_.size() - keep)));
}

std::string StopFilter::finish() { return give(held_.size()); }

}  // namespace ondol

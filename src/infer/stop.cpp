#include "infer/stop.h"

#include <algorithm>

#include "text/tokenizer.h"  // complete_utf8_prefix

namespace ondol {
namespace {

// Length of the longest suffix of `text` that is a proper prefix of `stop`.
size_t partial_match(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
  }
  return 0;
}

}  // namespace

std::string StopFilter::give(size_t count) {
  std::string out = held_.substr(0, count);
  held_.erase(0, count);
  text_ += out;
  return out;
}

std::string StopFilter::push(std::string_view bytes) {
  if (stopped_) return {};
  held_ += bytes;
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) {
    if (!stop.empty()) first = std::min(first, held_.find(stop));
  }
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

std::string StopFilter::finish() {
  const size_t whole = text::complete_utf8_prefix(held_);
  if (whole < held_.size()) held_.replace(whole, std::string::npos, "\xEF\xBF\xBD");  // U+FFFD
  return give(held_.size());
}

}  // namespace ondol

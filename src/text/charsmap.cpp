#include "text/charsmap.h"

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr size_t kReplacementMax = 1024;  // the longest real one has 33 bytes

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::kCorruptData,
              "[tokenizer] precompiled_charsmap: " + what + "; try downloading the file again");
}

uint32_t read_u32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// The fields of a unit, as darts-clone packs them.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFFU; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FFU; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 1U << 9) >> 6); }

}  // namespace

CharsMap::CharsMap(std::string_view bytes) {
  if (bytes.size() < 4) corrupt("got " + std::to_string(bytes.size()) + " bytes, expected 4 more");
  const size_t trie_bytes = read_u32(bytes, 0);
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > bytes.size() - 4) {
    corrupt("the trie has " + std::to_string(trie_bytes) + " bytes of " +
            std::to_string(bytes.size()));
  }
  for (size_t at = 4; at < 4 + trie_bytes; at += 4) units_.push_back(read_u32(bytes, at));
  replacements_ = bytes.substr(4 + trie_bytes);
  size_t run = 0;
  for (const char c : replacements_) {
    run = c == '\0' ? 0 : run + 1;
    if (run > kReplacementMax) {
      corrupt("a replacement has over " + std::to_string(kReplacementMax) + " bytes");
    }
  }
}

CharsMap::Match CharsMap::longest(std::string_view text, size_t at) const {
  Match best;
  size_t node = offset_of(units_[0]);
  for (size_t end = at; end < text.size(); ++end) {
    const auto byte = static_cast<unsigned char>(text[end]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (node >= units_.size()) break;
    if (!has_leaf(unit)) continue;
    const size_t value = value_of(units_[node]);
    if (value < replacements_.size()) best = {end + 1 - at, value};
  }
  return best;
}

std::string CharsMap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Match match = longest(text, at);
    if (match.size == 0) {
      const size_t size = read_utf8(text, at).size;
      out += text.substr(at, size);
      at += size;
      continue;
    }
    const size_t end = replacements_.find('\0', match.value);
    out.append(replacements_, match.value,
               end == std::string::npos ? std::string::npos : end - match.value);
    at += match.size;
  }
  return out;
}

}  // namespace ondol::text

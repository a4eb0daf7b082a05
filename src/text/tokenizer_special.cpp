#include "text/tokenizer_special.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

// Keeps matching linear in the text for hostile vocabularies; the longest real one has 30 bytes.
constexpr size_t kSpecialBytesMax = 1024;

size_t strip_left(std::string_view text, size_t begin, size_t at) {
  while (at > begin) {
    size_t previous = at - 1;
    while (previous > begin && at - previous < 4 && (text[previous] & 0xC0) == 0x80) --previous;
    const Utf8Char c = read_utf8(text, previous);
    if (previous + c.size != at || !is_white_space(c.code)) break;
    at = previous;
  }
  return at;
}

size_t strip_right(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Utf8Char c = read_utf8(text, at);
    if (!is_white_space(c.code)) break;
    at += c.size;
  }
  return at;
}

}  // namespace

MarkedText::MarkedText(std::span<const TextSpan> spans) {
  size_t bytes = 0;
  for (const TextSpan& span : spans) bytes += span.text.size();
  text.reserve(bytes);
  for (const TextSpan& span : spans) {
    const size_t begin = text.size();
    text += span.text;
    if (!span.trusted || span.text.empty()) continue;
    if (!trusted.empty() && trusted.back().second == begin) {
      trusted.back().second = text.size();
    } else {
      trusted.emplace_back(begin, text.size());
    }
  }
}

SpecialTokens::SpecialTokens(const TokenizerConfig& config) : strips_(config.strips) {
  for (size_t i = 0; i < config.types.size(); ++i) {
    const TokenType type = config.types[i];
    if (type != TokenType::kControl && type != TokenType::kUserDefined) continue;
    const auto id = static_cast<TokenId>(i);
    add(config.pieces[i], id);
    if (type == TokenType::kUserDefined) user_defined_.push_back(id);
  }
}

void SpecialTokens::add(std::string_view piece, TokenId id) {
  if (piece.empty() || piece.size() > kSpecialBytesMax) {
    throw Error(ErrorCode::kCorruptData,
                "[tokenizer] special token " + std::to_string(id) + " has " +
                    std::to_string(piece.size()) + " bytes; expected 1 to " +
                    std::to_string(kSpecialBytesMax) + "; try another model file");
  }
  trie_.insert(piece, id);
  begins_[static_cast<unsigned char>(piece[0])] = true;
}

SpecialTokens::Match SpecialTokens::match_at(std::string_view text, size_t at,
                                             size_t trusted_end) const {
  Match best;
  ByteTrie::Node node = ByteTrie::kRoot;
  for (size_t end = at; end < text.size();) {
    node = trie_.child(node, text[end]);
    if (node == ByteTrie::kNone) break;
    ++end;
    const TokenId token = trie_.token(node);
    if (token == ByteTrie::kNoToken) continue;
    if (end <= trusted_end ||
        std::binary_search(user_defined_.begin(), user_defined_.end(), token)) {
      best = {end, token};
    }
  }
  return best;
}

std::vector<Segment> SpecialTokens::split(const MarkedText& marked) const {
  const std::string_view text = marked.text;
  std::vector<Segment> segments;
  size_t plain = 0;  // where the plain text not yet written begins
  const auto write_plain = [&](size_t end) {
    if (end > plain) segments.push_back({text.substr(plain, end - plain)});
  };
  auto trusted = marked.trusted.begin();
  const bool possible = !trie_.empty() && (!marked.trusted.empty() || !user_defined_.empty());
  for (size_t at = 0; possible && at < text.size();) {
    if (!begins_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    while (trusted != marked.trusted.end() && trusted->second <= at) ++trusted;
    const bool inside = trusted != marked.trusted.end() && trusted->first <= at;
    Match match = match_at(text, at, inside ? trusted->second : at);
    if (match.token == ByteTrie::kNoToken) {
      ++at;
      continue;
    }
    const auto strip = std::find_if(strips_.begin(), strips_.end(),
                                    [&](const AddedTokenStrip& s) { return s.id == match.token; });
    size_t begin = at;
    if (strip != strips_.end() && strip->left) begin = strip_left(text, plain, at);
    if (strip != strips_.end() && strip->right) match.end = strip_right(text, match.end);
    write_plain(begin);
    segments.push_back({{}, match.token});
    plain = at = match.end;
  }
  write_plain(text.size());
  return segments;
}

}  // namespace ondol::text

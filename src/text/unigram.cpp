#include "text/unigram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "text/normalizer.h"
#include "text/tokenizer_special.h"
#include "text/tokenizer_trie.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr TokenId kNoToken = ByteTrie::kNoToken;
constexpr double kUnknownPenalty = 10.0;
// Keeps encoding linear in the text for hostile vocabularies; the longest real piece has 64 bytes.
constexpr size_t kPieceBytesMax = 1024;

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::kCorruptData, "[tokenizer] " + what + "; try another model file");
}

// A best path of the Viterbi search: how its last piece was reached.
struct Node {
  double score = 0;
  size_t begin = SIZE_MAX;  // of the last piece; SIZE_MAX: not reached
  TokenId id = kNoToken;
};

class UnigramTokenizer final : public Tokenizer {
 public:
  explicit UnigramTokenizer(TokenizerConfig config)
      : Tokenizer(std::move(config)),
        normalizer_(this->config().normalizers),
        special_(this->config()) {
    check_scores();
    bytes_.fill(kNoToken);
    for (size_t i = 0; i < vocab_size(); ++i) add(static_cast<TokenId>(i));
    has_bytes_ = this->config().byte_fallback &&
                 std::find(bytes_.begin(), bytes_.end(), kNoToken) == bytes_.end();
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::span<const TextSpan> spans,
                              const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool show_special) const override;
  std::string token_bytes(TokenId id) const override {
    return is_control(id) ? std::string() : text_of(id);
  }

 private:
  void check_scores();
  void add(TokenId id);
  bool is_type(TokenId id, TokenType type) const {
    return !config().types.empty() && config().types[static_cast<size_t>(id)] == type;
  }
  std::string text_of(TokenId id, bool with_spaces = true) const;
  void encode_word(std::string_view word, std::vector<Node>& nodes, std::vector<TokenId>& out,
                   size_t& dropped) const;
  void reach(std::string_view word, size_t at, std::vector<Node>& nodes) const;
  void write_unknown(std::string_view text, std::vector<TokenId>& out, size_t& dropped) const;

  Normalizer normalizer_;
  SpecialTokens special_;
  ByteTrie trie_;  // of the pieces that text may become
  double unknown_score_ = 0;
  bool has_bytes_ = false;
  std::array<TokenId, 256> bytes_{};
};

void UnigramTokenizer::check_scores() {
  const std::vector<double>& scores = config().scores;
  if (scores.empty() || scores.size() > vocab_size()) {
    corrupt("there are " + std::to_string(scores.size()) + " scores for " +
            std::to_string(vocab_size()) + " pieces");
  }
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      corrupt("the score of piece " + std::to_string(i) + " is not finite");
    }
    least = std::min(least, scores[i]);
  }
  unknown_score_ = least - kUnknownPenalty;
  if (config().space_mark.empty()) corrupt("the mark of a space is empty");
}

void UnigramTokenizer::add(TokenId id) {
  const std::string& stored = piece(id);
  if (const auto byte = byte_of_piece(stored); byte && config().byte_fallback) {
    bytes_[*byte] = id;
    return;
  }
  // Only normal pieces come out of plain text; a special one would let a user write it.
  if (!config().types.empty() && !is_type(id, TokenType::kNormal)) return;
  if (id == config().unk || static_cast<size_t>(id) >= config().scores.size()) return;
  if (stored.empty()) return;
  if (stored.size() > kPieceBytesMax) {
    corrupt("piece " + std::to_string(id) + " has " + std::to_string(stored.size()) +
            " bytes, expected at most " + std::to_string(kPieceBytesMax));
  }
  trie_.insert(stored, id);
}

// Extends the best path that ends at `at` by every piece that begins there.
void UnigramTokenizer::reach(std::string_view word, size_t at, std::vector<Node>& nodes) const {
  const double so_far = nodes[at].score;
  const size_t char_end = at + read_utf8(word, at).size;
  const auto offer = [&](size_t end, TokenId id, double score) {
    Node& node = nodes[end];
    if (node.begin == SIZE_MAX || so_far + score > node.score) node = {so_far + score, at, id};
  };
  bool single = false;  // the character is a piece of its own
  ByteTrie::Node node = ByteTrie::kRoot;
  for (size_t end = at; end < word.size();) {
    node = trie_.child(node, word[end]);
    if (node == ByteTrie::kNone) break;
    ++end;
    const TokenId id = trie_.token(node);
    if (id == kNoToken) continue;
    offer(end, id, config().scores[static_cast<size_t>(id)]);
    single = single || end == char_end;
  }
  if (!single) offer(char_end, kNoToken, unknown_score_);
}

void UnigramTokenizer::encode_word(std::string_view word, std::vector<Node>& nodes,
                                   std::vector<TokenId>& out, size_t& dropped) const {
  nodes.assign(word.size() + 1, {});
  for (size_t at = 0; at < word.size();) {
    // A piece may end inside a character only in a damaged vocabulary; such ends are not used.
    reach(word, at, nodes);
    at += read_utf8(word, at).size;
  }
  std::vector<std::pair<size_t, size_t>> path;  // pieces, last first
  for (size_t end = word.size(); end > 0; end = nodes[end].begin) {
    path.emplace_back(nodes[end].begin, end);
  }
  for (size_t i = path.size(); i-- > 0;) {
    const auto [begin, end] = path[i];
    if (nodes[end].id != kNoToken) {
      out.push_back(nodes[end].id);
      continue;
    }
    while (i > 0 && nodes[path[i - 1].second].id == kNoToken) --i;
    write_unknown(word.substr(begin, path[i].second - begin), out, dropped);
  }
}

void UnigramTokenizer::write_unknown(std::string_view text, std::vector<TokenId>& out,
                                     size_t& dropped) const {
  if (has_bytes_) {
    for (const char c : text) out.push_back(bytes_[static_cast<unsigned char>(c)]);
  } else if (config().unk) {
    out.push_back(*config().unk);
  } else {
    dropped += text.size();
  }
}

std::vector<TokenId> UnigramTokenizer::encode(std::span<const TextSpan> spans,
                                              const EncodeOptions& options) const {
  const MarkedText marked(spans);
  std::vector<TokenId> out;
  out.reserve(marked.text.size() / 4 + 2);
  std::vector<Node> nodes;
  size_t dropped = 0;
  if (options.add_special && config().add_bos) out.push_back(*first_token());
  for (const Segment& segment : special_.split(marked)) {
    if (segment.token != kNoToken) {
      out.push_back(segment.token);
      continue;
    }
    const bool at_start = segment.text.data() == marked.text.data();
    metaspace_words(normalizer_.apply(segment.text), at_start, config(),
                    [&](std::string_view word) { encode_word(word, nodes, out, dropped); });
  }
  if (options.add_special && config().add_eos) out.push_back(*last_token());
  if (options.bytes_dropped != nullptr) *options.bytes_dropped += dropped;
  return out;
}

// The piece with spaces for marks, or the byte it stands for.
std::string UnigramTokenizer::text_of(TokenId id, bool with_spaces) const {
  const std::string& stored = piece(id);
  if (config().byte_fallback) {
    if (const auto byte = byte_of_piece(stored)) return {static_cast<char>(*byte)};
  }
  std::string out;
  const std::string& mark = config().space_mark;
  for (size_t at = 0; at < stored.size();) {
    const bool is_mark = stored.compare(at, mark.size(), mark) == 0;
    if (!is_mark || with_spaces) out.push_back(is_mark ? ' ' : stored[at]);
    at += is_mark ? mark.size() : 1;
  }
  return out;
}

std::string UnigramTokenizer::decode(std::span<const TokenId> ids, bool show_special) const {
  std::string out;
  bool first = config().space_prefix != SpacePrefix::kNever;
  for (const TokenId id : ids) {
    if (is_control(id) && !show_special) continue;
    // The prefix was not in the text: the first token loses its marks, as in Hugging Face.
    out += text_of(id, !first);
    first = false;
  }
  return out;
}

// Words between marks: every mark begins one.
void split_at_marks(std::string_view text, std::string_view mark,
                    const std::function<void(std::string_view)>& sink) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, mark.size(), mark) != 0) {
      ++at;
      continue;
    }
    if (at > begin) sink(text.substr(begin, at - begin));
    begin = at;
    at += mark.size();
  }
  if (text.size() > begin) sink(text.substr(begin));
}

}  // namespace

std::optional<unsigned char> byte_of_piece(std::string_view piece) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  const int high = digit(piece[3]);
  const int low = digit(piece[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<unsigned char>(high * 16 + low);
}

void metaspace_words(std::string_view text, bool at_start, const TokenizerConfig& config,
                     const std::function<void(std::string_view)>& sink) {
  const std::string& mark = config.space_mark;
  const bool prefix = config.space_prefix == SpacePrefix::kAlways ||
                      (config.space_prefix == SpacePrefix::kFirst && at_start);
  std::string marked;
  const auto write = [&](std::string_view word) {
    if (word.empty()) return;
    marked.clear();
    for (const char c : word) c == ' ' ? marked += mark : marked += c;
    if (prefix && !marked.starts_with(mark)) marked.insert(0, mark);
    if (config.split_words) {
      split_at_marks(marked, mark, sink);
    } else {
      sink(marked);
    }
  };
  if (!config.split_white_space) return write(text);
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.code != kInvalidUtf8 && is_white_space(c.code)) {
      write(text.substr(begin, at - begin));
      begin = at + c.size;
    }
    at += c.size;
  }
  write(text.substr(begin));
}

std::unique_ptr<Tokenizer> make_unigram_tokenizer(TokenizerConfig config) {
  return std::make_unique<UnigramTokenizer>(std::move(config));
}

}  // namespace ondol::text

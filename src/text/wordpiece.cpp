#include "text/wordpiece.h"

#include <algorithm>

#include "base/error.h"
#include "text/tokenizer_special.h"
#include "text/tokenizer_trie.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581, llama.cpp's mark of a word

bool is_ascii(std::u32string_view word) {
  return std::all_of(word.begin(), word.end(), [](char32_t c) { return c < 0x80; });
}

// As BERT's _is_control with format and private-use characters; U+FFFD and invalid bytes go too.
bool is_dropped(char32_t code, GeneralCategory category) {
  if (code == 0 || code == 0xFFFD || code == kInvalidUtf8) return true;
  if (code == '\t' || code == '\n' || code == '\r') return false;
  return category == GeneralCategory::kCc || category == GeneralCategory::kCf ||
         category == GeneralCategory::kCo;
}

// The blocks that BERT takes for Chinese (its tokenization.py, _is_chinese_char).
bool is_cjk(char32_t code) {
  const auto in = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B81F) ||
         in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
}

// All ASCII marks count, also the symbols among them ($ + < = > ^ ` | ~).
bool is_bert_punctuation(char32_t code) {
  if (code >= 0x80) return is_punctuation(code);
  return (code >= 33 && code <= 47) || (code >= 58 && code <= 64) || (code >= 91 && code <= 96) ||
         (code >= 123 && code <= 126);
}

// Cuts text into words and hands each to `sink(std::string_view)`.
template <class Sink>
class WordSplitter {
 public:
  WordSplitter(const TokenizerConfig& config, Sink sink) : config_(config), sink_(sink) {}

  void split(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = read_utf8(text, at);
      at += c.size;
      take(c.code);
    }
    finish_word();
  }

 private:
  void take(char32_t code) {
    if (code > ' ' && code < 0x7F) {
      word_.push_back(code);
      return;
    }
    const GeneralCategory category = general_category(code);
    if (code == kInvalidUtf8 || (config_.clean_text && is_dropped(code, category))) return;
    if (is_white_space(code, category)) {
      finish_word();
    } else if (config_.split_cjk && is_cjk(code)) {
      finish_word();
      word_.push_back(code);
      finish_word();
    } else {
      word_.push_back(code);
    }
  }

  void finish_word() {
    if (word_.empty()) return;
    if (config_.strip_accents && !is_ascii(word_)) {
      word_ = nfd(word_);
      std::erase_if(word_, [](char32_t c) { return general_category(c) == GeneralCategory::kMn; });
    }
    for (const char32_t code : word_) {
      if (is_bert_punctuation(code)) {
        flush();
        append_utf8(out_, code);
        flush();
      } else if (config_.lowercase) {
        append_utf8(out_, simple_lower(code));
        // The one full mapping that is longer: I with a dot becomes i and a combining dot.
        if (code == 0x130) append_utf8(out_, 0x307);
      } else {
        append_utf8(out_, code);
      }
    }
    flush();
    word_.clear();
  }

  void flush() {
    if (out_.empty()) return;
    sink_(std::string_view(out_));
    out_.clear();
  }

  const TokenizerConfig& config_;
  Sink sink_;
  std::u32string word_;  // what stands between two spaces
  std::string out_;      // what stands between two marks
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(TokenizerConfig config)
      : Tokenizer(std::move(config)), special_(this->config()) {
    if (!this->config().unk) {
      throw Error(ErrorCode::kCorruptData,
                  "[tokenizer] a WordPiece vocabulary has no unknown token; got none, expected an "
                  "id; try another model file");
    }
    marks_word_starts_ = marks_word_starts();
    for (size_t i = 0; i < vocab_size(); ++i) add(static_cast<TokenId>(i));
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::span<const TextSpan> spans,
                              const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool show_special) const override;
  std::string token_bytes(TokenId id) const override {
    if (is_control(id)) return {};
    return (is_continuation(id) ? "" : " ") + std::string(bare(id));
  }

 private:
  bool marks_word_starts() const;
  bool is_text(TokenId id) const;
  bool is_continuation(TokenId id) const;
  std::string_view bare(TokenId id) const;
  void add(TokenId id);
  void encode_word(std::string_view word, std::vector<TokenId>& out) const;

  SpecialTokens special_;
  bool marks_word_starts_ = false;
  ByteTrie starts_;         // pieces that begin a word
  ByteTrie continuations_;  // pieces that go on inside one
};

bool WordPieceTokenizer::marks_word_starts() const {
  size_t marked = 0, continued = 0;
  for (const std::string& stored : config().pieces) {
    marked += stored.starts_with(kWordStart) ? 1 : 0;
    continued += stored.starts_with(config().continuation_prefix) ? 1 : 0;
  }
  return marked > continued;
}

// Only these may come out of plain text.
bool WordPieceTokenizer::is_text(TokenId id) const {
  if (id == *config().unk) return false;
  return config().types.empty() || config().types[static_cast<size_t>(id)] == TokenType::kNormal;
}

bool WordPieceTokenizer::is_continuation(TokenId id) const {
  const std::string& stored = piece(id);
  if (!is_text(id)) return false;
  // A lone mark is the character U+2581 itself, inside a word.
  if (marks_word_starts_) return !stored.starts_with(kWordStart) || stored == kWordStart;
  const std::string& prefix = config().continuation_prefix;
  return !prefix.empty() && stored.size() > prefix.size() && stored.starts_with(prefix);
}

// The piece without its mark.
std::string_view WordPieceTokenizer::bare(TokenId id) const {
  const std::string_view stored = piece(id);
  if (!is_text(id)) return stored;
  const bool continues = is_continuation(id);
  if (marks_word_starts_) return continues ? stored : stored.substr(kWordStart.size());
  return continues ? stored.substr(config().continuation_prefix.size()) : stored;
}

void WordPieceTokenizer::add(TokenId id) {
  if (!is_text(id) || bare(id).empty()) return;
  if (is_continuation(id)) {
    continuations_.insert(bare(id), id);
  } else {
    starts_.insert(bare(id), id);
  }
  if (config().continuation_prefix.empty() && !marks_word_starts_) {
    continuations_.insert(bare(id), id);
  }
}

void WordPieceTokenizer::encode_word(std::string_view word, std::vector<TokenId>& out) const {
  const auto chars =
      std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
  const size_t out_before = out.size();
  bool known = static_cast<size_t>(chars) <= config().word_chars_max;
  for (size_t at = 0; known && at < word.size();) {
    const ByteTrie& trie = at == 0 ? starts_ : continuations_;
    ByteTrie::Node node = ByteTrie::kRoot;
    TokenId best = ByteTrie::kNoToken;
    size_t best_end = at;
    for (size_t end = at; end < word.size();) {
      node = trie.child(node, word[end]);
      if (node == ByteTrie::kNone) break;
      ++end;
      if (trie.token(node) == ByteTrie::kNoToken) continue;
      best = trie.token(node);
      best_end = end;
    }
    known = best != ByteTrie::kNoToken;
    if (known) out.push_back(best);
    at = best_end;
  }
  if (known) return;
  out.resize(out_before);
  out.push_back(*config().unk);
}

std::vector<TokenId> WordPieceTokenizer::encode(std::span<const TextSpan> spans,
                                                const EncodeOptions& options) const {
  const MarkedText marked(spans);
  std::vector<TokenId> out;
  out.reserve(marked.text.size() / 4 + 2);
  if (options.add_special && config().add_bos) out.push_back(*first_token());
  for (const Segment& segment : special_.split(marked)) {
    if (segment.token != ByteTrie::kNoToken) {
      out.push_back(segment.token);
    } else {
      WordSplitter splitter(config(), [&](std::string_view word) { encode_word(word, out); });
      splitter.split(segment.text);
    }
  }
  if (options.add_special && config().add_eos) out.push_back(*last_token());
  return out;
}

std::string WordPieceTokenizer::decode(std::span<const TokenId> ids, bool show_special) const {
  std::string out;
  for (const TokenId id : ids) {
    if (is_control(id) && !show_special) continue;
    if (!out.empty() && !is_continuation(id)) out.push_back(' ');
    out += bare(id);
  }
  return out;
}

}  // namespace

std::vector<std::string> bert_words(std::string_view text, const TokenizerConfig& config) {
  std::vector<std::string> words;
  WordSplitter splitter(config, [&](std::string_view word) { words.emplace_back(word); });
  splitter.split(text);
  return words;
}

std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(TokenizerConfig config) {
  return std::make_unique<WordPieceTokenizer>(std::move(config));
}

}  // namespace ondol::text

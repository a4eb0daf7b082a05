// Text to token ids and back.
//
//   std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(config);  // from GGUF or tokenizer.json
//   std::vector<TokenId> ids = tokenizer->encode("hello", {});      // plain text: nothing special
//   std::string bytes = tokenizer->decode(ids);                     // may end inside a character
//
// Special tokens are recognised only in trusted spans (what a chat template wrote), never in user
// text: `<|im_end|>` typed by a user stays text. User-defined tokens (kUserDefined) are ordinary
// words that the model's authors added; they are matched in any text.
//
// Any bytes may be encoded. Byte-level BPE keeps a byte that is not UTF-8 as it is (it counts as a
// symbol when text is cut into pieces), so decode gives it back. WordPiece drops it, as it drops
// U+FFFD; to Unigram it is an unknown character. A byte whose piece the vocabulary lacks (SmolLM2
// has none for 21 rare ones, such as 0x04) gives no token, as with Hugging Face and llama.cpp;
// EncodeOptions::bytes_dropped counts them (and characters unknown to a Unigram vocabulary without
// an unknown token). Tokenizers are immutable and thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"

namespace ondol::text {

using TokenId = int32_t;

// Values of tokenizer.ggml.token_type in GGUF; persistent, do not change.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

enum class TokenizerModel { kByteBpe, kWordPiece, kUnigram };

// Unigram: where a space is put before text that has none (Metaspace's prepend_scheme): before
// every stretch between special tokens, only at the very beginning, or nowhere.
enum class SpacePrefix { kAlways, kFirst, kNever };

// The flags lstrip and rstrip of an added token.
struct AddedTokenStrip {
  TokenId id = 0;
  bool left = false;
  bool right = false;
};

// What both file formats are reduced to. WordPiece pieces may be in either stored form: BERT's own
// ("the", "##ing") or llama.cpp's ("\u2581the", "ing"), which is taken when more pieces begin with
// U+2581 than with continuation_prefix.
struct TokenizerConfig {
  TokenizerModel model = TokenizerModel::kByteBpe;
  std::vector<std::string> pieces;  // vocabulary strings by id, as stored in the file
  std::vector<TokenType> types;     // by id; empty: all normal
  std::vector<std::string> merges;  // BPE: "left right", best first
  // BPE: name of the pre-tokenizer, "gpt-2", "smollm", "llama-bpe" or "qwen2". Any other name is an
  // error.
  std::string pre_tokenizer;
  bool ignore_merges = false;  // BPE: a piece found whole in the vocabulary wins (Llama 3)
  bool normalize_nfc = false;  // BPE: NFC before anything else (Qwen's tokenizer.json)
  // WordPiece
  bool lowercase = true;
  bool strip_accents = true;
  std::string continuation_prefix = "##";
  size_t word_chars_max = 100;
  bool clean_text = true;  // drop control characters, make every white space a space
  bool split_cjk = true;   // every CJK ideograph is a word
  // Unigram
  std::vector<double>
      scores;  // natural logarithms of the first pieces; later ones are added tokens
  bool byte_fallback =
      false;  // an unknown character becomes its bytes, pieces "<0x00>" to "<0xFF>"
  std::vector<NormalizerStep> normalizers;
  bool split_white_space = false;           // words between white space, which itself is dropped
  std::string space_mark = "\xE2\x96\x81";  // what stands for a space in pieces, U+2581
  SpacePrefix space_prefix = SpacePrefix::kAlways;
  bool split_words = true;  // a space begins a new word; pieces do not cross words
  // Special ids; nullopt where the model has none.
  std::optional<TokenId> bos, eos, unk, sep, pad, cls, mask;
  bool add_bos = false;                 // put bos (or cls) first when encoding with add_special
  bool add_eos = false;                 // put eos (or sep) last when encoding with add_special
  std::vector<AddedTokenStrip> strips;  // special tokens that swallow white space beside them
  std::optional<size_t> tokens_max;     // truncation the file asks for; encode never truncates
};

// Part of a text; `trusted` spans may hold special tokens.
struct TextSpan {
  std::string text;
  bool trusted = false;
  bool operator==(const TextSpan&) const = default;
};

struct EncodeOptions {
  bool add_special = false;  // add bos/eos (cls/sep) as the model asks
  // Where to add the number of bytes that the vocabulary cannot write; null: nobody asks.
  size_t* bytes_dropped = nullptr;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Consecutive spans are one text: a word may begin in one span and end in the next. A special
  // token is matched (longest first) only where all its bytes are trusted.
  virtual std::vector<TokenId> encode(std::span<const TextSpan> spans,
                                      const EncodeOptions& options) const = 0;
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const;

  // The bytes of the tokens, joined; control tokens give nothing unless show_special. WordPiece
  // joins words with spaces; Unigram takes the space off the first token where it puts one. Throws
  // Error(kInvalidArgument) for an id outside the vocabulary.
  virtual std::string decode(std::span<const TokenId> ids, bool show_special = false) const = 0;
  // The bytes one token adds (for streaming); control tokens are empty. A WordPiece word begins
  // with its space, also the first one; so does one of Unigram.
  virtual std::string token_bytes(TokenId id) const = 0;

  const TokenizerConfig& config() const { return config_; }
  size_t vocab_size() const { return config_.pieces.size(); }
  const std::string& piece(TokenId id) const;                 // vocabulary string
  std::optional<TokenId> find(std::string_view piece) const;  // exact vocabulary string
  bool is_control(TokenId id) const;
  // What add_special puts first and last: bos and eos, in WordPiece cls and sep, else the other.
  std::optional<TokenId> first_token() const;
  std::optional<TokenId> last_token() const;
  // Ids that end a generation: eos and every known end-of-turn token of the vocabulary.
  const std::vector<TokenId>& end_of_generation() const { return end_of_generation_; }

 protected:
  explicit Tokenizer(TokenizerConfig config);

 private:
  struct PieceIndex;
  TokenizerConfig config_;
  std::shared_ptr<const PieceIndex> index_;
  std::vector<TokenId> end_of_generation_;
};

// Throws Error(kUnsupported) for an unknown pre-tokenizer name, Error(kCorruptData) for a config
// that contradicts itself (merge of unknown pieces, ids out of range, duplicate pieces).
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerConfig config);

// Hugging Face tokenizer.json (+ tokenizer_config.json, may be empty). Reads BPE (ByteLevel),
// WordPiece (BertNormalizer, BertPreTokenizer) and Unigram (Metaspace); the split patterns are
// recognised exactly, an unknown one is an error.
TokenizerConfig parse_tokenizer_json(std::string_view tokenizer_json,
                                     std::string_view tokenizer_config_json);

// The longest prefix of `bytes` that ends at a character boundary, so that a stream shows whole
// UTF-8 only.
size_t complete_utf8_prefix(std::string_view bytes);

}  // namespace ondol::text

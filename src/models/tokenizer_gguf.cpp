#include "models/tokenizer_gguf.h"

#include <utility>

#include "base/error.h"

namespace ondol::models {
namespace {

using text::TokenId;
using text::TokenizerConfig;
using text::TokenizerModel;
using text::TokenType;

std::vector<TokenType> token_types(const io::GgufMetadata& metadata, const std::string& file,
                                   size_t pieces) {
  std::vector<TokenType> types;
  const auto stored = metadata.find_ints("tokenizer.ggml.token_type");
  if (!stored) return types;
  if (stored->size() != pieces) {
    throw Error(ErrorCode::kCorruptData, "[models] " + file + ": tokenizer.ggml.token_type; got " +
                                             std::to_string(stored->size()) +
                                             " types, expected one a token, " +
                                             std::to_string(pieces));
  }
  for (int64_t type : *stored) {
    if (type < 0 || type > static_cast<int64_t>(TokenType::kByte)) {
      throw Error(ErrorCode::kCorruptData, "[models] " + file +
                                               ": tokenizer.ggml.token_type; got " +
                                               std::to_string(type) + ", expected 0 to 6");
    }
    // 0 (undefined) is written for padding rows of some vocabularies.
    types.push_back(type == 0 ? TokenType::kUnused : static_cast<TokenType>(type));
  }
  return types;
}

std::optional<TokenId> special_id(const io::GgufMetadata& metadata, std::string_view name,
                                  size_t pieces) {
  const std::string key = "tokenizer.ggml." + std::string(name) + "_token_id";
  const auto id = metadata.find_u64(key, pieces - 1);
  if (!id) return std::nullopt;
  return static_cast<TokenId>(*id);
}

void read_bpe(const io::GgufMetadata& metadata, const std::string& file, TokenizerConfig& config) {
  config.model = TokenizerModel::kByteBpe;
  config.merges = metadata.require_strings("tokenizer.ggml.merges");
  const auto pre = metadata.find_string("tokenizer.ggml.pre");
  if (!pre) {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + file +
                    ": no tokenizer.ggml.pre, expected the name of a pre-tokenizer; try a newer "
                    "conversion of this model");
  }
  // Names that stand for the same splitting of text.
  config.pre_tokenizer = *pre == "llama3" || *pre == "llama-v3" ? "llama-bpe" : *pre;
  const bool llama3 = config.pre_tokenizer == "llama-bpe";
  config.ignore_merges = llama3;
  config.add_bos = llama3;
  config.normalize_nfc = config.pre_tokenizer == "qwen2";
}

// GGUF marks the pieces that begin a word with U+2581 and drops "##" from the others; this undoes
// it.
void restore_word_pieces(TokenizerConfig& config) {
  constexpr std::string_view kWordStart = "\xE2\x96\x81";
  for (std::string& piece : config.pieces) {
    if (piece.size() > 2 && piece.front() == '[' && piece.back() == ']') continue;
    if (piece.starts_with(kWordStart)) {
      piece.erase(0, kWordStart.size());
    } else {
      piece.insert(0, config.continuation_prefix);
    }
  }
}

void read_word_piece(TokenizerConfig& config) {
  config.model = TokenizerModel::kWordPiece;
  restore_word_pieces(config);
  const auto id_of = [&](std::string_view piece) -> std::optional<TokenId> {
    for (size_t id = 0; id < config.pieces.size(); ++id) {
      if (config.pieces[id] == piece) return static_cast<TokenId>(id);
    }
    return std::nullopt;
  };
  config.cls = id_of("[CLS]");
  config.mask = id_of("[MASK]");
  // Cased vocabularies hold capital letters; the file does not say otherwise.
  config.lowercase = config.strip_accents = !id_of("A").has_value();
  config.add_bos = config.add_eos = true;
}

}  // namespace

TokenizerConfig tokenizer_config(const io::GgufMetadata& metadata, const std::string& file) {
  TokenizerConfig config;
  const std::string model = metadata.require_string("tokenizer.ggml.model");
  config.pieces = metadata.require_strings("tokenizer.ggml.tokens");
  const size_t pieces = config.pieces.size();
  if (pieces == 0) {
    throw Error(ErrorCode::kCorruptData, "[models] " + file + ": tokenizer.ggml.tokens is empty");
  }
  config.types = token_types(metadata, file, pieces);
  if (model == "gpt2") {
    read_bpe(metadata, file, config);
  } else if (model == "bert") {
    read_word_piece(config);
  } else {
    throw Error(ErrorCode::kUnsupported, "[models] " + file + ": tokenizer.ggml.model; got '" +
                                             model + "', expected gpt2 or bert");
  }
  config.bos = special_id(metadata, "bos", pieces);
  config.eos = special_id(metadata, "eos", pieces);
  config.unk = special_id(metadata, "unknown", pieces);
  config.sep = special_id(metadata, "seperator", pieces);  // the key is spelled so in the format
  config.pad = special_id(metadata, "padding", pieces);
  if (const auto cls = special_id(metadata, "cls", pieces)) config.cls = cls;
  if (const auto mask = special_id(metadata, "mask", pieces)) config.mask = mask;
  config.add_bos = metadata.find_bool("tokenizer.ggml.add_bos_token").value_or(config.add_bos);
  config.add_eos = metadata.find_bool("tokenizer.ggml.add_eos_token").value_or(config.add_eos);
  return config;
}

}  // namespace ondol::models

#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/error.h"
#include "text/bpe_tokenizer.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace ondol::text {
namespace {

// Names under which model families end a turn or a text (their tokenizer_config.json and
// generation_config.json).
constexpr std::array<std::string_view, 13> kEndNames = {
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "</s>",
    "<|end|>",
    "<|eot|>",
    "<|return|>",
    "<EOT>",
    "<|END_OF_TURN_TOKEN|>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::kCorruptData, "[tokenizer] " + what + "; try another model file");
}

void check_id(const std::optional<TokenId>& id, const char* name, size_t pieces) {
  if (!id || (*id >= 0 && static_cast<size_t>(*id) < pieces)) return;
  corrupt(std::string("the ") + name + " token is out of range; got " + std::to_string(*id) +
          ", expected 0 to " + std::to_string(pieces - 1));
}

void check_config(const TokenizerConfig& config) {
  const size_t pieces = config.pieces.size();
  if (pieces == 0) corrupt("the vocabulary is empty");
  if (pieces > static_cast<size_t>(INT32_MAX)) corrupt("the vocabulary has too many pieces");
  if (!config.types.empty() && config.types.size() != pieces) {
    corrupt("there are " + std::to_string(config.types.size()) + " token types for " +
            std::to_string(pieces) + " pieces");
  }
  check_id(config.bos, "bos", pieces);
  check_id(config.eos, "eos", pieces);
  check_id(config.unk, "unknown", pieces);
  check_id(config.sep, "sep", pieces);
  check_id(config.pad, "pad", pieces);
  check_id(config.cls, "cls", pieces);
  check_id(config.mask, "mask", pieces);
  for (const AddedTokenStrip& strip : config.strips) check_id(strip.id, "stripping", pieces);
  if (config.add_bos && !config.bos && !config.cls) {
    corrupt("add_bos is set, but there is neither a bos nor a cls token");
  }
  if (config.add_eos && !config.eos && !config.sep) {
    corrupt("add_eos is set, but there is neither an eos nor a sep token");
  }
}

}  // namespace

// Keys are views into config_.pieces, which never changes.
struct Tokenizer::PieceIndex {
  std::unordered_map<std::string_view, TokenId> ids;
};

Tokenizer::Tokenizer(TokenizerConfig config) : config_(std::move(config)) {
  check_config(config_);
  auto index = std::make_shared<PieceIndex>();
  index->ids.reserve(config_.pieces.size());
  for (size_t i = 0; i < config_.pieces.size(); ++i) {
    const auto [row, is_new] = index->ids.emplace(config_.pieces[i], static_cast<TokenId>(i));
    if (!is_new) {
      corrupt("piece '" + config_.pieces[i] + "' appears twice, as " + std::to_string(row->second) +
              " and " + std::to_string(i));
    }
  }
  index_ = std::move(index);
  if (config_.eos) end_of_generation_.push_back(*config_.eos);
  for (const std::string_view name : kEndNames) {
    const auto id = find(name);
    if (id && is_control(*id)) end_of_generation_.push_back(*id);
  }
  std::sort(end_of_generation_.begin(), end_of_generation_.end());
  end_of_generation_.erase(std::unique(end_of_generation_.begin(), end_of_generation_.end()),
                           end_of_generation_.end());
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const TextSpan span{std::string(text), false};
  return encode(std::span(&span, 1), options);
}

const std::string& Tokenizer::piece(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= config_.pieces.size()) {
    throw Error(ErrorCode::kInvalidArgument, "[tokenizer] token id out of range; got " +
                                                 std::to_string(id) + ", expected 0 to " +
                                                 std::to_string(config_.pieces.size() - 1) +
                                                 "; try the tokenizer that made the ids");
  }
  return config_.pieces[static_cast<size_t>(id)];
}

std::optional<TokenId> Tokenizer::find(std::string_view piece) const {
  const auto row = index_->ids.find(piece);
  if (row == index_->ids.end()) return std::nullopt;
  return row->second;
}

bool Tokenizer::is_control(TokenId id) const {
  piece(id);  // checks the range
  return !config_.types.empty() && config_.types[static_cast<size_t>(id)] == TokenType::kControl;
}

std::optional<TokenId> Tokenizer::first_token() const {
  const bool bert = config_.model == TokenizerModel::kWordPiece;
  if (bert) return config_.cls ? config_.cls : config_.bos;
  return config_.bos ? config_.bos : config_.cls;
}

std::optional<TokenId> Tokenizer::last_token() const {
  const bool bert = config_.model == TokenizerModel::kWordPiece;
  if (bert) return config_.sep ? config_.sep : config_.eos;
  return config_.eos ? config_.eos : config_.sep;
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerConfig config) {
  if (config.model == TokenizerModel::kWordPiece)
    return make_wordpiece_tokenizer(std::move(config));
  if (config.model == TokenizerModel::kUnigram) return make_unigram_tokenizer(std::move(config));
  return make_bpe_tokenizer(std::move(config));
}

}  // namespace ondol::text

// Writes Hugging Face's tokenizer.json and tokenizer_config.json from what both file formats are
// reduced to, so that a model from a GGUF file can be saved as a folder.
#include "text/tokenizer_json_write.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/pre_tokenizer.h"

namespace ondol::text {
namespace {

using Json = nlohmann::ordered_json;

TokenType type_of(const TokenizerConfig& config, size_t id) {
  return config.types.empty() ? TokenType::kNormal : config.types[id];
}

Json added_tokens(const TokenizerConfig& config) {
  Json list = Json::array();
  for (size_t id = 0; id < config.pieces.size(); ++id) {
    const TokenType type = type_of(config, id);
    const bool named = config.unk == static_cast<TokenId>(id);  // GGUF marks it kUnknown
    const bool special = type == TokenType::kControl || (type == TokenType::kUnknown && named);
    if (!special && type != TokenType::kUserDefined) continue;
    Json token = {{"id", id},
                  {"content", config.pieces[id]},
                  {"single_word", false},
                  {"lstrip", false},
                  {"rstrip", false},
                  {"normalized", false},
                  {"special", special}};
    for (const AddedTokenStrip& strip : config.strips) {
      if (static_cast<size_t>(strip.id) != id) continue;
      token["lstrip"] = strip.left;
      token["rstrip"] = strip.right;
    }
    list.push_back(std::move(token));
  }
  return list;
}

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json bpe_pre_tokenizer(const std::string& name) {
  const PreTokenizer pre = pre_tokenizer_by_name(name);
  if (pre == PreTokenizer::kGpt2) return byte_level(true);
  Json first = {{"type", "Digits"}, {"individual_digits", true}};
  if (pre != PreTokenizer::kSmollm) {
    first = {{"type", "Split"},
             {"pattern", {{"Regex", std::string(split_pattern(pre))}}},
             {"behavior", "Isolated"},
             {"invert", false}};
  }
  return {{"type", "Sequence"},
          {"pretokenizers", Json::array({first, byte_level(pre == PreTokenizer::kSmollm)})}};
}

// [first] $A [last]
Json post_processor(const TokenizerConfig& config) {
  const bool bert = config.model == TokenizerModel::kWordPiece;
  const auto first = bert && config.cls ? config.cls : config.bos;
  const auto last = bert && config.sep ? config.sep : config.eos;
  Json single = Json::array(), pair = Json::array(), specials = Json::object();
  const auto put = [&](TokenId id, int type, bool in_single) {
    const std::string& piece = config.pieces[static_cast<size_t>(id)];
    const Json part = {{"SpecialToken", {{"id", piece}, {"type_id", type}}}};
    if (in_single) single.push_back(part);
    pair.push_back(part);
    specials[piece] = {{"id", piece}, {"ids", {id}}, {"tokens", {piece}}};
  };
  const bool has_first = config.add_bos && first, has_last = config.add_eos && last;
  if (!has_first && !has_last) return nullptr;
  if (has_first) put(*first, 0, true);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  pair.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (has_last) put(*last, 0, true);
  if (has_first && !bert) put(*first, 1, false);
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  if (has_last) put(*last, 1, false);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", specials}};
}

Json vocabulary(const TokenizerConfig& config) {
  Json vocab = Json::object();
  for (size_t id = 0; id < config.pieces.size(); ++id) vocab[config.pieces[id]] = id;
  return vocab;
}

Json bpe_model(const TokenizerConfig& config) {
  Json merges = Json::array();
  for (const std::string& merge : config.merges) {
    const size_t space = merge.find(' ', 1);
    merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", config.ignore_merges},
          {"vocab", vocabulary(config)},
          {"merges", std::move(merges)}};
}

Json wordpiece_model(const TokenizerConfig& config) {
  return {{"type", "WordPiece"},
          {"unk_token", config.unk ? config.pieces[static_cast<size_t>(*config.unk)] : "[UNK]"},
          {"continuing_subword_prefix", config.continuation_prefix},
          {"max_input_chars_per_word", config.word_chars_max},
          {"vocab", vocabulary(config)}};
}

}  // namespace

std::string tokenizer_json(const TokenizerConfig& config) {
  const bool bert = config.model == TokenizerModel::kWordPiece;
  Json normalizer = nullptr, pre, decoder;
  if (bert) {
    normalizer = {{"type", "BertNormalizer"},
                  {"clean_text", config.clean_text},
                  {"handle_chinese_chars", config.split_cjk},
                  {"strip_accents", config.strip_accents},
                  {"lowercase", config.lowercase}};
    pre = {{"type", "BertPreTokenizer"}};
    decoder = {{"type", "WordPiece"}, {"prefix", config.continuation_prefix}, {"cleanup", true}};
  } else {
    if (config.normalize_nfc) normalizer = {{"type", "NFC"}};
    pre = bpe_pre_tokenizer(config.pre_tokenizer);
    decoder = byte_level(true);
  }
  const Json root = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added_tokens(config)},
                     {"normalizer", normalizer},
                     {"pre_tokenizer", pre},
                     {"post_processor", post_processor(config)},
                     {"decoder", decoder},
                     {"model", bert ? wordpiece_model(config) : bpe_model(config)}};
  return root.dump(1) + "\n";
}

std::string tokenizer_config_json(const TokenizerConfig& config, int64_t tokens_max,
                                  std::string_view chat_template) {
  Json root = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"clean_up_tokenization_spaces", false},
               {"add_bos_token", config.add_bos},
               {"add_eos_token", config.add_eos}};
  if (tokens_max > 0) root["model_max_length"] = tokens_max;
  const auto name = [&](const char* key, const std::optional<TokenId>& id) {
    if (id) root[key] = config.pieces[static_cast<size_t>(*id)];
  };
  name("bos_token", config.bos);
  name("eos_token", config.eos);
  name("unk_token", config.unk);
  name("sep_token", config.sep);
  name("pad_token", config.pad);
  name("cls_token", config.cls);
  name("mask_token", config.mask);
  if (!chat_template.empty()) root["chat_template"] = chat_template;
  return root.dump(1) + "\n";
}

}  // namespace ondol::text

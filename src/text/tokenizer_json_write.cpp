// Writes Hugging Face's tokenizer.json and its companions from what both file formats are reduced
// to: what parse_tokenizer_json reads back to the same config.
#include "text/tokenizer_json_write.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

using Json = nlohmann::ordered_json;

Json typed(const char* type, Json fields = Json::object()) {
  Json out = {{"type", type}};
  for (auto& [name, value] : fields.items()) out[name] = value;
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    const size_t size = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (size_t i = 0; i < 4; ++i) {
      out.push_back(i <= size ? kDigits[bits >> (18 - 6 * i) & 63] : '=');
    }
  }
  return out;
}

bool is_special(const TokenizerConfig& config, size_t id) {
  if (config.types.empty()) return false;
  const bool unknown = config.unk == static_cast<TokenId>(id);  // GGUF marks it kUnknown
  return config.types[id] == TokenType::kControl ||
         (config.types[id] == TokenType::kUnknown && unknown);
}

bool is_added(const TokenizerConfig& config, size_t id) {
  const bool named = !config.types.empty() && config.types[id] == TokenType::kUserDefined;
  return named || is_special(config, id);
}

Json added_tokens(const TokenizerConfig& config) {
  Json out = Json::array();
  for (size_t id = 0; id < config.pieces.size(); ++id) {
    if (!is_added(config, id)) continue;
    AddedTokenStrip strip;
    for (const AddedTokenStrip& each : config.strips) {
      if (each.id == static_cast<TokenId>(id)) strip = each;
    }
    out.push_back({{"id", id},
                   {"content", config.pieces[id]},
                   {"single_word", false},
                   {"lstrip", strip.left},
                   {"rstrip", strip.right},
                   {"normalized", false},
                   {"special", is_special(config, id)}});
  }
  return out;
}

// Pieces and ids; ids that nothing stands for are left out.
Json vocab_object(const TokenizerConfig& config) {
  Json out = Json::object();
  for (size_t id = 0; id < config.pieces.size(); ++id) {
    const bool unused = !config.types.empty() && config.types[id] == TokenType::kUnused;
    if (!unused) out[config.pieces[id]] = id;
  }
  return out;
}

// ---- byte-level BPE ----

Json byte_level(bool use_regex) {
  return typed("ByteLevel",
               {{"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}});
}

Json bpe_model(const TokenizerConfig& config) {
  Json merges = Json::array();
  for (const std::string& merge : config.merges) {
    const size_t space = merge.find(' ', 1);
    merges.push_back(Json::array({merge.substr(0, space), merge.substr(space + 1)}));
  }
  return typed("BPE", {{"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", config.ignore_merges},
                       {"vocab", vocab_object(config)},
                       {"merges", std::move(merges)}});
}

Json sequence(const char* name, Json steps) {
  return typed("Sequence", {{name, std::move(steps)}});
}

Json bpe_pre_tokenizer(const TokenizerConfig& config) {
  const PreTokenizer pre = pre_tokenizer_by_name(config.pre_tokenizer);
  if (pre == PreTokenizer::kGpt2) return byte_level(true);
  if (pre == PreTokenizer::kSmollm) {
    const Json digits = typed("Digits", {{"individual_digits", true}});
    return sequence("pretokenizers", Json::array({digits, byte_level(true)}));
  }
  const Json split = typed(
      "Split",
      {{"pattern", {{"Regex", split_pattern(pre)}}}, {"behavior", "Isolated"}, {"invert", false}});
  return sequence("pretokenizers", Json::array({split, byte_level(false)}));
}

// ---- Unigram ----

struct StepName {
  NormalizerKind kind;
  const char* type;
};
constexpr std::array<StepName, 7> kPlainSteps = {{{NormalizerKind::kNfc, "NFC"},
                                                  {NormalizerKind::kNfd, "NFD"},
                                                  {NormalizerKind::kNfkc, "NFKC"},
                                                  {NormalizerKind::kNfkd, "NFKD"},
                                                  {NormalizerKind::kNmt, "Nmt"},
                                                  {NormalizerKind::kLowercase, "Lowercase"},
                                                  {NormalizerKind::kStripAccents, "StripAccents"}}};

Json normalizer_step(const NormalizerStep& step) {
  for (const StepName& plain : kPlainSteps) {
    if (plain.kind == step.kind) return typed(plain.type);
  }
  const auto replace = [&](const char* kind, std::string_view pattern) {
    return typed("Replace", {{"pattern", {{kind, pattern}}}, {"content", step.to}});
  };
  switch (step.kind) {
    case NormalizerKind::kPrecompiled:
      return typed("Precompiled", {{"precompiled_charsmap", base64(step.from)}});
    case NormalizerKind::kStrip:
      return typed("Strip", {{"strip_left", step.left}, {"strip_right", step.right}});
    case NormalizerKind::kReplace:
      return replace("String", step.from);
    case NormalizerKind::kReplaceSpaces:
      return replace("Regex", " {2,}");
    case NormalizerKind::kReplaceWhite:
      return replace("Regex", "\\s+");
    default:
      return typed("Prepend", {{"prepend", step.to}});
  }
}

Json unigram_normalizer(const TokenizerConfig& config) {
  if (config.normalizers.empty()) return nullptr;
  if (config.normalizers.size() == 1) return normalizer_step(config.normalizers[0]);
  Json steps = Json::array();
  for (const NormalizerStep& step : config.normalizers) steps.push_back(normalizer_step(step));
  return sequence("normalizers", std::move(steps));
}

Json unigram_model(const TokenizerConfig& config) {
  Json vocab = Json::array();
  for (size_t id = 0; id < config.scores.size(); ++id) {
    vocab.push_back(Json::array({config.pieces[id], config.scores[id]}));
  }
  return typed("Unigram", {{"unk_id", config.unk ? Json(*config.unk) : Json(nullptr)},
                           {"vocab", std::move(vocab)},
                           {"byte_fallback", config.byte_fallback}});
}

Json metaspace(const TokenizerConfig& config) {
  const char* scheme = config.space_prefix == SpacePrefix::kAlways  ? "always"
                       : config.space_prefix == SpacePrefix::kFirst ? "first"
                                                                    : "never";
  return typed("Metaspace", {{"replacement", config.space_mark},
                             {"prepend_scheme", scheme},
                             {"split", config.split_words}});
}

Json unigram_decoder(const TokenizerConfig& config) {
  if (!config.byte_fallback) return metaspace(config);
  return sequence("decoders", Json::array({typed("ByteFallback"), metaspace(config)}));
}

// ---- all ----

Json wordpiece_model(const TokenizerConfig& config) {
  return typed("WordPiece",
               {{"unk_token", config.unk ? config.pieces[static_cast<size_t>(*config.unk)] : ""},
                {"continuing_subword_prefix", config.continuation_prefix},
                {"max_input_chars_per_word", config.word_chars_max},
                {"vocab", vocab_object(config)}});
}

Json template_of(const TokenizerConfig& config) {
  const bool bert = config.model == TokenizerModel::kWordPiece;
  const std::optional<TokenId> first =
      config.add_bos ? (bert && config.cls ? config.cls : config.bos) : std::nullopt;
  const std::optional<TokenId> last =
      config.add_eos ? (bert && config.sep ? config.sep : config.eos) : std::nullopt;
  if (!first && !last) return nullptr;
  Json tokens = Json::object();
  const auto special = [&](TokenId id, int type) {
    const std::string& piece = config.pieces[static_cast<size_t>(id)];
    tokens[piece] = {{"id", piece}, {"ids", {id}}, {"tokens", {piece}}};
    return Json{{"SpecialToken", {{"id", piece}, {"type_id", type}}}};
  };
  const auto add = [&](Json& parts, const char* text, int type) {
    if (first && type == 0) parts.push_back(special(*first, 0));
    parts.push_back({{"Sequence", {{"id", text}, {"type_id", type}}}});
    if (last) parts.push_back(special(*last, type));
  };
  Json single = Json::array();
  Json pair = Json::array();
  add(single, "A", 0);
  add(pair, "A", 0);
  add(pair, "B", bert ? 1 : 0);
  return typed("TemplateProcessing",
               {{"single", single}, {"pair", pair}, {"special_tokens", tokens}});
}

Json special_map(const TokenizerConfig& config) {
  Json out = Json::object();
  const auto put = [&](const char* name, const std::optional<TokenId>& id) {
    if (id) out[name] = config.pieces[static_cast<size_t>(*id)];
  };
  put("bos_token", config.bos);
  put("eos_token", config.eos);
  put("unk_token", config.unk);
  put("sep_token", config.sep);
  put("pad_token", config.pad);
  put("cls_token", config.cls);
  put("mask_token", config.mask);
  return out;
}

void check_writable(const TokenizerConfig& config) {
  for (const std::string& piece : config.pieces) {
    if (is_utf8(piece)) continue;
    throw Error(ErrorCode::kUnsupported,
                "[tokenizer] tokenizer.json cannot hold a piece that is not UTF-8; got '" + piece +
                    "'; try GGUF");
  }
}

}  // namespace

std::string tokenizer_json(const TokenizerConfig& config) {
  check_writable(config);
  Json out = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  if (config.tokens_max) {
    out["truncation"] = {{"direction", "Right"},
                         {"max_length", *config.tokens_max},
                         {"strategy", "LongestFirst"},
                         {"stride", 0}};
  }
  out["added_tokens"] = added_tokens(config);
  const Json around = template_of(config);
  switch (config.model) {
    case TokenizerModel::kByteBpe:
      out["normalizer"] = config.normalize_nfc ? typed("NFC") : Json(nullptr);
      out["pre_tokenizer"] = bpe_pre_tokenizer(config);
      out["post_processor"] = around.is_null() ? byte_level(true) : around;
      out["decoder"] = byte_level(true);
      out["model"] = bpe_model(config);
      break;
    case TokenizerModel::kWordPiece:
      out["normalizer"] = typed("BertNormalizer", {{"clean_text", config.clean_text},
                                                   {"handle_chinese_chars", config.split_cjk},
                                                   {"strip_accents", config.strip_accents},
                                                   {"lowercase", config.lowercase}});
      out["pre_tokenizer"] = typed("BertPreTokenizer");
      out["post_processor"] = around;
      out["decoder"] =
          typed("WordPiece", {{"prefix", config.continuation_prefix}, {"cleanup", true}});
      out["model"] = wordpiece_model(config);
      break;
    case TokenizerModel::kUnigram: {
      const Json split = metaspace(config);
      out["normalizer"] = unigram_normalizer(config);
      out["pre_tokenizer"] =
          config.split_white_space
              ? sequence("pretokenizers", Json::array({typed("WhitespaceSplit"), split}))
              : split;
      out["post_processor"] = around;
      out["decoder"] = unigram_decoder(config);
      out["model"] = unigram_model(config);
      break;
    }
  }
  return out.dump(2) + "\n";
}

std::string special_tokens_map_json(const TokenizerConfig& config) {
  return special_map(config).dump(2) + "\n";
}

std::string tokenizer_config_json(const TokenizerConfig& config, int64_t tokens_max,
                                  std::string_view chat_template) {
  Json out = {{"tokenizer_class", "PreTrainedTokenizerFast"},
              {"clean_up_tokenization_spaces", false},
              {"add_bos_token", config.add_bos},
              {"add_eos_token", config.add_eos}};
  if (tokens_max > 0) out["model_max_length"] = tokens_max;
  const Json special = special_map(config);
  for (const auto& [name, value] : special.items()) out[name] = value;
  if (!chat_template.empty()) out["chat_template"] = chat_template;
  return out.dump(2) + "\n";
}

}  // namespace ondol::text

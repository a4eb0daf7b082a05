// Reads Hugging Face's tokenizer.json. Everything in it either changes the config or is checked to
// change nothing; a field or value that is not known here is an Error that names it.
#include "text/pre_tokenizer.h"
#include "text/tokenizer_json_parts.inc"

namespace ondol::text {
namespace {

using namespace tokenizer_json;

// ---- BPE ----

void read_merges(const Json& merges, TokenizerConfig& config) {
  if (!merges.is_array()) unsupported("model.merges", merges, "a list");
  config.merges.reserve(merges.size());
  for (const Json& merge : merges) {
    if (merge.is_string()) {
      config.merges.push_back(merge.get<std::string>());
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      config.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    } else {
      corrupt("a merge is " + shown(merge) + ", not two pieces");
    }
  }
}

void check_all_bytes(const Json& unk_token, const Json& vocab);

void read_bpe_model(const Json& model, TokenizerConfig& config) {
  check_members(model, "model",
                {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                 "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
  const Json& dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0.0) unsupported("model.dropout", dropout, "null");
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json& value = member(model, name);
    if (!value.is_null() && value != "") unsupported(std::string("model.") + name, value, "null");
  }
  if (flag(model, "byte_fallback", false)) unsupported("model.byte_fallback", true, "false");
  check_all_bytes(member(model, "unk_token"), member(model, "vocab"));
  config.model = TokenizerModel::kByteBpe;
  config.ignore_merges = flag(model, "ignore_merges", false);
  read_merges(member(model, "merges"), config);
}

void read_bpe_normalizer(const Json& normalizer, TokenizerConfig& config) {
  if (normalizer.is_null()) return;
  const std::string type = type_of(normalizer);
  if (type == "Sequence") {
    for (const Json& part : member(normalizer, "normalizers")) read_bpe_normalizer(part, config);
  } else if (type == "NFC") {
    config.normalize_nfc = true;
  } else {
    unsupported("normalizer", normalizer, "null or NFC");
  }
}

bool is_byte_level(const Json& step, bool use_regex) {
  if (type_of(step) != "ByteLevel") return false;
  check_members(step, "pre_tokenizer", {"type", "add_prefix_space", "trim_offsets", "use_regex"});
  if (flag(step, "add_prefix_space", true)) {
    unsupported("pre_tokenizer.add_prefix_space", true, "false");
  }
  return flag(step, "use_regex", true) == use_regex;
}

// The name of the split that step one of [Split or Digits, ByteLevel] makes; empty: unknown.
std::string split_name(const Json& step, const Json& byte_level) {
  if (type_of(step) == "Digits" && is_byte_level(byte_level, true)) {
    check_members(step, "pre_tokenizer", {"type", "individual_digits"});
    return flag(step, "individual_digits", false) ? "smollm" : "";
  }
  if (type_of(step) != "Split" || !is_byte_level(byte_level, false)) return "";
  check_members(step, "pre_tokenizer", {"type", "pattern", "behavior", "invert"});
  if (member(step, "behavior") != "Isolated" || flag(step, "invert", false)) return "";
  const Json& pattern = member(member(step, "pattern"), "Regex");
  for (const char* name : {"gpt-2", "llama-bpe", "qwen2"}) {
    if (pattern == split_pattern(pre_tokenizer_by_name(name))) return name;
  }
  return "";
}

void read_bpe_pre_tokenizer(const Json& pre, TokenizerConfig& config) {
  const Json& steps = member(pre, "pretokenizers");
  if (is_byte_level(pre, true)) {
    config.pre_tokenizer = "gpt-2";
  } else if (type_of(pre) == "Sequence" && steps.is_array() && steps.size() == 2) {
    config.pre_tokenizer = split_name(steps[0], steps[1]);
  }
  if (config.pre_tokenizer.empty()) {
    unsupported("pre_tokenizer", pre, "the split of GPT-2, SmolLM, Llama 3 or Qwen2");
  }
}

// With a piece for every byte nothing is unknown, and unk_token has no effect.
void check_all_bytes(const Json& unk_token, const Json& vocab) {
  if (unk_token.is_null() || !vocab.is_object()) return;
  for (char32_t code = 0x21; code < 0x144; ++code) {
    const bool skipped = (code >= 0x7F && code <= 0xA0) || code == 0xAD;
    const std::string piece = code < 0x80 ? std::string(1, static_cast<char>(code))
                                          : std::string{static_cast<char>(0xC0 | code >> 6),
                                                        static_cast<char>(0x80 | (code & 0x3F))};
    if (!skipped && !vocab.contains(piece)) {
      unsupported("model.unk_token", unk_token, "null where the vocabulary lacks a byte");
    }
  }
}

// ---- WordPiece ----

void read_wordpiece_model(const Json& model, TokenizerConfig& config) {
  check_members(
      model, "model",
      {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  constexpr size_t kWordCharsMax = 1'000'000;
  config.model = TokenizerModel::kWordPiece;
  const Json& prefix = member(model, "continuing_subword_prefix");
  if (prefix.is_string()) config.continuation_prefix = prefix.get<std::string>();
  const Json& chars = member(model, "max_input_chars_per_word");
  if (!chars.is_null()) {
    config.word_chars_max = whole_number(chars, "model.max_input_chars_per_word", kWordCharsMax);
  }
  const Json& unk = member(model, "unk_token");
  if (unk.is_string()) config.unk = id_of(config, unk.get<std::string>());
  if (!config.unk) corrupt("model.unk_token is " + shown(unk) + ", which is no piece");
}

void read_bert_normalizer(const Json& normalizer, TokenizerConfig& config) {
  if (type_of(normalizer) != "BertNormalizer") {
    unsupported("normalizer", normalizer, "BertNormalizer");
  }
  check_members(normalizer, "normalizer",
                {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
  config.clean_text = flag(normalizer, "clean_text", true);
  config.split_cjk = flag(normalizer, "handle_chinese_chars", true);
  config.lowercase = flag(normalizer, "lowercase", true);
  config.strip_accents = flag(normalizer, "strip_accents", config.lowercase);
}

// ---- what comes first and last ----

std::string token_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  const Json& content = member(value, "content");
  return content.is_string() ? content.get<std::string>() : std::string();
}

// "$A" with at most one special token on either side.
void read_template(const Json& post, TokenizerConfig& config) {
  const Json& single = member(post, "single");
  bool text_seen = false;
  std::optional<TokenId> first, last;
  if (!single.is_array()) unsupported("post_processor.single", single, "a list");
  for (const Json& part : single) {
    if (part.contains("Sequence")) {
      if (text_seen) unsupported("post_processor.single", single, "the text once");
      text_seen = true;
      continue;
    }
    const Json& name = member(member(part, "SpecialToken"), "id");
    const auto id = name.is_string() ? id_of(config, name.get<std::string>()) : std::nullopt;
    auto& side = text_seen ? last : first;
    if (!id || side) unsupported("post_processor.single", single, "one special token a side");
    side = id;
  }
  if (!text_seen) unsupported("post_processor.single", single, "the text once");
  const bool bert = config.model == TokenizerModel::kWordPiece;
  config.add_bos = first.has_value();
  config.add_eos = last.has_value();
  if (first) (bert ? config.cls : config.bos) = first;
  if (last) (bert ? config.sep : config.eos) = last;
}

// BertProcessing writes a token as ["[CLS]", 101].
TokenId bert_token(const Json& post, const char* name, const TokenizerConfig& config) {
  const Json& pair = member(post, name);
  const auto id = pair.is_array() && !pair.empty() ? id_of(config, token_text(pair[0]))
                                                   : std::optional<TokenId>();
  if (!id) corrupt(std::string("post_processor.") + name + " is " + shown(pair) + ", no piece");
  return *id;
}

// True if the file says what comes first and last.
bool read_post_processor(const Json& post, TokenizerConfig& config) {
  const std::string type = type_of(post);
  // ByteLevel moves offsets only.
  if (post.is_null() || type == "ByteLevel") return false;
  if (type == "Sequence") {
    bool found = false;
    for (const Json& part : member(post, "processors")) {
      const bool here = read_post_processor(part, config);
      if (here && found) unsupported("post_processor", post, "one template");
      found = found || here;
    }
    return found;
  }
  if (type == "TemplateProcessing") {
    read_template(post, config);
    return true;
  }
  if (type == "BertProcessing") {
    config.cls = bert_token(post, "cls", config);
    config.sep = bert_token(post, "sep", config);
    config.add_bos = config.add_eos = true;
    return true;
  }
  unsupported("post_processor", post, "ByteLevel, TemplateProcessing or BertProcessing");
}

void read_named_tokens(const Json& settings, bool has_template, TokenizerConfig& config) {
  const auto name = [&](const char* key, std::optional<TokenId>& id) {
    const std::string text = token_text(member(settings, key));
    if (text.empty() || id) return;
    id = id_of(config, text);
    if (!id) corrupt(std::string("tokenizer_config.json: ") + key + " '" + text + "' is no piece");
  };
  name("bos_token", config.bos);
  name("eos_token", config.eos);
  name("unk_token", config.unk);
  name("sep_token", config.sep);
  name("pad_token", config.pad);
  name("cls_token", config.cls);
  name("mask_token", config.mask);
  if (has_template) return;
  config.add_bos = flag(settings, "add_bos_token", false);
  config.add_eos = flag(settings, "add_eos_token", false);
}

// BERT's names, for a folder without tokenizer_config.json.
void find_bert_tokens(TokenizerConfig& config) {
  if (!config.cls) config.cls = id_of(config, "[CLS]");
  if (!config.sep) config.sep = id_of(config, "[SEP]");
  if (!config.pad) config.pad = id_of(config, "[PAD]");
  if (!config.mask) config.mask = id_of(config, "[MASK]");
}

void check_decoder(const Json& decoder, TokenizerConfig& config) {
  const TokenizerModel model = config.model;
  if (model == TokenizerModel::kUnigram) return check_unigram_decoder(decoder, config);
  const std::string expected = model == TokenizerModel::kWordPiece ? "WordPiece" : "ByteLevel";
  if (!decoder.is_null() && type_of(decoder) != expected) unsupported("decoder", decoder, expected);
}

void read_truncation(const Json& truncation, TokenizerConfig& config) {
  const Json& tokens = member(truncation, "max_length");
  if (!tokens.is_null())
    config.tokens_max = whole_number(tokens, "truncation.max_length", SIZE_MAX);
}

}  // namespace

TokenizerConfig parse_tokenizer_json(std::string_view tokenizer_json,
                                     std::string_view tokenizer_config_json) {
  const Json root = parse(tokenizer_json, "tokenizer.json");
  check_members(root, "tokenizer.json",
                {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                 "post_processor", "decoder", "model"});
  const Json& model = member(root, "model");
  const Json& pre = member(root, "pre_tokenizer");
  TokenizerConfig config;
  read_pieces(root, config);
  const std::string type = type_of(model);
  if (type != "Unigram" && !config.scores.empty()) {
    unsupported("model.vocab", member(model, "vocab"), "an object of pieces and ids");
  }
  // Files before 2022 leave the type of the model out.
  if (type == "BPE" || (type.empty() && model.contains("merges"))) {
    read_bpe_model(model, config);
    read_bpe_normalizer(member(root, "normalizer"), config);
    read_bpe_pre_tokenizer(pre, config);
  } else if (type == "WordPiece") {
    read_wordpiece_model(model, config);
    read_bert_normalizer(member(root, "normalizer"), config);
    if (type_of(pre) != "BertPreTokenizer") unsupported("pre_tokenizer", pre, "BertPreTokenizer");
  } else if (type == "Unigram") {
    read_unigram_model(model, config);
    read_unigram_normalizer(member(root, "normalizer"), config);
    read_metaspace(pre, config);
  } else {
    unsupported("model.type", member(model, "type"), "BPE, WordPiece or Unigram");
  }
  check_decoder(member(root, "decoder"), config);
  read_truncation(member(root, "truncation"), config);
  const bool has_template = read_post_processor(member(root, "post_processor"), config);
  if (!tokenizer_config_json.empty()) {
    read_named_tokens(parse(tokenizer_config_json, "tokenizer_config.json"), has_template, config);
  }
  if (config.model == TokenizerModel::kWordPiece) find_bert_tokens(config);
  return config;
}

}  // namespace ondol::text

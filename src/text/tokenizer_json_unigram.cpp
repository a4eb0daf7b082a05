// Reads the Unigram part of tokenizer.json: model, normalizers, Metaspace and decoder.
#include <array>
#include <cmath>

#include "text/tokenizer_json_parts.inc"
#include "text/unigram.h"

namespace ondol::text::tokenizer_json {
namespace {

std::string text_field(const Json& object, const std::string& where, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_string()) corrupt(where + "." + name + " is " + shown(value) + ", not a text");
  return value.get<std::string>();
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::string from_base64(std::string_view text, const std::string& where) {
  const size_t end = std::min(text.find('='), text.size());
  const bool padded = text.size() % 4 == 0 && text.size() - end <= 2 &&
                      text.find_first_not_of('=', end) == std::string_view::npos;
  std::string out;
  uint32_t bits = 0;
  for (size_t i = 0; i < end; ++i) {
    const int digit = base64_digit(text[i]);
    if (digit < 0 || !padded) corrupt(where + " is not base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (i % 4 != 0) out.push_back(static_cast<char>(bits >> (2 * (3 - i % 4)) & 0xFF));
  }
  return out;
}

struct PlainStep {
  std::string_view type;
  NormalizerKind kind;
};
// Normalizers without fields of their own.
constexpr std::array<PlainStep, 7> kPlainSteps = {
    {{"NFC", NormalizerKind::kNfc},
     {"NFD", NormalizerKind::kNfd},
     {"NFKC", NormalizerKind::kNfkc},
     {"NFKD", NormalizerKind::kNfkd},
     {"Nmt", NormalizerKind::kNmt},
     {"Lowercase", NormalizerKind::kLowercase},
     {"StripAccents", NormalizerKind::kStripAccents}}};

NormalizerStep read_replace(const Json& step) {
  check_members(step, "normalizer", {"type", "pattern", "content"});
  const Json& pattern = member(step, "pattern");
  NormalizerStep out;
  out.to = text_field(step, "normalizer", "content");
  if (const Json& literal = member(pattern, "String"); literal.is_string()) {
    out.kind = NormalizerKind::kReplace;
    out.from = literal.get<std::string>();
    if (out.from.empty()) corrupt("normalizer.pattern is empty");
    return out;
  }
  const Json& regex = member(pattern, "Regex");
  if (regex == " {2,}") {
    out.kind = NormalizerKind::kReplaceSpaces;
  } else if (regex == "\\s+") {
    out.kind = NormalizerKind::kReplaceWhite;
  } else {
    unsupported("normalizer.pattern", pattern, "a String, or the Regex ' {2,}' or '\\s+'");
  }
  return out;
}

// One normalizer that is no Sequence.
NormalizerStep read_step(const Json& step) {
  const std::string type = type_of(step);
  for (const PlainStep& plain : kPlainSteps) {
    if (plain.type != type) continue;
    check_members(step, "normalizer", {"type"});
    return {.kind = plain.kind};
  }
  if (type == "Replace") return read_replace(step);
  NormalizerStep out;
  if (type == "Precompiled") {
    check_members(step, "normalizer", {"type", "precompiled_charsmap"});
    out.kind = NormalizerKind::kPrecompiled;
    out.from = from_base64(text_field(step, "normalizer", "precompiled_charsmap"),
                           "normalizer.precompiled_charsmap");
  } else if (type == "Strip") {
    check_members(step, "normalizer", {"type", "strip_left", "strip_right"});
    out.kind = NormalizerKind::kStrip;
    out.left = flag(step, "strip_left", true);
    out.right = flag(step, "strip_right", true);
  } else if (type == "Prepend") {
    check_members(step, "normalizer", {"type", "prepend"});
    out.kind = NormalizerKind::kPrepend;
    out.to = text_field(step, "normalizer", "prepend");
  } else {
    unsupported("normalizer", step,
                "Precompiled, NFC, NFD, NFKC, NFKD, Nmt, Lowercase, StripAccents, Strip, Replace, "
                "Prepend or a Sequence of them");
  }
  return out;
}

SpacePrefix prefix_of(const Json& step, const std::string& where) {
  // Files before 2024 have add_prefix_space alone.
  const bool added = flag(step, "add_prefix_space", true);
  const Json& scheme = member(step, "prepend_scheme");
  if (scheme.is_null()) return added ? SpacePrefix::kAlways : SpacePrefix::kNever;
  if (!added && scheme != "never") {
    corrupt(where + ".prepend_scheme is " + shown(scheme) + " beside add_prefix_space false");
  }
  if (scheme == "always") return SpacePrefix::kAlways;
  if (scheme == "first") return SpacePrefix::kFirst;
  if (scheme == "never") return SpacePrefix::kNever;
  unsupported(where + ".prepend_scheme", scheme, "always, first or never");
}

void check_metaspace(const Json& step, const std::string& where) {
  if (type_of(step) != "Metaspace") unsupported(where, step, "Metaspace");
  check_members(step, where,
                {"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"});
}

// A text that the normalizer leaves without spaces needs no pre-tokenizer.
bool normalizer_marks_spaces(const TokenizerConfig& config) {
  return std::any_of(config.normalizers.begin(), config.normalizers.end(),
                     [&](const NormalizerStep& step) {
                       return step.kind == NormalizerKind::kReplace && step.from == " " &&
                              step.to == config.space_mark;
                     });
}

}  // namespace

void read_unigram_model(const Json& model, TokenizerConfig& config) {
  check_members(model, "model", {"type", "unk_id", "vocab", "byte_fallback"});
  config.model = TokenizerModel::kUnigram;
  if (!member(model, "vocab").is_array()) {
    unsupported("model.vocab", member(model, "vocab"), "a list of pieces and scores");
  }
  for (size_t id = 0; id < config.scores.size(); ++id) {
    if (!std::isfinite(config.scores[id])) {
      corrupt("model.vocab: the score of '" + config.pieces[id] + "' is not finite");
    }
  }
  const Json& unk = member(model, "unk_id");
  if (!unk.is_null()) {
    const size_t id = whole_number(unk, "model.unk_id", kPiecesMax);
    if (id >= config.scores.size())
      corrupt("model.unk_id is " + shown(unk) + ", which is no piece");
    config.unk = static_cast<TokenId>(id);
  }
  config.byte_fallback = flag(model, "byte_fallback", false);
  if (!config.byte_fallback) return;
  for (size_t id = 0; id < config.pieces.size(); ++id) {
    const bool normal = config.types[id] == TokenType::kNormal;
    if (normal && byte_of_piece(config.pieces[id])) config.types[id] = TokenType::kByte;
  }
}

void read_unigram_normalizer(const Json& normalizer, TokenizerConfig& config) {
  if (normalizer.is_null()) return;
  if (type_of(normalizer) != "Sequence") {
    config.normalizers.push_back(read_step(normalizer));
    return;
  }
  check_members(normalizer, "normalizer", {"type", "normalizers"});
  const Json& parts = member(normalizer, "normalizers");
  if (!parts.is_array()) corrupt("normalizer.normalizers is " + shown(parts) + ", no list");
  for (const Json& part : parts) read_unigram_normalizer(part, config);
}

void read_metaspace(const Json& pre, TokenizerConfig& config) {
  const Json& steps = member(pre, "pretokenizers");
  if (type_of(pre) == "Sequence" && steps.is_array() && !steps.empty() && steps.size() <= 2) {
    check_members(pre, "pre_tokenizer", {"type", "pretokenizers"});
    if (steps.size() == 2) {
      if (type_of(steps[0]) != "WhitespaceSplit") {
        unsupported("pre_tokenizer", pre, "Metaspace, or WhitespaceSplit and Metaspace");
      }
      config.split_white_space = true;
    }
    read_metaspace(steps.back(), config);
    // Where the first word begins is then a matter of offsets.
    if (config.split_white_space && config.space_prefix == SpacePrefix::kFirst) {
      unsupported("pre_tokenizer.prepend_scheme", "first", "always or never after WhitespaceSplit");
    }
    return;
  }
  if (pre.is_null() && normalizer_marks_spaces(config)) {
    config.space_prefix = SpacePrefix::kNever;
    config.split_words = false;
    return;
  }
  check_metaspace(pre, "pre_tokenizer");
  const Json& mark = member(pre, "replacement");
  if (!mark.is_null()) config.space_mark = text_field(pre, "pre_tokenizer", "replacement");
  if (config.space_mark.empty()) corrupt("pre_tokenizer.replacement is empty");
  config.space_prefix = prefix_of(pre, "pre_tokenizer");
  config.split_words = flag(pre, "split", true);
}

// Metaspace with the marks of the pre-tokenizer; bytes are always joined, so ByteFallback and Fuse
// beside it change nothing. Replace takes the place of Metaspace where no space is put first.
void check_unigram_decoder(const Json& decoder, TokenizerConfig& config) {
  const auto refuse = [&] {
    unsupported("decoder", decoder, "Metaspace with the fields of the pre-tokenizer");
  };
  const bool sequence = type_of(decoder) == "Sequence";
  const Json steps = sequence ? member(decoder, "decoders") : Json::array({decoder});
  bool marks = false;
  for (const Json& step : steps) {
    const std::string type = type_of(step);
    if (sequence && (type == "ByteFallback" || type == "Fuse")) continue;
    if (type == "Replace") {
      const bool spaces = member(member(step, "pattern"), "String") == config.space_mark &&
                          member(step, "content") == " ";
      if (!spaces || marks || config.space_prefix != SpacePrefix::kNever) refuse();
    } else if (type == "Metaspace") {
      check_metaspace(step, "decoder");
      const Json& mark = member(step, "replacement");
      const bool prefix = prefix_of(step, "decoder") != SpacePrefix::kNever;
      if (mark != config.space_mark || marks ||
          prefix != (config.space_prefix != SpacePrefix::kNever)) {
        refuse();
      }
    } else {
      refuse();
    }
    marks = true;
  }
  if (!marks) refuse();
}

}  // namespace ondol::text::tokenizer_json

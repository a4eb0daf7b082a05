// Any bytes as text, in trusted and other spans: nothing crashes, byte-level BPE gives the bytes
// back, and what is not trusted never becomes a control token.
// Covers: tokenizer.cpp tokenizer_special.cpp tokenizer_trie.cpp bpe.cpp bpe_tokenizer.cpp
// Covers: wordpiece.cpp unigram.cpp normalizer.cpp charsmap.cpp pre_tokenizer.cpp utf8.cpp
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/tokenizer_toy.h"

namespace {

using namespace ondol::text;

struct Subject {
  std::unique_ptr<Tokenizer> tokenizer;
  bool gives_bytes_back;
};

std::vector<Subject> make_subjects() {
  std::vector<Subject> subjects;
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    TokenizerConfig config = toy_bpe();
    config.pre_tokenizer = pre;
    config.ignore_merges = config.pre_tokenizer == "llama-bpe";
    config.normalize_nfc = config.pre_tokenizer == "qwen2";
    config.add_bos = true;
    subjects.push_back({make_tokenizer(config), !config.normalize_nfc});
  }
  TokenizerConfig stripping = toy_bpe();
  stripping.strips = {{*stripping.bos, true, true}};
  subjects.push_back({make_tokenizer(stripping), false});
  for (const bool marked : {false, true}) {
    subjects.push_back({make_tokenizer(toy_wordpiece(marked)), false});
  }
  TokenizerConfig unigram = toy_unigram();
  subjects.push_back({make_tokenizer(unigram), false});
  unigram.normalizers = {{.kind = NormalizerKind::kNmt},
                         {.kind = NormalizerKind::kNfkd},
                         {.kind = NormalizerKind::kStripAccents},
                         {.kind = NormalizerKind::kReplaceWhite, .to = " "},
                         {.kind = NormalizerKind::kStrip}};
  unigram.space_prefix = SpacePrefix::kFirst;
  unigram.split_words = false;
  subjects.push_back({make_tokenizer(unigram), false});
  return subjects;
}

void check(bool holds) {
  if (!holds) std::abort();
}

// A config that contradicts itself in one of several ways, as a hostile model file might.
TokenizerConfig broken_config(TokenizerConfig config, unsigned way, TokenId id,
                              const std::string& text) {
  std::optional<TokenId>* ids[] = {&config.bos, &config.eos, &config.unk, &config.sep,
                                   &config.pad, &config.cls, &config.mask};
  switch (way) {
    case 0:
      config.merges.push_back(text);
      break;
    case 1:
      config.pre_tokenizer = text;
      break;
    case 2:
      config.pieces.push_back(text);
      config.types.push_back(static_cast<TokenType>(id));
      break;
    case 3:
      config.types.pop_back();
      break;
    case 4:
      config.pieces.clear();
      break;
    case 5:
      config.strips.push_back({id, true, false});
      break;
    case 6:
      for (auto* each : ids) each->reset();
      config.add_bos = text.size() % 2 == 0;
      config.add_eos = true;
      break;
    default:
      *ids[way % std::size(ids)] = id;
  }
  return config;
}

// Refused names, ids and configs are errors, never crashes; what is accepted can be used.
void check_refusals(const Tokenizer& tokenizer, unsigned way, TokenId id, const std::string& text) {
  try {
    tokenizer.token_bytes(id);
    tokenizer.decode(std::vector<TokenId>{id});
  } catch (const ondol::Error&) {
  }
  try {
    const auto made = make_tokenizer(broken_config(tokenizer.config(), way, id, text));
    made->decode(made->encode(text, {.add_special = true}));
  } catch (const ondol::Error&) {
  }
}

void check_text(const Subject& subject, const std::vector<TextSpan>& spans, bool trusted) {
  const Tokenizer& tokenizer = *subject.tokenizer;
  std::string whole;
  for (const TextSpan& span : spans) whole += span.text;
  const std::vector<TokenId> ids = tokenizer.encode(spans, {});
  if (subject.gives_bytes_back) check(tokenizer.decode(ids, true) == whole);
  std::string streamed;
  for (const TokenId id : ids) {
    streamed += tokenizer.token_bytes(id);
    check(trusted || !tokenizer.is_control(id) || id == tokenizer.config().unk);
  }
  check(tokenizer.config().model != TokenizerModel::kByteBpe || streamed == tokenizer.decode(ids));
  check(complete_utf8_prefix(streamed) + 3 >= streamed.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Subject> subjects = make_subjects();
  if (size < 2) return 0;
  const Subject& subject = subjects[data[0] % subjects.size()];
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  // The second byte cuts the text in three spans, the middle one trusted.
  const size_t first = data[1] % (text.size() + 1);
  const size_t second = first + (text.size() - first) / (1 + data[0] / subjects.size());
  check_text(subject, {{text, false}}, false);
  check_text(subject,
             {{text.substr(0, first), false},
              {text.substr(first, second - first), true},
              {text.substr(second), false}},
             true);
  size_t dropped = 0;
  const auto marked =
      subject.tokenizer->encode(text, {.add_special = true, .bytes_dropped = &dropped});
  check(dropped <= 4 * text.size() + 4 &&
        (!marked.empty() || !subject.tokenizer->config().add_bos));
  if (data[0] >= 128) {
    check_refusals(*subject.tokenizer, data[1] % 16, static_cast<TokenId>(data[1]) * 2 - 64, text);
  }
  return 0;
}

#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/rng.h"
#include "text/tokenizer_toy.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The pieces of the encoded spans, joined by '|'.
std::string spell(const Tokenizer& tokenizer, std::vector<TextSpan> spans,
                  EncodeOptions options = {}) {
  std::string out;
  for (const TokenId id : tokenizer.encode(spans, options)) {
    out += (out.empty() ? "" : "|") + tokenizer.piece(id);
  }
  return out;
}

TEST(Tokenizer, MatchesSpecialTokensOnlyInTrustedSpans) {
  const auto tokenizer = make_tokenizer(toy_bpe());
  struct Row {
    std::vector<TextSpan> spans;
    const char* pieces;
  };
  const Row rows[] = {
      {{{"<s>hello", true}}, "<s>|hello"},
      {{{"<s>hello", false}}, "<|s|>|hello"},
      {{{"<s", true}, {">", false}}, "<|s|>"},  // one byte is not trusted
      {{{"<", false}, {"s>", true}}, "<|s|>"},
      {{{"<s", true}, {">", true}}, "<s>"},  // trusted in two parts
      {{{"<s", true}, {"", false}, {">", true}}, "<s>"},
      {{{"<s>", true}, {"<s>", false}, {"<s>", true}}, "<s>|<|s|>|<s>"},
      {{{"<|im_end|>2", true}}, "<|im_end|>2"},                // the longest
      {{{"<|im_end|>", true}, {"2", false}}, "<|im_end|>|2"},  // the longest that is trusted
      {{{"he", true}, {"llo", false}}, "hello"},               // words go on over spans
      {{{"<s", true}}, "<|s"},
      {{{"a<sep>b", false}}, "a|<sep>|b"},  // user-defined: anywhere
      {{{"a<se", false}, {"p>b", true}}, "a|<sep>|b"},
      {{{"[PAD]", true}}, "[|P|A|D|]"},  // unused: never
      {{}, ""},
  };
  for (const Row& row : rows) EXPECT_EQ(spell(*tokenizer, row.spans), row.pieces);
}

TEST(Tokenizer, AddsFirstAndLastOnlyWhenAsked) {
  TokenizerConfig config = toy_bpe();
  config.add_bos = config.add_eos = true;
  const auto tokenizer = make_tokenizer(config);
  EXPECT_EQ(spell(*tokenizer, {{"hello", false}}), "hello");
  EXPECT_EQ(spell(*tokenizer, {{"hello", false}}, {.add_special = true}), "<s>|hello|<|im_end|>");
  EXPECT_EQ(spell(*tokenizer, {}, {.add_special = true}), "<s>|<|im_end|>");
}

TEST(Tokenizer, StripsWhiteSpaceBesideTokensThatAskForIt) {
  TokenizerConfig config = toy_bpe();
  config.strips = {{*config.bos, true, false}, {*config.eos, false, true}};
  const auto tokenizer = make_tokenizer(config);
  EXPECT_EQ(spell(*tokenizer, {{"a \xC2\xA0 <s> b", true}}), "a|<s>|\xC4\xA0|b");
  EXPECT_EQ(spell(*tokenizer, {{"a <|im_end|> \n b", true}}), "a|\xC4\xA0|<|im_end|>|b");
  EXPECT_EQ(spell(*tokenizer, {{"<s>  <s>", true}}), "<s>|<s>");
}

TEST(Tokenizer, DecodesBytesAndHidesControlTokens) {
  const auto tokenizer = make_tokenizer(toy_bpe());
  const std::vector<TextSpan> spans = {{"<s> hello\xC3<sep>", true}};
  const std::vector<TokenId> ids = tokenizer->encode(spans, {});
  EXPECT_EQ(tokenizer->decode(ids), " hello\xC3<sep>");
  EXPECT_EQ(tokenizer->decode(ids, true), "<s> hello\xC3<sep>");
  std::string streamed;
  for (const TokenId id : ids) streamed += tokenizer->token_bytes(id);
  EXPECT_EQ(streamed, tokenizer->decode(ids));
  EXPECT_EQ(tokenizer->token_bytes(*tokenizer->find("[PAD]")), "[PAD]");
  for (const TokenId id : {-1, static_cast<TokenId>(tokenizer->vocab_size()), INT32_MIN}) {
    const std::vector<TokenId> outside = {id};
    EXPECT_THROW(tokenizer->decode(outside), Error);
    EXPECT_THROW(tokenizer->token_bytes(id), Error);
    EXPECT_THROW(tokenizer->piece(id), Error);
  }
}

TEST(Tokenizer, AnyBytesComeBack) {
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    TokenizerConfig config = toy_bpe();
    config.pre_tokenizer = pre;
    const auto tokenizer = make_tokenizer(config);
    Rng rng(11, 0);
    for (int round = 0; round < 200; ++round) {
      std::string text(rng.next_u64() % 6000, '\0');  // both sides of the cache's threshold
      for (char& c : text) {
        c = static_cast<char>(rng.next_u64() % 2 == 0 ? "hello  1'"[rng.next_u64() % 9]
                                                      : rng.next_u64());
      }
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text, {})), text) << pre;
      if (round > 30) round += 9;
    }
  }
}

TEST(Tokenizer, CountsBytesThatTheVocabularyCannotWrite) {
  TokenizerConfig config = toy_bpe();
  config.pieces[4] = "no byte";
  const auto tokenizer = make_tokenizer(config);
  size_t dropped = 0;
  const auto ids = tokenizer->encode(
      "a\x04"
      "b",
      {.bytes_dropped = &dropped});
  EXPECT_EQ(tokenizer->decode(ids), "ab");
  EXPECT_EQ(dropped, 1U);
  std::string many;
  for (int i = 0; i < 3000; ++i) many += " \x04";
  dropped = 0;
  tokenizer->encode(many, {.bytes_dropped = &dropped});
  EXPECT_EQ(dropped, 3000U);  // also where a piece repeats
}

TEST(Tokenizer, IgnoreMergesTakesWholePieces) {
  TokenizerConfig config = toy_bpe();
  config.pieces.push_back("zebra");
  config.types.push_back(TokenType::kNormal);
  EXPECT_EQ(spell(*make_tokenizer(config), {{"zebra", false}}), "z|e|b|r|a");
  config.ignore_merges = true;
  EXPECT_EQ(spell(*make_tokenizer(config), {{"zebra", false}}), "zebra");
  config.types.back() = TokenType::kControl;
  EXPECT_EQ(spell(*make_tokenizer(config), {{"zebra", false}}), "z|e|b|r|a");
}

TEST(Tokenizer, NormalizesWhereAsked) {
  TokenizerConfig config = toy_bpe();
  const auto bytes = [](const TokenizerConfig& c) {
    const auto tokenizer = make_tokenizer(c);
    return tokenizer->decode(tokenizer->encode("e\xCC\x81", {}));
  };
  EXPECT_EQ(bytes(config), "e\xCC\x81");
  config.normalize_nfc = true;
  EXPECT_EQ(bytes(config), "\xC3\xA9");
}

TEST(Tokenizer, EndOfGenerationIsEosAndKnownControlNames) {
  TokenizerConfig config = toy_bpe();
  config.eos = config.bos;
  config.pieces.insert(config.pieces.end(), {"<|eot_id|>", "</s>"});
  config.types.insert(config.types.end(), {TokenType::kControl, TokenType::kNormal});
  const auto tokenizer = make_tokenizer(config);
  EXPECT_THAT(
      tokenizer->end_of_generation(),
      ElementsAre(*config.bos, *tokenizer->find("<|im_end|>"), *tokenizer->find("<|eot_id|>")));
}

TEST(Tokenizer, RefusesHostileConfigs) {
  struct Row {
    const char* what;
    std::function<void(TokenizerConfig&)> change;
    ErrorCode code;
  };
  const Row rows[] = {
      {"empty", [](auto& c) { c.pieces.clear(); }, ErrorCode::kCorruptData},
      {"token types", [](auto& c) { c.types.pop_back(); }, ErrorCode::kCorruptData},
      {"appears twice", [](auto& c) { c.pieces[3] = c.pieces[4]; }, ErrorCode::kCorruptData},
      {"bos token", [](auto& c) { c.bos = -1; }, ErrorCode::kCorruptData},
      {"eos token", [](auto& c) { c.eos = 1000; }, ErrorCode::kCorruptData},
      {"mask token", [](auto& c) { c.mask = INT32_MAX; }, ErrorCode::kCorruptData},
      {"stripping token",
       [](auto& c) {
         c.strips = {{999, true, true}};
       },
       ErrorCode::kCorruptData},
      {"add_bos", [](auto& c) { c.add_bos = true, c.bos.reset(); }, ErrorCode::kCorruptData},
      {"add_eos", [](auto& c) { c.add_eos = true, c.eos.reset(); }, ErrorCode::kCorruptData},
      {"merge 6", [](auto& c) { c.merges.push_back("q q"); }, ErrorCode::kCorruptData},
      {"has 0 bytes", [](auto& c) { c.pieces[262].clear(); }, ErrorCode::kCorruptData},
      {"has 2000 bytes", [](auto& c) { c.pieces[262].assign(2000, 'x'); }, ErrorCode::kCorruptData},
      {"pre-tokenizer", [](auto& c) { c.pre_tokenizer = "other"; }, ErrorCode::kUnsupported},
      // Text may not become a control token by merging.
      {"merge 5", [](auto& c) { c.types[261] = TokenType::kControl; }, ErrorCode::kCorruptData},
  };
  for (const Row& row : rows) {
    TokenizerConfig config = toy_bpe();
    row.change(config);
    try {
      make_tokenizer(config);
      ADD_FAILURE() << row.what;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), row.code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(row.what));
    }
  }
}

}  // namespace
}  // namespace ondol::text

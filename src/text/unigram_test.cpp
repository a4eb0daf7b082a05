// Unigram against Hugging Face's ids and SentencePiece's normalizer (tools/golden/unigram.py).
#include "text/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "support/json_lines.h"
#include "support/paths.h"
#include "text/charsmap.h"
#include "text/tokenizer_toy.h"

namespace ondol::text {
namespace {

using ::testing::ElementsAre;

std::filesystem::path golden(const std::string& name) {
  return testing::golden_dir() / "unigram" / name;
}

void expect_golden(const std::string& name) {
  const auto tokenizer =
      make_tokenizer(parse_tokenizer_json(read_file(golden(name + ".tokenizer.json")), ""));
  const auto rows = testing::read_golden_rows(golden(name + ".jsonl"));
  ASSERT_GT(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto ids = tokenizer->encode(text, {});
    EXPECT_EQ(ids, row["ids"].get<std::vector<TokenId>>()) << row["text"];
    EXPECT_EQ(tokenizer->encode(text, {.add_special = true}),
              row["whole"].get<std::vector<TokenId>>())
        << row["text"];
    EXPECT_EQ(tokenizer->decode(ids), row["decoded"].get<std::string>()) << row["text"];
  }
}

TEST(Unigram, T5FormEqualsHuggingFace) { expect_golden("t5"); }
TEST(Unigram, ManyNormalizersEqualHuggingFace) { expect_golden("albert"); }
TEST(Unigram, ByteFallbackEqualsHuggingFace) { expect_golden("bytes"); }

TEST(Unigram, BestSumWinsAndTheEarlierPieceAmongEquals) {
  const auto tokenizer = make_tokenizer(toy_unigram());
  // abb (-7.5) against ab b (-7): two pieces cost less than one.
  EXPECT_THAT(tokenizer->encode("abb", {}), ElementsAre(6, 4));
  TokenizerConfig tie = toy_unigram();
  tie.scores[7] = -7;
  tie.space_prefix = SpacePrefix::kNever;
  EXPECT_THAT(make_tokenizer(tie)->encode("abb", {}), ElementsAre(7));
}

TEST(Unigram, NeighbouringUnknownCharactersAreOneToken) {
  const auto tokenizer = make_tokenizer(toy_unigram());
  EXPECT_THAT(tokenizer->encode("xyab\xFFz", {.add_special = true}), ElementsAre(2, 0, 5, 0, 1));
  TokenizerConfig none = toy_unigram();
  none.unk.reset();
  size_t dropped = 0;
  EXPECT_THAT(make_tokenizer(none)->encode("x\xED\x95\x9C"
                                           "a",
                                           {.bytes_dropped = &dropped}),
              ElementsAre(2, 3));
  EXPECT_EQ(dropped, 4U);
}

TEST(Unigram, TextNeverBecomesASpecialToken) {
  const auto tokenizer = make_tokenizer(toy_unigram());
  for (const char* text : {"</s>", "<unk>", "ab</s>ab"}) {
    const auto ids = tokenizer->encode(text, {});
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 0) << text;
  }
  const std::vector<TextSpan> trusted = {{"ab", false}, {"</s>", true}, {" b", false}};
  EXPECT_THAT(tokenizer->encode(trusted, {}), ElementsAre(6, 1, 2, 4));
}

TEST(Unigram, DecodesWithoutTheSpaceItPutFirst) {
  const auto tokenizer = make_tokenizer(toy_unigram());
  const auto ids = tokenizer->encode("ab ab", {.add_special = true});
  EXPECT_EQ(tokenizer->decode(ids), "ab ab");
  EXPECT_EQ(tokenizer->decode(ids, true), "ab ab</s>");
  EXPECT_EQ(tokenizer->token_bytes(6), " ab");
  EXPECT_EQ(tokenizer->token_bytes(1), "");
}

TEST(Unigram, LongTextTakesLinearTime) {
  // A quadratic search would take minutes here.
  const auto tokenizer = make_tokenizer(toy_unigram());
  EXPECT_EQ(tokenizer->encode(std::string(2'000'000, 'b'), {}).size(), 2'000'001U);
  EXPECT_EQ(tokenizer->encode(std::string(2'000'000, 'x'), {}).size(), 2U);
}

TEST(Unigram, RefusesVocabulariesThatContradictThemselves) {
  const auto expect_refused = [](auto change) {
    TokenizerConfig config = toy_unigram();
    change(config);
    EXPECT_THROW(make_tokenizer(config), Error);
  };
  expect_refused([](TokenizerConfig& c) { c.scores.clear(); });
  expect_refused([](TokenizerConfig& c) { c.scores.push_back(1); });
  expect_refused([](TokenizerConfig& c) { c.scores[3] = std::numeric_limits<double>::infinity(); });
  expect_refused([](TokenizerConfig& c) { c.scores[3] = std::nan(""); });
  expect_refused([](TokenizerConfig& c) { c.pieces[7] = std::string(5000, 'a'); });
  expect_refused([](TokenizerConfig& c) { c.space_mark.clear(); });
  expect_refused([](TokenizerConfig& c) {
    c.normalizers = {{.kind = NormalizerKind::kPrecompiled, .from = "abc"}};
  });
}

TEST(CharsMap, EqualsSentencePiece) {
  const auto rows = testing::read_golden_rows(golden("charsmap.jsonl"));
  const TokenizerConfig config = parse_tokenizer_json(read_file(golden("t5.tokenizer.json")), "");
  ASSERT_EQ(config.normalizers.size(), 1U);
  const CharsMap map(config.normalizers[0].from);
  for (size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(map.apply(rows[i]["text"].get<std::string>()),
              rows[i]["normalized"].get<std::string>())
        << rows[i]["text"];
  }
}

TEST(CharsMap, DamagedTablesAreErrorsOrHarmless) {
  const TokenizerConfig config = parse_tokenizer_json(read_file(golden("t5.tokenizer.json")), "");
  const std::string& whole = config.normalizers[0].from;
  const std::string text = "e\xCC\x81 \xEF\xBC\xA1 \xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB";
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}, size_t{100}}) {
    EXPECT_THROW(CharsMap(whole.substr(0, size)), Error);
  }
  for (size_t at = 0; at < std::min<size_t>(whole.size(), 6000); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5A);
    try {
      EXPECT_LT(CharsMap(damaged).apply(text).size(), 100'000U);
    } catch (const Error&) {
    }
  }
  std::string no_end("\4\0\0\0\0\0\0\0", 8);
  EXPECT_THROW(CharsMap(no_end + std::string(2000, 'x')), Error);
}

}  // namespace
}  // namespace ondol::text

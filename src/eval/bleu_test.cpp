// Against sacrebleu (tools/golden/bleu.py).
#include "eval/bleu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"

namespace ondol::eval {
namespace {

TEST(Bleu, IsThatOfSacrebleu) {
  const auto file = nlohmann::json::parse(read_file(testing::golden_dir() / "bleu.json"));
  ASSERT_GT(file["cases"].size(), 15U);
  for (const auto& row : file["cases"]) {
    const std::vector<std::string> ours = row["hypotheses"], theirs = row["references"];
    const std::string tokens = row["tokens"];
    const BleuScore score = corpus_bleu(ours, theirs, bleu_tokens_named(tokens));
    const std::string where = tokens + ": " + ours.front();
    EXPECT_NEAR(score.bleu, row["bleu"].get<double>(), 1e-6) << where;
    EXPECT_NEAR(score.brevity_penalty, row["brevity_penalty"].get<double>(), 1e-6) << where;
    EXPECT_EQ(score.hypothesis_tokens, row["lengths"][0].get<int64_t>()) << where;
    EXPECT_EQ(score.reference_tokens, row["lengths"][1].get<int64_t>()) << where;
    for (size_t n = 0; n < 4; ++n) {
      EXPECT_NEAR(score.precisions[n], row["precisions"][n].get<double>(), 1e-6) << where << n;
    }
  }
}

TEST(Bleu, ByHand) {
  // 4 of 5 words, 2 of 4 pairs, 1 of 3 triples, none of 2 quadruples: 1 / (2 * 2) after smoothing.
  const std::string ours = "a b c x e", theirs = "a b c d e";
  const BleuScore score = corpus_bleu({&ours, 1}, {&theirs, 1}, BleuTokens::kNone);
  EXPECT_NEAR(score.bleu, 100 * std::pow(0.8 * 0.5 * (1.0 / 3) * 0.25, 0.25), 1e-9);
}

TEST(Bleu, WrongSizesAndNamesAreErrors) {
  const std::vector<std::string> one = {"a"}, two = {"a", "b"};
  EXPECT_THROW(corpus_bleu(one, two, BleuTokens::k13a), Error);
  EXPECT_THROW(corpus_bleu({}, {}, BleuTokens::k13a), Error);
  EXPECT_THROW(bleu_tokens_named("mecab"), Error);
}

}  // namespace
}  // namespace ondol::eval

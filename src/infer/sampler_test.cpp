#include "infer/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"

namespace ondol {
namespace {

constexpr int kDraws = 20000;

// How often each id is drawn from fresh samplers of different streams.
std::map<TokenId, double> frequencies(const SamplerOptions& options,
                                      const std::vector<float>& logits) {
  std::map<TokenId, double> count;
  for (int stream = 0; stream < kDraws; ++stream) {
    std::vector<float> copy = logits;
    count[Sampler(options, static_cast<uint64_t>(stream), {}).pick(copy)] += 1.0 / kDraws;
  }
  return count;
}

TEST(Sampler, GreedyTakesTheLowestIdOfEqualOnes) {
  std::vector<float> logits = {1, 3, 3, 2};
  EXPECT_EQ(Sampler({}, 0, {}).pick(logits), 1);
}

TEST(Sampler, TemperatureGivesSoftmaxOfScaledLogits) {
  const std::vector<float> logits = {0.0f, 1.0f, 2.0f};
  const auto seen = frequencies({.temperature = 2.0}, logits);
  double sum = 0;
  for (float z : logits) sum += std::exp(z / 2.0);
  for (TokenId id = 0; id < 3; ++id)
    EXPECT_NEAR(seen.at(id), std::exp(logits[id] / 2.0) / sum, 0.015);
}

TEST(Sampler, FiltersKeepExactlyWhatTheyShould) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f),
                                     std::log(0.05f)};
  const auto kept = [&](SamplerOptions options) {
    options.temperature = 1.0;
    std::vector<TokenId> ids;
    for (const auto& [id, share] : frequencies(options, logits)) ids.push_back(id);
    return ids;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(kept({}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept({.top_k = 2}), ElementsAre(0, 1));
  EXPECT_THAT(kept({.top_p = 0.79}), ElementsAre(0, 1));
  EXPECT_THAT(kept({.top_p = 0.81}), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept({.top_p = 0.01}), ElementsAre(0));
  EXPECT_THAT(kept({.min_p = 0.29}), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept({.min_p = 0.31}), ElementsAre(0, 1));
  EXPECT_THAT(kept({.top_k = 3, .min_p = 0.5}), ElementsAre(0, 1));
}

TEST(Sampler, PenaltiesAndBiasMoveTheLogits) {
  std::vector<float> logits = {2.0f, -1.0f, 1.9f, 0.0f};
  Sampler sampler({.repetition_penalty = 2.0,
                   .presence_penalty = 0.5,
                   .frequency_penalty = 0.25,
                   .logit_bias = {{3, 1.5f}, {99, 5.0f}}},
                  0, std::vector<TokenId>{0, 1});
  EXPECT_EQ(sampler.pick(logits), 2);
  EXPECT_FLOAT_EQ(logits[0], 1.0f);   // positive: divided
  EXPECT_FLOAT_EQ(logits[1], -2.0f);  // negative: multiplied
  EXPECT_FLOAT_EQ(logits[3], 1.5f);
  std::vector<float> next = {0, 0, 4.0f, 0};
  sampler.pick(next);
  EXPECT_FLOAT_EQ(next[2], 4.0f / 2 - 0.5f - 0.25f);  // once in the answer now
}

TEST(Sampler, TheSameSeedAndStreamDrawTheSame) {
  const std::vector<float> logits(50, 1.0f);
  const auto draw = [&](uint64_t seed, uint64_t stream) {
    Sampler sampler({.temperature = 1.0, .seed = seed}, stream, {});
    std::vector<TokenId> ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> copy = logits;
      ids.push_back(sampler.pick(copy));
    }
    return ids;
  };
  EXPECT_EQ(draw(1, 0), draw(1, 0));
  EXPECT_NE(draw(1, 0), draw(2, 0));
  EXPECT_NE(draw(1, 0), draw(1, 1));
}

TEST(Sampler, LogProbabilitiesAreThoseOfTheSoftmax) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  const TokenLogprob result = token_logprob(logits, 2, 2);
  EXPECT_NEAR(result.logprob, std::log(0.2), 1e-6);
  ASSERT_EQ(result.top.size(), 2u);
  EXPECT_EQ(result.top[0].first, 0);
  EXPECT_NEAR(result.top[1].second, std::log(0.3), 1e-6);
  EXPECT_EQ(token_logprob(logits, 0, 10).top.size(), 3u);
}

TEST(Sampler, BadOptionsAreNamed) {
  const std::vector<std::pair<SamplerOptions, std::string>> rows = {
      {{.temperature = -1}, "temperature"},
      {{.temperature = NAN}, "temperature"},
      {{.top_k = -1}, "top_k"},
      {{.top_p = 0}, "top_p"},
      {{.top_p = 1.5}, "top_p"},
      {{.min_p = 1}, "min_p"},
      {{.repetition_penalty = 0}, "repetition_penalty"},
      {{.presence_penalty = 11}, "presence_penalty"},
      {{.frequency_penalty = NAN}, "frequency_penalty"},
  };
  for (const auto& [options, field] : rows) {
    try {
      check_sampler(options);
      ADD_FAILURE() << field;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(field));
    }
  }
  check_sampler({});
}

}  // namespace
}  // namespace ondol

#include "infer/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/rng.h"

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

// The definition, with everything sorted: what is kept, best first, with its weight.
std::vector<std::pair<TokenId, double>> naive_kept(const SamplerOptions& o,
                                                   const std::vector<float>& logits) {
  std::vector<std::pair<float, TokenId>> order;  // negated logit: ascending is best first
  for (size_t i = 0; i < logits.size(); ++i) order.emplace_back(-logits[i], i);
  std::sort(order.begin(), order.end());
  if (o.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(o.top_k)));
  const auto weight = [&](float negated) {
    return std::exp((static_cast<double>(-negated) + order[0].first) / o.temperature);
  };
  double sum = 0, mass = 0;
  for (const auto& [negated, id] : order) sum += weight(negated);
  std::vector<std::pair<TokenId, double>> kept;
  for (const auto& [negated, id] : order) {
    const double p = weight(negated);
    if ((!kept.empty() && o.top_p < 1 && mass >= o.top_p * sum) || p < o.min_p) break;
    kept.emplace_back(id, p);
    mass += p;
  }
  return kept;
}

TokenId naive_draw(const SamplerOptions& o, const std::vector<float>& logits, uint64_t stream) {
  const auto kept = naive_kept(o, logits);
  double sum = 0;
  for (const auto& [id, p] : kept) sum += p;
  double point = Rng(o.seed, stream).uniform() * sum;
  for (const auto& [id, p] : kept) {
    point -= p;
    if (point < 0) return id;
  }
  return kept.back().first;
}

// Peaked and flat distributions, short and long lists: each takes another way through the sampler.
TEST(Sampler, FiltersDrawWhatTheDefinitionDraws) {
  Rng rng(11);
  const std::vector<SamplerOptions> settings = {{.top_k = 1},
                                                {.top_k = 40},
                                                {.top_k = 3000},
                                                {.top_p = 0.1},
                                                {.top_p = 0.9},
                                                {.top_p = 0.999},
                                                {.min_p = 0.2},
                                                {.min_p = 0.001},
                                                {.top_k = 50, .top_p = 0.8},
                                                {.top_p = 0.9, .min_p = 0.01},
                                                {.top_k = 700, .top_p = 0.95, .min_p = 0.0001}};
  for (const size_t size : {5UL, 600UL, 5000UL}) {
    for (const double spread : {0.05, 1.0, 8.0}) {
      std::vector<float> logits(size);
      for (float& z : logits) z = static_cast<float>(rng.normal() * spread);
      for (size_t i = 0; i + 7 < size; i += 9) logits[i] = logits[i + 7];  // ties
      for (SamplerOptions options : settings) {
        for (const double temperature : {0.3, 1.0, 4.0}) {
          options.temperature = temperature;
          for (uint64_t stream = 0; stream < 8; ++stream) {
            std::vector<float> copy = logits;
            ASSERT_EQ(Sampler(options, stream, {}).pick(copy), naive_draw(options, logits, stream))
                << size << " spread " << spread << " t " << temperature << " k " << options.top_k
                << " p " << options.top_p << " min " << options.min_p;
          }
        }
      }
    }
  }
}

TEST(Sampler, WithoutAFilterEveryTokenHasItsShare) {
  Rng rng(12);
  std::vector<float> logits(3000);
  for (float& z : logits) z = static_cast<float>(rng.normal());
  logits[2500] = 9;  // about half of everything
  const SamplerOptions options{.temperature = 1.0};
  const auto kept = naive_kept(options, logits);
  double sum = 0;
  std::map<TokenId, double> share;
  for (const auto& [id, p] : kept) sum += p;
  for (const auto& [id, p] : kept) share[id / 500] += p / sum;
  std::map<TokenId, double> seen;
  for (const auto& [id, frequency] : frequencies(options, logits)) seen[id / 500] += frequency;
  for (const auto& [part, expected] : share) EXPECT_NEAR(seen[part], expected, 0.012) << part;
}

TEST(Sampler, WhereNoTokenIsLeftItSaysSo) {
  for (const double temperature : {0.0, 1.0}) {
    std::vector<float> logits(100, -INFINITY);
    Sampler sampler({.temperature = temperature}, 0, {});
    EXPECT_THROW(sampler.pick(logits), Error);
    logits[70] = -1e30F;
    EXPECT_EQ(sampler.pick(logits), 70);
    logits[60] = INFINITY;
    EXPECT_EQ(sampler.pick(logits), 60);
  }
}

TEST(Sampler, ATokenThatWasGivenCountsAndDrawsNoNumber) {
  const SamplerOptions options{.temperature = 1.0, .presence_penalty = 10, .seed = 4};
  const std::vector<float> logits(40, 0.0F);
  Sampler drawn(options, 0, {}), given(options, 0, {});
  given.accept(3);
  std::vector<float> a = logits, b = logits;
  drawn.pick(a);
  given.pick(b);
  EXPECT_EQ(b[3], -10);
  std::vector<float> c = logits;
  c[3] -= 10;
  EXPECT_EQ(Sampler({.temperature = 1.0, .seed = 4}, 0, {}).pick(c),
            Sampler({.temperature = 1.0, .seed = 4}, 0, {}).pick(b));
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

// Probabilities summed over passages, against brute-force enumeration; and the strategy around it.
#include "prompt/document_mixture.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/rng.h"
#include "prompt/strategy.h"
#include "prompt/test_support.h"

namespace ondol::prompt {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::ScriptedGenerator;

constexpr size_t kWords = 3, kLength = 3, kDocuments = 4;

// P(next word | document, words so far) from a table of random numbers.
struct ToyModel {
  explicit ToyModel(uint64_t seed) {
    Rng rng(seed);
    for (auto& table : tables) {
      for (double& x : table) x = 0.05 + rng.uniform();
    }
  }
  double next(size_t document, std::span<const size_t> before, size_t word) const {
    size_t state = 0;
    for (const size_t w : before) state = state * (kWords + 1) + w + 1;
    double sum = 0;
    for (size_t w = 0; w < kWords; ++w) sum += tables[document][state * kWords + w];
    return tables[document][state * kWords + word] / sum;
  }
  std::vector<std::vector<double>> tables =
      std::vector<std::vector<double>>(kDocuments, std::vector<double>(kWords * 64));
};

TEST(DocumentMixture, BothFormsEqualTheirDefinitionOverAllAnswers) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const ToyModel model(seed);
    const std::vector<double> weights = {0.5, 0.3, 0.2, 0.0};
    double all_sequence = 0, all_token = 0;
    for (size_t code = 0; code < 27; ++code) {
      const std::vector<size_t> words = {code / 9, code / 3 % 3, code % 3};
      std::vector<std::vector<double>> rows(kDocuments);
      double by_sequence = 0, by_token = 1;
      for (size_t d = 0; d < kDocuments; ++d) {
        double product = 1;
        for (size_t i = 0; i < kLength; ++i) {
          const double p = model.next(d, std::span(words).first(i), words[i]);
          product *= p;
          rows[d].push_back(std::log(p));
        }
        by_sequence += weights[d] * product;
      }
      for (size_t i = 0; i < kLength; ++i) {
        double sum = 0;
        for (size_t d = 0; d < kDocuments; ++d) {
          sum += weights[d] * model.next(d, std::span(words).first(i), words[i]);
        }
        by_token *= sum;
      }
      EXPECT_NEAR(sequence_log_likelihood(weights, rows), std::log(by_sequence), 1e-12);
      EXPECT_NEAR(token_log_likelihood(weights, rows), std::log(by_token), 1e-12);
      all_sequence += std::exp(sequence_log_likelihood(weights, rows));
      all_token += std::exp(token_log_likelihood(weights, rows));
    }
    EXPECT_NEAR(all_sequence, 1, 1e-12);
    EXPECT_NEAR(all_token, 1, 1e-12);
  }
}

TEST(DocumentMixture, LongAnswersDoNotUnderflow) {
  const std::vector<double> weights = {0.5, 0.5};
  const std::vector<std::vector<double>> rows(2, std::vector<double>(1000, -5.0));
  EXPECT_NEAR(sequence_log_likelihood(weights, rows), -5000, 1e-6);
  EXPECT_NEAR(token_log_likelihood(weights, rows), -5000, 1e-6);
}

TEST(DocumentMixture, WeightsFollowTheScores) {
  const auto weights = [](std::vector<double> scores) {
    std::vector<Evidence> evidence;
    for (const double score : scores) evidence.push_back({.score = score});
    return document_weights(evidence, 0.2);
  };
  EXPECT_NEAR(weights({2, 1})[1] / weights({2, 1})[0], std::exp(-0.5 / 0.2), 1e-12);
  EXPECT_NEAR(weights({20, 10})[0], weights({2, 1})[0], 1e-12);
  EXPECT_NEAR(weights({0, 0, 0})[2], 1.0 / 3, 1e-12);
  EXPECT_NEAR(weights({1, -5})[1], weights({1, 0})[1], 1e-12);
}

// Two passages say different things; the one that is more to the point wins, with both forms.
TEST(DocumentMixtureStrategy, WeighsWhatEachPassageSays) {
  const Query query{.text = "Which colour?"};
  const DecodeConfig decode{.tokens_max = 9};
  const PromptBuilder builder({}, {}, nullptr);
  for (const char* mixture : {"sequence", "token"}) {
    ScriptedGenerator generator;
    const auto says = [](const PromptInput& prompt, const char* word) {
      return std::get<Prompt>(prompt).messages.back().content.find(word) != std::string::npos;
    };
    generator.text = [&](const GenerateRequest& request, int64_t) -> std::string {
      const bool red = says(request.prompt, "red"), blue = says(request.prompt, "blue");
      return red && blue ? "purple" : red ? "red" : "blue";
    };
    generator.token_log_likelihoods = [&](const ScoreRequest& request, const std::string& text) {
      const bool red = says(request.prompt, "red");
      const double log = text == "purple" ? -9.0 : (text == "red") == red ? -0.1 : -3.0;
      return std::vector<double>{log, log};
    };
    const std::vector<Evidence> evidence = {{.document = "a", .text = "It is red.", .score = 1},
                                            {.document = "b", .text = "It is blue.", .score = 3}};
    const Answer answer = make_strategy({.kind = "document-mixture", .mixture = mixture})
                              ->answer(generator, {query, evidence, builder, decode, {}});
    EXPECT_EQ(answer.text, "blue") << mixture;
    EXPECT_EQ(generator.requests.size(), 3u);  // each passage, and both
    EXPECT_EQ(generator.scored.size(), 2u);
    EXPECT_EQ(answer.trace.size(), 3u);
  }
}

TEST(DocumentMixtureStrategy, ChoicesAreWeighedWithoutGenerating) {
  const Query query{.text = "Which?", .choices = {"red", "blue"}};
  const DecodeConfig decode;
  const PromptBuilder builder({}, {}, nullptr);
  ScriptedGenerator generator;
  generator.token_log_likelihoods = [](const ScoreRequest&, const std::string& text) {
    return std::vector<double>{text == " blue" ? -1.0 : -2.0};
  };
  const std::vector<Evidence> evidence = {{.document = "a", .text = "x", .score = 1},
                                          {.document = "b", .text = "y", .score = 1}};
  const Answer answer = make_strategy({.kind = "document-mixture"})
                            ->answer(generator, {query, evidence, builder, decode, {}});
  EXPECT_EQ(answer.text, "blue");
  EXPECT_TRUE(generator.requests.empty());
  ASSERT_EQ(answer.choice_log_likelihoods.size(), 2u);
  EXPECT_NEAR(answer.choice_log_likelihoods[0], -2, 1e-12);
}

TEST(DocumentMixtureStrategy, WrongConfigsAndModelsAreNamed) {
  const auto make = [](const StrategyConfig& config) {
    return error_text([&] { make_strategy(config); });
  };
  EXPECT_THAT(make({.kind = "document-mixture", .mixture = "both"}),
              HasSubstr("sequence or token"));
  EXPECT_THAT(make({.kind = "document-mixture", .document_temperature = 0}), HasSubstr("above 0"));
  ScriptedGenerator generator;
  generator.can_score = false;
  const PromptBuilder builder({}, {}, nullptr);
  const Query query{.text = "Which?"};
  const DecodeConfig decode;
  try {
    make_strategy({.kind = "document-mixture"})
        ->answer(generator, {query, {}, builder, decode, {}});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("likelihood"));
  }
  const std::vector<double> weights = {1.0};
  const std::vector<std::vector<double>> uneven = {{1.0, 2.0}, {1.0}};
  EXPECT_THAT(error_text([&] { sequence_log_likelihood(weights, uneven); }), HasSubstr("rows"));
}

}  // namespace
}  // namespace ondol::prompt

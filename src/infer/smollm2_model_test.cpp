// SmolLM2-135M-Instruct through the generator, against Hugging Face's values
// (tools/golden/smollm2.py): what the engine adds to the model must change nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

const json& golden() {
  static const json kGolden = json::parse(read_file(golden_dir() / "smollm2.json"));
  return kGolden;
}

// Loaded once: every test reads it.
std::unique_ptr<LocalGenerator> smollm2(Precision precision) {
  static const auto kModel = [] {
    ThreadPool pool(2);
    return std::make_shared<const Model>(load_model(smollm2_gguf(), pool));
  }();
  return std::make_unique<LocalGenerator>(kModel, std::make_unique<ThreadPool>(2),
                                          LocalGeneratorOptions{.precision = precision});
}

// All ten at once: company must not change them either.
TEST(SmolLm2Generator, GreedyTextsAreThoseOfHuggingFace) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  const auto generator = smollm2(Precision::kExact);
  std::vector<std::unique_ptr<Generation>> running;
  for (const json& entry : golden()["greedy"]) {
    GenerateRequest request;
    request.prompt = entry["prompt_ids"].get<std::vector<TokenId>>();
    request.tokens_max = 64;
    running.push_back(generator->submit(std::move(request)));
  }
  ASSERT_EQ(running.size(), 10U);
  for (size_t i = 0; i < running.size(); ++i) {
    const json& entry = golden()["greedy"][i];
    const GeneratedSample sample = running[i]->wait().samples.at(0);
    EXPECT_EQ(sample.ids, entry["ids"].get<std::vector<TokenId>>());
    EXPECT_EQ(sample.text, entry["text"].get<std::string>());
    EXPECT_EQ(sample.finish_reason, entry["finish_reason"].get<std::string>());
  }
}

double perplexity(LocalGenerator& generator, const std::string& text, size_t window) {
  const std::vector<TokenId> ids = generator.model().tokenizer->encode(text, {});
  double nll = 0;
  int64_t scored = 0;
  for (size_t begin = 0; begin < ids.size(); begin += window) {
    const auto part = std::span(ids).subspan(begin, std::min(window, ids.size() - begin));
    for (const double value : generator.token_log_likelihoods(part)) {
      nll -= value;
      ++scored;
    }
  }
  EXPECT_EQ(scored, golden()["perplexity"]["scored"].get<int64_t>());
  return std::exp(nll / static_cast<double>(scored));
}

void expect_perplexity(Precision precision, double tolerance) {
  const json& part = golden()["perplexity"];
  const auto file = data_dir() / "corpora" / part["text"].get<std::string>();
  const std::string text = read_file(file).substr(0, part["bytes"].get<size_t>());
  const double got = perplexity(*smollm2(precision), text, part["window"].get<size_t>());
  EXPECT_NEAR(got / part["perplexity"].get<double>(), 1, tolerance) << got;
}

TEST(SmolLm2Generator, PerplexityInExactMode) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  ONDOL_NEED_DATA("corpora/wiki_demo.txt");
  expect_perplexity(Precision::kExact, 1e-3);
}

TEST(SmolLm2Generator, PerplexityInFastMode) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  ONDOL_NEED_DATA("corpora/wiki_demo.txt");
  expect_perplexity(Precision::kFast, 1e-2);
}

}  // namespace
}  // namespace ondol::testing

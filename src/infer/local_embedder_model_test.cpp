// all-MiniLM-L6-v2 in its three forms of weights on real sentences: what bf16 and int8 lose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "infer/local_embedder.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

std::vector<std::string> sentences(size_t count) {
  std::ifstream file(data_dir() / "sts_semeval" / "train.jsonl");
  std::vector<std::string> texts;
  // Spread over the file: its parts come from news, forums and captions.
  std::string line;
  for (size_t i = 0; texts.size() < count && std::getline(file, line); ++i) {
    if (i % 25 != 0) continue;
    const auto row = nlohmann::json::parse(line);
    texts.push_back(row["sentence1"]);
    texts.push_back(row["sentence2"]);
  }
  return texts;
}

LocalEmbedder minilm(WeightForm form, Precision precision = Precision::kFast) {
  ThreadPool pool(2);
  auto model = std::make_shared<Model>(load_model(minilm_dir(), pool, {}, {form}));
  return LocalEmbedder(std::move(model), std::make_unique<ThreadPool>(2), {.precision = precision});
}

TEST(LocalEmbedderForms, Bf16AndInt8StayNearTheF32Vectors) {
  ONDOL_NEED_MODEL(minilm_dir());
  ONDOL_NEED_DATA("sts_semeval");
  const std::vector<std::string> texts = sentences(400);
  ASSERT_EQ(texts.size(), 400U);
  LocalEmbedder own = minilm(WeightForm::kFile, Precision::kExact);
  const auto want = own.embed(texts, {}).vectors;
  struct Case {
    WeightForm form;
    double least, mean;  // cosine
  };
  for (const Case c :
       {Case{WeightForm::kFile, 0.99999, 0.999999}, Case{WeightForm::kBf16, 0.999, 0.9999},
        Case{WeightForm::kInt8, 0.995, 0.999}}) {
    LocalEmbedder embedder = minilm(c.form);
    const auto got = embedder.embed(texts, {}).vectors;
    std::vector<double> cosines;
    for (size_t i = 0; i < texts.size(); ++i) {
      cosines.push_back(std::inner_product(got[i].begin(), got[i].end(), want[i].begin(), 0.0));
    }
    const double least = *std::ranges::min_element(cosines);
    const double mean = std::accumulate(cosines.begin(), cosines.end(), 0.0) / 400;
    std::printf("%s: least cosine %.6f, mean %.6f\n", std::string(weight_form_name(c.form)).c_str(),
                least, mean);
    EXPECT_GE(least, c.least) << weight_form_name(c.form);
    EXPECT_GE(mean, c.mean) << weight_form_name(c.form);
    if (c.form != WeightForm::kFile) {
      EXPECT_LT(mean, 1 - 1e-7) << "the form changed nothing";
      EXPECT_NE(embedder.id(), minilm(WeightForm::kFile).id());
    }
  }
}

}  // namespace
}  // namespace ondol::testing

// all-MiniLM-L6-v2 from its real files against tests/golden/minilm.json (sentence-transformers;
// tools/golden/minilm.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "models/test_forward.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

std::vector<double> mean_pooled(const Tensor& states, const SequenceSlice& slice) {
  std::vector<double> vector(static_cast<size_t>(states.dim(1)));
  for (int64_t t = slice.token_begin; t < slice.token_end; ++t) {
    for (size_t d = 0; d < vector.size(); ++d) vector[d] += states.row(t)[d];
  }
  return vector;
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t d = 0; d < a.size(); ++d) ab += a[d] * b[d], aa += a[d] * a[d], bb += b[d] * b[d];
  return ab / std::sqrt(aa * bb);
}

TEST(MiniLm, SentenceVectorsAreThoseOfSentenceTransformers) {
  ONDOL_NEED_MODEL(minilm_dir());
  ThreadPool pool(2);
  const Model model = load_model(minilm_dir(), pool);
  ASSERT_TRUE(model.pooling);
  EXPECT_EQ(model.pooling->kind, PoolingConfig::Kind::kMean);
  EXPECT_TRUE(model.pooling->normalize);
  EXPECT_EQ(model.pooling->tokens_max, 256);
  EXPECT_EQ(model.info.parameters, 22565376);

  const json golden = json::parse(read_file(golden_dir() / "minilm.json"));
  SequenceBatch batch;
  Ids all;
  for (const json& text : golden["texts"]) {
    const Ids expected = text["ids"];
    Ids ids = model.tokenizer->encode(text["text"].get<std::string>(), {.add_special = true});
    if (ids.size() <= 256) {
      EXPECT_EQ(ids, expected) << text["text"];
    }
    const int64_t row = batch.tokens();
    batch.sequences.push_back({row, row + static_cast<int64_t>(expected.size()), 0, {}});
    all.insert(all.end(), expected.begin(), expected.end());
  }
  // A fast run rounds activations to int8 blocks: a little further, never another sentence.
  for (const auto& [precision, least] :
       {std::pair(Precision::kExact, 0.9999), std::pair(Precision::kFast, 0.999)}) {
    const Tensor states = model.encoder->forward({pool, best_kernels(), precision}, all, batch);
    for (size_t i = 0; i < batch.sequences.size(); ++i) {
      const std::vector<double> expected = golden["texts"][i]["vector"];
      EXPECT_GE(cosine(mean_pooled(states, batch.sequences[i]), expected), least)
          << golden["texts"][i]["text"];
    }
  }
}

}  // namespace
}  // namespace ondol::testing

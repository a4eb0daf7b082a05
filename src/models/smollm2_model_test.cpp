// SmolLM2-135M-Instruct from the real GGUF file against tests/golden/smollm2.json (Hugging Face on
// the dequantised weights; tools/golden/smollm2.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "models/model.h"
#include "models/test_forward.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

const json& golden() {
  static const json kGolden = json::parse(read_file(golden_dir() / "smollm2.json"));
  return kGolden;
}

// Loaded once: every test reads it.
class SmolLm2 : public ::testing::Test {
 protected:
  static ThreadPool& pool() {
    static ThreadPool pool(2);
    return pool;
  }
  static const Model& model() {
    static const Model model = load_model(smollm2_gguf(), pool());
    return model;
  }
  static ops::Context context(Precision precision) { return {pool(), best_kernels(), precision}; }
};

TEST_F(SmolLm2, TellsWhatTheFileHolds) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  const ModelInfo& info = model().info;
  EXPECT_EQ(info.architecture, "llama");
  EXPECT_EQ(info.parameters, 134515008);
  EXPECT_EQ(info.layers, 30);
  EXPECT_EQ(info.width, 576);
  EXPECT_EQ(info.heads, 9);
  EXPECT_EQ(info.kv_heads, 3);
  EXPECT_EQ(info.head_width, 64);
  EXPECT_EQ(info.vocabulary, 49152);
  EXPECT_EQ(info.context_tokens_max, 8192);
  EXPECT_EQ(model().tokenizer->config().pre_tokenizer, "smollm");
  EXPECT_NE(model().chat_template.find("<|im_start|>"), std::string::npos);
  EXPECT_EQ(model().hash.size(), 64U);
}

TEST_F(SmolLm2, LogitsAreThoseOfHuggingFace) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  const json& part = golden()["logits"];
  const Ids ids = part["ids"];
  const ops::Context exact = context(Precision::kExact);
  const Tensor hidden = hidden_states(model(), exact, ids);
  for (const json& row : part["rows"]) {
    const int64_t position = row["position"];
    const Tensor logits = model().decoder->logits(exact, hidden.rows(position, position + 1));
    for (size_t i = 0; i < row["ids"].size(); ++i) {
      const int64_t id = row["ids"][i];
      EXPECT_NEAR(logits.row(0)[id], row["logits"][i].get<float>(), 1e-3)
          << "position " << position << ", token " << id;
    }
  }
}

TEST_F(SmolLm2, GreedyContinuationsAreThoseOfHuggingFace) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  for (const json& entry : golden()["greedy"]) {
    const Ids expected = entry["ids"];
    EXPECT_EQ(greedy(model(), context(Precision::kExact), entry["prompt_ids"], 64), expected)
        << entry["text"];
  }
}

double windows_nll(const Model& model, const ops::Context& context, const Ids& ids, size_t window,
                   size_t windows_max) {
  double nll = 0;
  for (size_t begin = 0, w = 0; begin < ids.size() && w < windows_max; begin += window, ++w) {
    const Ids part(ids.begin() + begin, ids.begin() + std::min(ids.size(), begin + window));
    const Tensor hidden = hidden_states(model, context, part);
    const Tensor logits = model.decoder->logits(context, hidden);
    for (size_t i = 1; i < part.size(); ++i) nll -= log_probability(logits.row(i - 1), part[i]);
  }
  return nll;
}

TEST_F(SmolLm2, NegativeLogLikelihoodOfTheFirstWindows) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  ONDOL_NEED_DATA("corpora/wiki_demo.txt");
  constexpr size_t kWindows = 3;  // the whole text is `ondol perplexity`'s test
  const json& part = golden()["perplexity"];
  const std::string text =
      read_file(data_dir() / "corpora" / "wiki_demo.txt").substr(0, part["bytes"].get<size_t>());
  const Ids ids = model().tokenizer->encode(text, {});
  ASSERT_EQ(ids.size(), part["tokens"].get<size_t>());
  double expected = 0;
  for (size_t w = 0; w < kWindows; ++w) expected += part["window_nll"][w].get<double>();
  const size_t window = part["window"];
  const double exact = windows_nll(model(), context(Precision::kExact), ids, window, kWindows);
  EXPECT_NEAR(exact / expected, 1, 1e-4);
  const double fast = windows_nll(model(), context(Precision::kFast), ids, window, kWindows);
  EXPECT_NEAR(fast / expected, 1, 5e-3);
}

}  // namespace
}  // namespace ondol::testing

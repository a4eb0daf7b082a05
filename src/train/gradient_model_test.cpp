// Gradients through the whole real model: fast precision and int8 copies of the weights against
// exact arithmetic.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/tape.h"
#include "support/paths.h"
#include "train/causal_lm.h"
#include "train/lora.h"

namespace ondol::train {
namespace {

ExampleSet some_examples(const Model& model) {
  ExampleSet examples;
  for (const char* text : {"The floor is heated by warm smoke that runs below the stones.",
                           "Water boils at a hundred degrees, earlier on a mountain."}) {
    Example example;
    example.ids = model.tokenizer->encode(text, {});
    example.loss.assign(example.ids.size(), 1);
    examples.add(example, 0);
  }
  return examples;
}

// An adapter whose both halves get gradients: `up` is not zero as at the start of a training.
Lora begun_lora(const Model& model) {
  Lora lora = make_lora(model.linears, {.r = 8, .lora_alpha = 16});
  for (Parameter& parameter : lora.parameters) {
    float* values = parameter.value.data<float>();
    for (int64_t i = 0; i < parameter.value.size(); ++i) {
      if (values[i] == 0) values[i] = 0.01F * std::sin(static_cast<float>(i) * 0.7F);
    }
  }
  return lora;
}

std::vector<Tensor> gradients(const Model& model, Lora& lora, ThreadPool& pool, Precision precision,
                              ops::TransposedWeights* transposed) {
  const ExampleSet examples = some_examples(model);
  const std::vector<uint32_t> both = {0, 1};
  ops::Tape tape(transposed);
  for (const Parameter& parameter : lora.parameters) tape.watch(parameter.value);
  const ops::Context context{pool, best_kernels(), precision, ops::Form::kFused, nullptr, &tape};
  causal_lm_loss(model, context, make_batch(examples, both), &lora.adapter, {.scale = 0.05F});
  tape.backward();
  std::vector<Tensor> found;
  for (const Parameter& parameter : lora.parameters) {
    found.push_back(tape.gradient(parameter.value));
  }
  return found;
}

double cosine(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const float* x = a[i].data<float>();
    const float* y = b[i].data<float>();
    for (int64_t k = 0; k < a[i].size(); ++k) {
      dot += double{x[k]} * y[k];
      aa += double{x[k]} * x[k];
      bb += double{y[k]} * y[k];
    }
  }
  return dot / std::sqrt(aa * bb);
}

TEST(ModelGradients, FastAndInt8PointWhereExactPoints) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  ThreadPool pool(2);
  const Model model = load_model(testing::smollm2_gguf(), pool);
  Lora lora = begun_lora(model);
  ops::TransposedWeights transposed;
  const auto exact = gradients(model, lora, pool, Precision::kExact, nullptr);
  const auto fast = gradients(model, lora, pool, Precision::kFast, nullptr);
  const auto int8 = gradients(model, lora, pool, Precision::kFast, &transposed);
  EXPECT_GT(transposed.bytes(), 0U);
  EXPECT_GT(cosine(exact, fast), 0.99);
  EXPECT_GT(cosine(exact, int8), 0.985);
  EXPECT_GT(cosine(fast, int8), 0.995);
}

}  // namespace
}  // namespace ondol::train

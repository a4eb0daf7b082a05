// Gradients of whole tiny models against differences of their losses.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/rng.h"
#include "models/test_forward.h"
#include "ops/loss.h"
#include "ops/tape.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

std::filesystem::path tiny(const std::string& name) {
  const auto folder = golden_dir() / "models" / name;
  return std::filesystem::exists(folder / "model.gguf") ? folder / "model.gguf" : folder;
}

Tensor random_tensor(Rng& rng, Shape shape, double size) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(size * rng.normal());
  }
  return tensor;
}

Adapter random_adapter(const Model& model, int64_t rank) {
  Adapter adapter;
  for (size_t slot = 0; slot < model.linears.size(); ++slot) {
    Rng rng(7, slot);
    const LinearSlot& linear = model.linears[slot];
    adapter.by_slot.push_back({random_tensor(rng, {linear.columns, rank}, 0.3),
                               random_tensor(rng, {rank, linear.rows}, 0.3), 0.5F});
  }
  return adapter;
}

double product(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += double{a.data()[i]} * b.data()[i];
  return sum;
}

void add_scaled(Tensor& to, const Tensor& direction, float factor) {
  for (int64_t i = 0; i < to.size(); ++i) to.data()[i] += factor * direction.data()[i];
}

// How fast `loss` grows along a random direction of `parameter`, by differences of fourth order.
void expect_gradient(const Tensor& gradient, Tensor& parameter, const std::string& name,
                     const std::function<double()>& loss) {
  Rng rng(99, static_cast<uint64_t>(parameter.size()));
  const Tensor direction = random_tensor(rng, parameter.shape(), 1);
  constexpr float kStep = 2e-3F;
  const auto loss_at = [&](float steps) {
    add_scaled(parameter, direction, steps * kStep);
    const double value = loss();
    add_scaled(parameter, direction, -steps * kStep);
    return value;
  };
  const double near = loss_at(1) - loss_at(-1), far = loss_at(2) - loss_at(-2);
  const double measured = (8 * near - far) / (12 * double{kStep});
  const double computed = product(gradient, direction);
  EXPECT_NEAR(computed, measured, 0.005 * std::abs(measured) + 0.02) << name;
  EXPECT_NE(computed, 0) << name;
}

// Two sequences in one batch, the second with targets on a part of its tokens only.
class TinyDecoderGradient : public ::testing::TestWithParam<const char*> {
 protected:
  TinyDecoderGradient() : model(load_model(tiny(GetParam()), pool)) {
    adapter = random_adapter(model, 3);
    for (int i = 0; i < 31; ++i) {
      ids.push_back(static_cast<text::TokenId>((i * 37 + 11) % model.info.vocabulary));
      targets.push_back(i > 20 && i < 25 ? ops::kNoTarget : (i * 53 + 5) % 100);
    }
  }

  ops::LossSum loss(ops::Tape* tape) {
    ops::Context context{pool, best_kernels(), Precision::kExact};
    context.tape = tape;
    const auto kv = make_pool(model, 64, 2);
    TestSequence first(*kv, 18), second(*kv, 13);
    SequenceBatch batch{{first.next(0, 18), second.next(18, 13)}, kv.get()};
    for (SequenceSlice& slice : batch.sequences) slice.adapter = &adapter;
    const Tensor hidden = model.decoder->forward(context, ids, batch);
    return ops::linear_cross_entropy(context, hidden, model.decoder->head(), targets);
  }

  ThreadPool pool{2};
  Model model;
  Adapter adapter;
  Ids ids;
  std::vector<int32_t> targets;
};

TEST_P(TinyDecoderGradient, EveryAdapterMatrixFollowsTheLoss) {
  ops::Tape tape;
  for (const ops::LowRank& pair : adapter.by_slot) {
    tape.watch(pair.down);
    tape.watch(pair.up);
  }
  EXPECT_EQ(loss(&tape).tokens, 27);
  tape.backward();
  for (size_t slot = 0; slot < adapter.by_slot.size(); ++slot) {
    ops::LowRank& pair = adapter.by_slot[slot];
    const auto sum = [&] { return loss(nullptr).loss; };
    expect_gradient(tape.gradient(pair.down), pair.down, model.linears[slot].module + " down", sum);
    expect_gradient(tape.gradient(pair.up), pair.up, model.linears[slot].module + " up", sum);
  }
}

TEST_P(TinyDecoderGradient, SameBitsForEveryThreadCount) {
  std::vector<Tensor> all[2];
  for (const int threads : {1, 3}) {
    ops::Tape tape;
    for (const ops::LowRank& pair : adapter.by_slot) tape.watch(pair.down), tape.watch(pair.up);
    ThreadPool own(threads);
    ops::Context context{own, best_kernels(), Precision::kFast};
    context.tape = &tape;
    const auto kv = make_pool(model, 64, 1);
    TestSequence sequence(*kv, 31);
    SequenceBatch batch{{sequence.next(0, 31)}, kv.get()};
    batch.sequences[0].adapter = &adapter;
    const Tensor hidden = model.decoder->forward(context, ids, batch);
    ops::linear_cross_entropy(context, hidden, model.decoder->head(), targets);
    tape.backward();
    for (const ops::LowRank& pair : adapter.by_slot) {
      all[threads == 3].push_back(tape.gradient(pair.down));
      all[threads == 3].push_back(tape.gradient(pair.up));
    }
  }
  for (size_t i = 0; i < all[0].size(); ++i) EXPECT_TRUE(same_bits(all[0][i], all[1][i])) << i;
}

INSTANTIATE_TEST_SUITE_P(Files, TinyDecoderGradient,
                         ::testing::Values("llama_tied", "llama_tied_q8_gguf",
                                           "llama3_untied_gguf"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace ondol::testing

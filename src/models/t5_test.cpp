// Tiny random T5 models against Hugging Face's values (tools/golden/t5.py): states, logits, loss,
// every gradient, greedy text.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "io/safetensors.h"
#include "models/test_forward.h"
#include "nn/call_pages.h"
#include "ops/loss.h"
#include "ops/relative_bias.h"
#include "ops/tape.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

constexpr float kTolerance = 1e-4F;

struct Pair {
  Ids source, target;
};

class TinyT5 : public ::testing::TestWithParam<const char*> {
 protected:
  TinyT5() : model(load_model(folder(), pool)), expected(read(folder() / "expected.json")) {
    for (const json& pair : expected["pairs"]) {
      pairs.push_back({pair["source"].get<Ids>(), pair["target"].get<Ids>()});
    }
  }
  static std::filesystem::path folder() { return golden_dir() / "models" / GetParam(); }
  static json read(const std::filesystem::path& path) { return json::parse(read_file(path)); }
  ops::Context context(Precision precision = Precision::kExact) {
    return {pool, best_kernels(), precision};
  }

  // Rows of all sources or of all decoder inputs: the target behind the start token.
  static SequenceBatch rows_of(std::span<const Pair> some, bool source, Ids& ids, Ids* labels,
                               text::TokenId start) {
    SequenceBatch batch;
    for (const Pair& pair : some) {
      const auto begin = static_cast<int64_t>(ids.size());
      if (source) {
        ids.insert(ids.end(), pair.source.begin(), pair.source.end());
      } else {
        ids.push_back(start);
        ids.insert(ids.end(), pair.target.begin(), pair.target.end() - 1);
        labels->insert(labels->end(), pair.target.begin(), pair.target.end());
      }
      batch.sequences.push_back({begin, static_cast<int64_t>(ids.size()), 0, {}});
    }
    return batch;
  }

  struct Pass {
    Tensor states, hidden;
    Ids labels;
  };
  Pass pass(const ops::Context& with, std::span<const Pair> some) {
    const EncoderDecoderModel& t5 = *model.encoder_decoder;
    const KvShape kv = t5.kv_shape();
    const AttentionShape shape{kv.kv_heads, kv.kv_heads, kv.head_width, 1};
    Pass out;
    Ids sources, inputs;
    const SequenceBatch from = rows_of(some, true, sources, nullptr, 0);
    const SequenceBatch to = rows_of(some, false, inputs, &out.labels, t5.start_token());
    out.states = t5.encode(with, sources, from);
    const nn::CallPages own(shape, to), cross(shape, from);
    out.hidden = t5.decode(with, inputs, own.batch(), {cross.batch(), &out.states});
    return out;
  }

  ThreadPool pool{1};
  Model model;
  json expected;
  std::vector<Pair> pairs;
};

TEST_P(TinyT5, StatesAndLogitsAreThoseOfHuggingFace) {
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Pass out = pass(context(), {&pairs[i], 1});
    const Tensor logits = model.encoder_decoder->logits(context(), out.hidden);
    const json& want = expected["pairs"][i];
    for (size_t row = 0; row < want["states"].size(); ++row) {
      const std::vector<float> values = want["states"][row];
      EXPECT_LT(largest_difference(out.states.row(4 * row), values), kTolerance) << row;
    }
    for (size_t row = 0; row < want["logits"].size(); ++row) {
      const std::vector<float> values = want["logits"][row];
      EXPECT_LT(largest_difference(logits.row(6 * row), values), kTolerance) << row;
    }
  }
}

TEST_P(TinyT5, LossAndAllGradientsAreThoseOfPyTorch) {
  const io::SafetensorsFile file = io::SafetensorsFile::open(folder() / "gradients.safetensors");
  for (const ops::Form form : {ops::Form::kFused, ops::Form::kComposed}) {
    ops::Tape tape;
    ops::Context with = context();
    with.form = form;
    with.tape = &tape;
    EncoderDecoderModel& t5 = *model.encoder_decoder;
    const std::vector<WeightRef> weights = t5.weights();
    for (const WeightRef& weight : weights) {
      weight.matrix ? tape.watch(*weight.matrix) : tape.watch(weight.vector);
    }
    const Pass out = pass(with, pairs);
    const auto tokens = static_cast<double>(out.labels.size());
    const ops::LossSum loss = ops::linear_cross_entropy(with, out.hidden, t5.head(), out.labels,
                                                        {.scale = static_cast<float>(1 / tokens)});
    double want = 0;
    for (const json& pair : expected["pairs"]) want += pair["loss"].get<double>();
    EXPECT_NEAR(loss.loss, want, 1e-4 * want);
    tape.backward();
    EXPECT_EQ(weights.size(), file.tensors().size());
    for (const WeightRef& weight : weights) {
      const Tensor gradient =
          weight.matrix ? tape.gradient(*weight.matrix) : tape.gradient(weight.vector);
      const std::vector<float> values = file.read_f32(weight.name);
      float size = 0;
      for (const float value : values) size = std::max(size, std::abs(value));
      EXPECT_GT(size, 0) << weight.name;
      const std::span<const float> ours(gradient.data(), static_cast<size_t>(gradient.size()));
      EXPECT_LT(largest_difference(ours, values), 1e-4F * size + 1e-6F) << weight.name;
    }
  }
}

TEST_P(TinyT5, NeighboursInABatchChangeNoBit) {
  for (const Precision precision : {Precision::kExact, Precision::kFast}) {
    const Pass all = pass(context(precision), pairs);
    int64_t source = 0, target = 0;
    for (const Pair& pair : pairs) {
      const Pass alone = pass(context(precision), {&pair, 1});
      const auto s = static_cast<int64_t>(pair.source.size());
      const auto t = static_cast<int64_t>(pair.target.size());
      EXPECT_TRUE(same_bits(alone.states, all.states.rows(source, source + s)));
      EXPECT_TRUE(same_bits(alone.hidden, all.hidden.rows(target, target + t)));
      source += s, target += t;
    }
  }
}

TEST_P(TinyT5, ThreadsAndInstructionSetsChangeNoBit) {
  for (const Precision precision : {Precision::kExact, Precision::kFast}) {
    const Pass one = pass(context(precision), pairs);
    for (const int threads : {2, 3}) {
      ThreadPool other(threads);
      const Pass more = pass({other, best_kernels(), precision}, pairs);
      EXPECT_TRUE(same_bits(one.hidden, more.hidden)) << threads;
    }
    for (const std::string_view isa : supported_isas()) {
      const Pass other = pass({pool, kernels_for(isa), precision}, pairs);
      EXPECT_TRUE(same_bits(one.hidden, other.hidden)) << isa;
    }
  }
}

TEST_P(TinyT5, GradientsHaveTheSameBitsForEveryThreadCount) {
  std::vector<Tensor> all[2];
  for (const int threads : {1, 3}) {
    ThreadPool own(threads);
    ops::Tape tape;
    ops::Context with{own, best_kernels(), Precision::kFast};
    with.tape = &tape;
    const std::vector<WeightRef> weights = model.encoder_decoder->weights();
    for (const WeightRef& weight : weights) {
      weight.matrix ? tape.watch(*weight.matrix) : tape.watch(weight.vector);
    }
    const Pass out = pass(with, pairs);
    ops::linear_cross_entropy(with, out.hidden, model.encoder_decoder->head(), out.labels);
    tape.backward();
    for (const WeightRef& weight : weights) {
      all[threads == 3].push_back(weight.matrix ? tape.gradient(*weight.matrix)
                                                : tape.gradient(weight.vector));
    }
  }
  for (size_t i = 0; i < all[0].size(); ++i) EXPECT_TRUE(same_bits(all[0][i], all[1][i])) << i;
}

// One token at a time through pages of every layer, the encoder's among them: the states of a pass
// over all tokens.
TEST_P(TinyT5, StepByStepIsThePassOverAllTokens) {
  const EncoderDecoderModel& t5 = *model.encoder_decoder;
  const Pair& pair = pairs[1];
  const Pass whole = pass(context(), {&pair, 1});
  KvPool kv(t5.kv_shape(), SIZE_MAX);
  TestSequence own(kv, 64), source(kv, 64);
  const auto count = static_cast<int64_t>(pair.source.size());
  EncoderMemory memory{{{source.next(0, count)}, &kv}, &whole.states};
  Ids inputs = pair.target;
  inputs.insert(inputs.begin(), t5.start_token());
  for (size_t t = 0; t + 1 < inputs.size(); ++t) {
    const SequenceBatch batch{{own.next(0, 1)}, &kv};
    const Tensor hidden = t5.decode(context(), {&inputs[t], 1}, batch, memory);
    memory.states = nullptr;
    const auto row = static_cast<int64_t>(t);
    EXPECT_TRUE(same_bits(hidden, whole.hidden.rows(row, row + 1))) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TinyT5, ::testing::Values("t5_relu_tied", "t5_gated_untied"),
                         [](const auto& name) { return std::string(name.param); });

TEST(RelativeBuckets, AreThoseOfHuggingFace) {
  const json file = json::parse(read_file(golden_dir() / "t5_buckets.json"));
  const std::vector<int64_t> distances = file["distances"];
  for (const json& row : file["rows"]) {
    const ops::RelativePositions positions{.both_sides = row["both_sides"],
                                           .distance_max = row["distance_max"]};
    const std::vector<int64_t> values = row["values"];
    for (size_t i = 0; i < distances.size(); ++i) {
      EXPECT_EQ(ops::relative_bucket(distances[i], row["buckets"], positions), values[i])
          << distances[i] << " " << row["buckets"];
    }
  }
}

}  // namespace
}  // namespace ondol::testing

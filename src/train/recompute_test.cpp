// Levels of recomputation on whole tiny models: losses and gradients have the bits of a tape that
// keeps everything, for adapters and all weights; memory falls and is what the plan says.
#include "ops/recompute.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "models/untrained.h"
#include "nn/call_pages.h"
#include "support/live_bytes.h"
#include "support/paths.h"
#include "train/memory_plan.h"
#include "train/run_test_support.h"
#include "train/seq2seq.h"

namespace ondol::train {
namespace {

using ondol::testing::golden_dir;
using ondol::testing::live_bytes;
using ops::Recompute;
using testing::same_bytes;

std::filesystem::path tiny(const std::string& name) {
  const auto folder = golden_dir() / "models" / name;
  return std::filesystem::exists(folder / "model.gguf") ? folder / "model.gguf" : folder;
}

// Two segments of one pack, the second with targets on a part of its tokens only.
PackedBatch packed_batch(int64_t first, int64_t count) {
  PackedBatch batch;
  batch.begins = {0, first, count};
  batch.examples = {0, 1};
  for (int64_t i = 0; i < count; ++i) {
    batch.ids.push_back(static_cast<TokenId>((i * 37 + 11) % 288));
    batch.labels.push_back(i > first + 2 && i < first + 7 ? kIgnoredLabel
                                                          : static_cast<int32_t>(i * 53 % 100));
  }
  return batch;
}

using Loss = std::function<double(const ops::Context&)>;

struct Passed {
  double loss = 0;
  std::vector<Tensor> gradients;
  int64_t kept = 0;  // bytes between the ways forward and back
};

struct How {
  Recompute level = Recompute::kOff;
  int threads = 2;
  Precision precision = Precision::kFast;
};

Passed pass(std::span<const Parameter> parameters, const How& how, const Loss& loss) {
  ThreadPool pool(how.threads);
  ops::TransposedWeights transposed;
  ops::Tape tape(&transposed, how.level);
  testing::watch(tape, parameters);
  ops::Context context{pool, best_kernels(), how.precision};
  context.tape = &tape;
  Passed passed;
  const int64_t before = live_bytes();
  passed.loss = loss(context);
  passed.kept = live_bytes() - before - static_cast<int64_t>(transposed.bytes());
  tape.backward();
  for (const Parameter& p : parameters) passed.gradients.push_back(testing::gradient_of(tape, p));
  return passed;
}

void expect_same_bits(std::span<const Parameter> parameters, const Loss& loss,
                      const std::string& what) {
  for (const Precision precision : {Precision::kFast, Precision::kExact}) {
    const Passed kept = pass(parameters, {.precision = precision}, loss);
    for (const Recompute level : {Recompute::kAttention, Recompute::kLayers}) {
      for (const int threads : {1, 2}) {
        const Passed again = pass(parameters, {level, threads, precision}, loss);
        EXPECT_EQ(again.loss, kept.loss) << what;
        for (size_t i = 0; i < parameters.size(); ++i) {
          ASSERT_TRUE(same_bytes(again.gradients[i], kept.gradients[i]))
              << what << ": " << ops::recompute_name(level) << ", " << threads << " threads, "
              << parameters[i].name;
        }
      }
    }
  }
}

// A Lora whose halves all get gradients.
Lora begun_lora(const Model& model, const LoraConfig& config, ThreadPool& pool) {
  const KernelContext kernel{pool, best_kernels()};
  Lora lora = make_lora(model.linears, config, &kernel);
  for (size_t i = 0; i < lora.parameters.size(); ++i) {
    Tensor& value = lora.parameters[i].value;
    const Tensor noise = testing::random_tensor(value.shape(), i, 0.2);
    for (int64_t k = 0; k < value.size(); ++k) value.data()[k] += noise.data()[k];
  }
  refresh_lengths(lora, model.linears, kernel);
  return lora;
}

class RecomputedDecoder : public ::testing::TestWithParam<const char*> {};

TEST_P(RecomputedDecoder, AdaptersHaveTheSameGradients) {
  ThreadPool pool(2);
  const Model model = load_model(tiny(GetParam()), pool);
  const PackedBatch batch = packed_batch(18, 31);
  LoraConfig plain{.r = 3, .lora_alpha = 6}, dora = plain, pissa = plain, last = plain;
  dora.use_dora = true;
  pissa.init_lora_weights = LoraInit::kPissa;
  last.target_modules = {"model.layers.1.mlp.up_proj"};  // nothing is watched before it
  const TrainingNoise none, noise{.seed = 77, .adapter_dropout = 0.3F, .embedding_alpha = 5};
  const auto expect = [&](const LoraConfig& config, const TrainingNoise& of, const char* what) {
    Lora lora = begun_lora(model, config, pool);
    expect_same_bits(
        lora.parameters,
        [&](const ops::Context& context) {
          return causal_lm_loss(model, context, batch, &lora.adapter, {.scale = 0.1F}, of).loss;
        },
        what);
  };
  expect(plain, none, "plain");
  expect(plain, noise, "with dropout and noise");
  expect(last, noise, "one module of the last layer");
  expect(dora, none, "DoRA");
  expect(pissa, none, "PiSSA");
}

TEST_P(RecomputedDecoder, AllWeightsHaveTheSameGradients) {
  ThreadPool pool(2);
  const PackedBatch batch = packed_batch(18, 31);
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kBf16, WeightForm::kF32}) {
    for (const bool frozen : {false, true}) {
      Model model = load_model(tiny(GetParam()), pool, {}, {.all_f32 = true});
      WholeModelConfig config{.form = form};
      if (frozen) config.freeze = {"embed_tokens", "layers\\.0\\."};
      WholeModel whole(model, config, pool);
      expect_same_bits(
          whole.parameters(),
          [&](const ops::Context& context) {
            return causal_lm_loss(model, context, batch, nullptr, {.scale = 0.1F}).loss;
          },
          std::string(weight_form_name(form)) + (frozen ? " frozen" : ""));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, RecomputedDecoder,
                         ::testing::Values("llama_tied", "llama_tied_q8_gguf",
                                           "llama3_untied_gguf"),
                         [](const auto& name) { return std::string(name.param); });

TEST(RecomputedEncoder, AllWeightsHaveTheSameGradients) {
  ThreadPool pool(2);
  Model model = load_model(tiny("bert"), pool, {}, {.all_f32 = true});
  WholeModel whole(model, {.form = WeightForm::kInt8}, pool);
  const PackedBatch batch = packed_batch(18, 31);
  expect_same_bits(
      whole.parameters(),
      [&](const ops::Context& context) {
        SequenceBatch sequences;
        sequences.sequences = {{0, 18, 0, {}}, {18, 31, 0, {}}};
        const Tensor states = model.encoder->forward(context, batch.ids, sequences);
        context.tape->add(context.tape->value_of(states),
                          testing::random_tensor(states.shape(), 3));
        return double{states.row(30)[0]};
      },
      "bert");
}

class RecomputedPairs : public ::testing::TestWithParam<const char*> {};

TEST_P(RecomputedPairs, AdaptersAndAllWeightsHaveTheSameGradients) {
  ThreadPool pool(2);
  SftData data;
  for (uint32_t i = 0; i < 3; ++i) {
    Example example;
    for (TokenId t = 0; t < static_cast<TokenId>(12 + 5 * i); ++t) {
      example.ids.push_back(2 + (t * 7 + static_cast<TokenId>(i)) % 200);
      example.loss.push_back(t > 6 ? 1 : 0);
    }
    data.examples.add(example, i);
    data.where.emplace_back("here");
  }
  const std::vector<uint32_t> pack = {2, 0, 1};
  const auto expect = [&](const Model& model, std::span<Parameter> parameters,
                          const Adapter* adapter, const char* what) {
    Seq2SeqObjective objective(model, parameters, adapter, data, {});
    expect_same_bits(
        parameters,
        [&](const ops::Context& context) {
          return objective.loss(context, Split::kTrain, pack, {.scale = 0.1F}).loss;
        },
        what);
  };
  Model model = load_model(tiny(GetParam()), pool, {}, {.all_f32 = true});
  Lora lora = begun_lora(model, {.r = 2, .lora_alpha = 2}, pool);
  expect(model, lora.parameters, &lora.adapter, "adapter");
  WholeModel whole(model, {.form = WeightForm::kBf16}, pool);
  expect(model, whole.parameters(), nullptr, "all weights");
}

INSTANTIATE_TEST_SUITE_P(Files, RecomputedPairs,
                         ::testing::Values("t5_relu_tied", "t5_gated_untied"),
                         [](const auto& name) { return std::string(name.param); });

SftData four_examples() {
  SftData data;
  for (uint32_t i = 0; i < 4; ++i) {
    Example example;
    for (uint32_t t = 0; t < 9 + 4 * i; ++t) {
      example.ids.push_back(static_cast<TokenId>((t * 37 + i * 5 + 11) % 288));
      example.loss.push_back(t % 4 > 0 ? 1 : 0);
    }
    data.examples.add(example, i);
    data.where.emplace_back("here");
  }
  return data;
}

// Steps of packs and several micro-batches, on another level from step to step.
TEST(RecomputedSteps, ChangeNoBitWhateverTheLevelIs) {
  const auto train = [](bool full, const std::vector<Recompute>& levels, int threads) {
    ThreadPool pool(threads);
    Model model = load_model(tiny("llama_tied"), pool, {}, {.all_f32 = full});
    std::optional<WholeModel> whole;
    if (full) whole.emplace(model, WholeModelConfig{}, pool);
    Lora lora = make_lora(model.linears, {.r = 2, .lora_dropout = 0.2});
    const auto parameters = full ? whole->parameters() : std::span<Parameter>(lora.parameters);
    SftObjective objective(model, parameters, full ? nullptr : &lora.adapter, four_examples(), {},
                           {.dropout = full ? 0 : 0.2});
    TrainConfig config{.learning_rate = 1e-2, .max_steps = 4};
    config.gradient_accumulation_steps = 2;
    config.max_length = 36;
    Trainer trainer({pool, best_kernels(), Precision::kFast}, objective, config);
    std::vector<double> numbers;
    for (size_t i = 0; !trainer.done(); ++i) {
      trainer.recompute(levels[i % levels.size()]);
      const StepMetrics m = trainer.step();
      numbers.insert(numbers.end(), {m.loss, m.grad_norm});
    }
    std::string bytes;
    for (const Parameter& p : parameters) {
      bytes.append(reinterpret_cast<const char*>(p.value.data()), p.value.bytes().size());
    }
    return std::pair(numbers, bytes);
  };
  for (const bool full : {false, true}) {
    const auto kept = train(full, {Recompute::kOff}, 2);
    EXPECT_TRUE(train(full, {Recompute::kLayers}, 1) == kept) << full;
    EXPECT_TRUE(train(full, {Recompute::kAttention}, 2) == kept) << full;
    EXPECT_TRUE(train(full, {Recompute::kOff, Recompute::kLayers, Recompute::kAttention}, 2) ==
                kept)
        << full;
  }
}

// ---- memory ----

class RecomputedMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (live_bytes() == 0) GTEST_SKIP() << "this allocator does not count";
    const LlamaShape shape{.hidden_size = 96,
                           .intermediate_size = 256,
                           .num_hidden_layers = 8,
                           .num_attention_heads = 6,
                           .num_key_value_heads = 2};
    write_untrained(folder.path(), llama_config(shape), 288, 1);
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
      std::filesystem::copy_file(golden_dir() / "models" / "llama_tied" / name,
                                 folder.path() / name);
    }
  }
  testing::TemporaryFolder folder;
  ThreadPool pool{2};
  PackedBatch batch = packed_batch(200, 512);
};

// Pages of keys and values come from an arena: address space, of which little is touched.
int64_t arena_bytes(const Model& model) {
  const KvShape kv = model.decoder->kv_shape();
  SequenceBatch batch;
  batch.sequences.push_back({0, 512, 0, {}});  // more than the first page, which stands alone
  const int64_t before = live_bytes();
  const nn::CallPages pages({kv.kv_heads, kv.kv_heads, kv.head_width, 1}, batch);
  return live_bytes() - before;
}

TEST_F(RecomputedMemory, FallsByLevelsAndIsThatOfThePlan) {
  Model model = load_model(folder.path(), pool);
  Lora lora = begun_lora(model, {.r = 8, .lora_alpha = 8}, pool);
  const Loss loss = [&](const ops::Context& context) {
    return causal_lm_loss(model, context, batch, &lora.adapter, {.scale = 0.1F}).loss;
  };
  const int64_t arena = arena_bytes(model);
  for (const Precision precision : {Precision::kFast, Precision::kExact}) {
    int64_t before = INT64_MAX;
    for (const Recompute level : ops::kRecomputeLevels) {
      const Passed passed = pass(lora.parameters, {.level = level, .precision = precision}, loss);
      MemoryPlan plan = plan_memory(model, lora, nullptr,
                                    {.tokens = 512, .precision = precision, .recompute = level});
      // Between the two ways no part is at work; what the loss has for the last norm is there.
      const MemoryPlan off =
          plan_memory(model, lora, nullptr, {.tokens = 512, .precision = precision});
      const double of_one = static_cast<double>(off.activations) / 8;
      const double planned = static_cast<double>(plan.activations);
      const int64_t kept = passed.kept - (level == Recompute::kOff ? 0 : arena);
      const auto measured = static_cast<double>(kept);
      EXPECT_LT(measured, 1.1 * planned + 0.05 * of_one) << ops::recompute_name(level);
      EXPECT_GT(measured, 0.85 * (level == Recompute::kOff ? planned : planned - of_one))
          << ops::recompute_name(level);
      EXPECT_LT(kept, before - before / 5) << ops::recompute_name(level);
      before = kept;
    }
  }
}

TEST_F(RecomputedMemory, PlanSaysTheLevelAndWhatIsToCome) {
  Model model = load_model(folder.path(), pool, {}, {.all_f32 = true});
  WholeModel whole(model, {}, pool);
  MemoryOptions options{.tokens = 512, .optimizer_bytes = 1 << 20};
  const MemoryPlan off = plan_memory(model, whole, options);
  EXPECT_EQ(off.text().find("computed again"), std::string::npos);
  EXPECT_EQ(off.to_come(), off.peak() - off.model - off.optimizer - off.parameters / 2);
  options.recompute = Recompute::kAttention;
  const MemoryPlan attention = plan_memory(model, whole, options);
  options.recompute = Recompute::kLayers;
  const MemoryPlan layers = plan_memory(model, whole, options);
  EXPECT_NE(attention.text().find("(attention computed again)"), std::string::npos);
  EXPECT_NE(layers.text().find("(layers computed again)"), std::string::npos);
  EXPECT_LT(attention.peak(), off.peak());
  EXPECT_LT(layers.peak(), attention.peak());
}

}  // namespace
}  // namespace ondol::train

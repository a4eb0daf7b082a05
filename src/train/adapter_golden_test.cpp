// Adapters in training against PEFT and PyTorch (tools/golden/training.py): loss, every gradient,
// the adapter after ten steps of AdamW, and a whole run.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "io/safetensors.h"
#include "models/adapter_file.h"
#include "support/paths.h"
#include "train/run_test_support.h"
#include "train/sft.h"

namespace ondol::train {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr double kRelative = 1e-4;

struct Sequence {
  std::vector<TokenId> ids;
  std::vector<int32_t> labels;  // kIgnoredLabel: none
};

std::vector<Sequence> sequences_of(const json& batch) {
  std::vector<Sequence> sequences;
  for (const json& s : batch) {
    Sequence sequence{s["ids"].get<std::vector<TokenId>>(), {}};
    for (const int32_t target : s["targets"]) {
      sequence.labels.push_back(target < 0 ? kIgnoredLabel : target);
    }
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

PackedBatch packed(const std::vector<Sequence>& sequences) {
  PackedBatch batch;
  batch.begins.push_back(0);
  for (const Sequence& s : sequences) {
    batch.ids.insert(batch.ids.end(), s.ids.begin(), s.ids.end());
    batch.labels.insert(batch.labels.end(), s.labels.begin(), s.labels.end());
    batch.begins.push_back(static_cast<int64_t>(batch.ids.size()));
    batch.examples.push_back(static_cast<uint32_t>(batch.examples.size()));
  }
  batch.targets = std::ranges::count_if(batch.labels, [](int32_t l) { return l != kIgnoredLabel; });
  return batch;
}

double norm(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return std::sqrt(sum);
}

// A golden folder, the model it belongs to, and a Lora of its settings with its values.
class Golden {
 public:
  Golden(const std::string& name, const std::string& model_name, const LoraConfig& config)
      : folder(ondol::testing::golden_dir() / "training" / name),
        model(load_model(ondol::testing::golden_dir() / "models" / model_name, pool)),
        expected(json::parse(read_file(folder / "expected.json"))),
        values(io::SafetensorsFile::open(folder / "golden.safetensors")),
        lora(make_lora(model.linears, config, &kernel)) {}

  void start() {
    restore_lora(lora, model.linears, load_adapter(folder / "start", model).adapter);
    refresh_lengths(lora, model.linears, kernel);
  }

  // `tensors`, by parameter, are those of the golden file within kRelative of their norms.
  void expect_tensors(const char* prefix, const std::vector<Tensor>& tensors,
                      const std::vector<Tensor>& before = {}) {
    const auto named = peft_tensors(model, adapter_of(tensors), {});
    const auto first = before.empty() ? named : peft_tensors(model, adapter_of(before), {});
    ASSERT_EQ(named.size(), tensors.size());
    for (size_t i = 0; i < named.size(); ++i) {
      const auto& [name, tensor] = named[i];
      const std::vector<float> wanted =
          values.read_f32(std::string(prefix) + "." + golden_name(name));
      ASSERT_EQ(wanted.size(), static_cast<size_t>(tensor.size())) << name;
      std::vector<float> off(wanted.size()), change(wanted);
      for (size_t k = 0; k < wanted.size(); ++k) {
        off[k] = tensor.data()[k] - wanted[k];
        if (!before.empty()) change[k] -= first[i].second.data()[k];
      }
      EXPECT_GT(norm(change), 0) << name;
      EXPECT_LT(norm(off), kRelative * norm(change)) << prefix << " " << name;
    }
  }

  std::vector<Tensor> parameter_copies() const {
    std::vector<Tensor> copies;
    for (const Parameter& p : lora.parameters) {
      copies.push_back(
          Tensor::from({p.value.data(), static_cast<size_t>(p.value.size())}, p.value.shape()));
    }
    return copies;
  }

  ThreadPool pool{2};
  KernelContext kernel{pool, best_kernels(), Precision::kExact};
  ops::Context context{pool, best_kernels(), Precision::kExact};
  fs::path folder;
  Model model;
  json expected;
  io::SafetensorsFile values;
  Lora lora;

 private:
  // Something of the shape of the parameters, in their order, as an adapter.
  Adapter adapter_of(const std::vector<Tensor>& tensors) const {
    Adapter adapter{lora.adapter.by_slot};
    size_t next = 0;
    for (ops::LowRank& pair : adapter.by_slot) {
      if (!pair.down.defined()) continue;
      pair.down = tensors.at(next++);
      pair.up = tensors.at(next++);
      if (pair.magnitude.defined()) pair.magnitude = tensors.at(next++);
    }
    return adapter;
  }
  // Encoders' modules have the names of the whole model here, PEFT had their inner part.
  std::string golden_name(std::string name) const {
    if (!model.encoder || values.find_tensor("gradient." + name)) return name;
    const std::string inner = "base_model.model.bert.";
    return name.starts_with(inner) ? "base_model.model." + name.substr(inner.size()) : name;
  }
};

// Ten steps as the golden file made them; `pass` is forward, its loss, and the tape's way back.
template <class Pass>
void expect_steps(Golden& golden, Pass pass) {
  OptimizerConfig adamw;
  adamw.weight_decay = golden.expected["weight_decay"];
  const auto optimizer = make_optimizer(adamw, golden.lora.parameters);
  const std::vector<Tensor> before = golden.parameter_copies();
  const json& losses = golden.expected["losses"];
  for (size_t step = 0; step < losses.size(); ++step) {
    ops::Tape tape;
    for (const Parameter& parameter : golden.lora.parameters) tape.watch(parameter.value);
    golden.context.tape = &tape;
    const double loss = pass(sequences_of(golden.expected["batches"][step % 3]), tape);
    const double wanted = losses[step];
    EXPECT_NEAR(loss, wanted, kRelative * std::max(1.0, std::abs(wanted))) << "step " << step;
    std::vector<Tensor> gradients;
    for (const Parameter& parameter : golden.lora.parameters) {
      gradients.push_back(tape.gradient(parameter.value));
    }
    if (step == 0) golden.expect_tensors("gradient", gradients);
    optimizer->step(golden.kernel, golden.lora.parameters, gradients,
                    golden.expected["learning_rate"]);
    refresh_lengths(golden.lora, golden.model.linears, golden.kernel);
  }
  golden.expect_tensors("after", golden.parameter_copies(), before);
}

void expect_decoder_steps(Golden& golden) {
  expect_steps(golden, [&](const std::vector<Sequence>& sequences, ops::Tape& tape) {
    const PackedBatch batch = packed(sequences);
    const auto count = static_cast<float>(batch.targets);
    const ops::LossSum sum = causal_lm_loss(golden.model, golden.context, batch,
                                            &golden.lora.adapter, {.scale = 1 / count});
    tape.backward();
    return sum.loss / static_cast<double>(count);
  });
}

const std::vector<std::string> kShort = {"k_proj", "o_proj", "up_proj"};

TEST(AdapterGolden, LoraIsPefts) {
  Golden golden("lora", "llama_tied", {.r = 2, .lora_alpha = 3});
  golden.start();
  expect_decoder_steps(golden);
}

TEST(AdapterGolden, RsLoraWithPatternsIsPefts) {
  LoraConfig config{.r = 2, .lora_alpha = 3, .use_rslora = true, .target_modules = kShort};
  config.rank_pattern = {{R"(layers\.1\.mlp\.up_proj)", 4}};
  config.alpha_pattern = {{"o_proj", 5}};
  Golden golden("rslora", "llama_tied", config);
  golden.start();
  expect_decoder_steps(golden);
}

TEST(AdapterGolden, DoraIsPefts) {
  Golden golden("dora", "llama_tied", {.r = 2, .lora_alpha = 3, .use_dora = true});
  golden.start();
  expect_decoder_steps(golden);
}

TEST(AdapterGolden, AdaptersOfAnEncoderArePefts) {
  LoraConfig config{.r = 2, .lora_alpha = 3, .target_modules = {"query", "value", "dense"}};
  Golden golden("bert", "bert", config);
  golden.start();
  expect_steps(golden, [&](const std::vector<Sequence>& sequences, ops::Tape& tape) {
    const PackedBatch packed_batch = packed(sequences);
    SequenceBatch batch;
    for (size_t i = 0; i < sequences.size(); ++i) {
      batch.sequences.push_back({.token_begin = packed_batch.begins[i],
                                 .token_end = packed_batch.begins[i + 1],
                                 .adapter = &golden.lora.adapter});
    }
    const Tensor states = golden.model.encoder->forward(golden.context, packed_batch.ids, batch);
    Tensor& gradient = tape.sum(tape.value_of(states), states.shape());
    double loss = 0;
    for (int64_t t = 0; t < states.dim(0); ++t) {
      const int64_t first = t < packed_batch.begins[1] ? 0 : packed_batch.begins[1];
      for (int64_t e = 0; e < states.dim(1); ++e) {
        const int64_t place = (t - first) * states.dim(1) + e;
        const double weight = (static_cast<double>(place * 7919 % 1000) / 1000 - 0.5) / 10;
        loss += weight * double{states.row(t)[static_cast<size_t>(e)]};
        gradient.row(t)[static_cast<size_t>(e)] = static_cast<float>(weight);
      }
    }
    tape.backward();
    return loss;
  });
}

// ---- PiSSA ----

LoraConfig pissa_config() {
  LoraConfig config{.r = 3, .lora_alpha = 6, .init_lora_weights = LoraInit::kPissa};
  config.target_modules = {"q_proj", "v_proj", "down_proj"};
  return config;
}

// A Lora whose pair and fixed pair are those of a folder, as PEFT's exact decomposition made them.
void start_as(Golden& golden, const fs::path& file) {
  const auto start = io::SafetensorsFile::open(file);
  Adapter both = file_adapter(golden.lora);
  for (size_t slot = 0; slot < both.by_slot.size(); ++slot) {
    ops::LowRank& pair = both.by_slot[slot];
    if (!pair.down.defined()) continue;
    const LinearSlot& linear = golden.model.linears[slot];
    const std::vector<float> a = start.read_f32(lora_name(linear, 'A'));  // [r, K]
    const std::vector<float> b = start.read_f32(lora_name(linear, 'B'));  // [N, r]
    const int64_t rank = pair.down.dim(1) / 2;
    for (int64_t k = 0; k < rank; ++k) {
      for (int64_t c = 0; c < linear.columns; ++c) {
        pair.down.row(c)[static_cast<size_t>(k)] = a[static_cast<size_t>(k * linear.columns + c)];
        pair.down.row(c)[static_cast<size_t>(rank + k)] = pair.down.row(c)[static_cast<size_t>(k)];
      }
      for (int64_t n = 0; n < linear.rows; ++n) {
        pair.up.row(k)[static_cast<size_t>(n)] = b[static_cast<size_t>(n * rank + k)];
        pair.up.row(rank + k)[static_cast<size_t>(n)] = -b[static_cast<size_t>(n * rank + k)];
      }
    }
  }
  restore_lora(golden.lora, golden.model.linears, both);
}

TEST(AdapterGolden, PissaIsPefts) {
  Golden golden("pissa", "llama_tied", pissa_config());
  start_as(golden, golden.folder / "start" / "adapter_model.safetensors");
  expect_decoder_steps(golden);
  // What is written is what PEFT converts to: twice the rank, for the unchanged base.
  const testing::TemporaryFolder out;
  write_peft_adapter(out.path(), golden.model, file_adapter(golden.lora), {});
  const LoadedAdapter ours = load_adapter(out.path(), golden.model);
  const LoadedAdapter theirs = load_adapter(golden.folder / "converted", golden.model);
  for (size_t slot = 0; slot < golden.model.linears.size(); ++slot) {
    const ops::LowRank &a = ours.adapter.by_slot[slot], &b = theirs.adapter.by_slot[slot];
    ASSERT_EQ(a.down.defined(), b.down.defined());
    if (!a.down.defined()) continue;
    EXPECT_EQ(a.scale, b.scale);
    ASSERT_EQ(a.down.shape(), b.down.shape());
    for (const auto& [x, y] : {std::pair(a.down, b.down), std::pair(a.up, b.up)}) {
      for (int64_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x.data()[i], y.data()[i], 2e-5);
    }
  }
}

// Our decomposition is another way to the same pair: the products B A agree.
TEST(AdapterGolden, PissaBeginsWithTheSamePrincipalPart) {
  Golden golden("pissa", "llama_tied", pissa_config());
  const std::vector<ops::LowRank> ours = golden.lora.adapter.by_slot;
  Golden theirs("pissa", "llama_tied", pissa_config());
  start_as(theirs, theirs.folder / "start" / "adapter_model.safetensors");
  for (size_t slot = 0; slot < ours.size(); ++slot) {
    if (!ours[slot].down.defined()) continue;
    const auto product = [](const ops::LowRank& pair) {
      std::vector<float> out;
      for (int64_t c = 0; c < pair.down.dim(0); ++c) {
        for (int64_t n = 0; n < pair.up.dim(1); ++n) {
          double sum = 0;
          for (int64_t k = 0; k < pair.up.dim(0); ++k) {
            sum += double{pair.down.row(c)[static_cast<size_t>(k)]} *
                   pair.up.row(k)[static_cast<size_t>(n)];
          }
          out.push_back(static_cast<float>(sum));
        }
      }
      return out;
    };
    std::vector<float> off = product(ours[slot]);
    const std::vector<float> wanted = product(theirs.lora.adapter.by_slot[slot]);
    for (size_t i = 0; i < off.size(); ++i) off[i] -= wanted[i];
    EXPECT_LT(norm(off), 2e-3 * norm(wanted)) << golden.model.linears[slot].module;
  }
}

// ---- a whole run ----

TEST(AdapterGolden, AWholeRunIsThatOfAPlainLoop) {
  Golden golden("run", "llama_tied", {.r = 2, .lora_alpha = 4});
  golden.start();
  const json& expected = golden.expected;
  const Dataset data = read_dataset(std::vector{golden.folder / "rows.jsonl"}, {});
  const Renderer renderer(*golden.model.tokenizer, "", {.max_length = 64});
  SftData rows{render_dataset(data, renderer, {}), {}};
  ASSERT_EQ(rows.examples.size(), expected["examples"].size());
  for (size_t i = 0; i < rows.examples.size(); ++i) {
    rows.where.push_back(std::to_string(i));
    const Sequence wanted = sequences_of(expected["examples"])[i];
    const std::vector<uint32_t> one = {static_cast<uint32_t>(i)};
    const PackedBatch batch = make_batch(rows.examples, one);
    EXPECT_EQ(batch.ids, wanted.ids) << i;
    EXPECT_EQ(batch.labels, wanted.labels) << i;
  }
  SftObjective objective(golden.model, golden.lora, std::move(rows), {});
  TrainConfig config{.learning_rate = expected["learning_rate"], .max_steps = 10};
  config.per_device_train_batch_size = expected["per_device_train_batch_size"];
  config.gradient_accumulation_steps = expected["gradient_accumulation_steps"];
  config.max_length = 64;
  config.packing = false;
  config.max_grad_norm = expected["max_grad_norm"];
  config.optimizer.weight_decay = expected["weight_decay"];
  config.schedule.lr_scheduler_type = "linear";
  config.schedule.warmup_steps = expected["warmup_steps"];
  const std::vector<Tensor> before = golden.parameter_copies();
  Trainer trainer({golden.pool, best_kernels(), Precision::kExact}, objective, config);
  for (const json& wanted : expected["log"]) {
    const StepMetrics m = trainer.step();
    const double loss = wanted["loss"], grad_norm = wanted["grad_norm"];
    EXPECT_NEAR(m.loss, loss, kRelative * loss) << m.step;
    EXPECT_NEAR(m.grad_norm, grad_norm, kRelative * grad_norm) << m.step;
    EXPECT_NEAR(m.learning_rate, wanted["learning_rate"].get<double>(), 1e-12) << m.step;
  }
  EXPECT_TRUE(trainer.done());
  golden.expect_tensors("after", golden.parameter_copies(), before);
}

}  // namespace
}  // namespace ondol::train

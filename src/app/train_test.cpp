// `ondol train sft` on a tiny model: what is written, and that a run which was stopped ends with
// the bits of one that was not.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "app/embedded.h"
#include "app/train_config.h"
#include "app/train_test_support.h"
#include "base/files.h"
#include "models/adapter_file.h"
#include "train/memory_plan.h"

namespace ondol::app::testing {
namespace {

class Train : public ::testing::Test {
 protected:
  Train() {
    fields = short_run(folder.path());
    fields.lora_r = 2;
    fields.learning_rate = 1e-2;
  }

  TrainSummary run(const TrainFields& f, TrainJob job = {}, int threads = 2) const {
    Session session({folder.path() / "home"}, {.threads = threads});
    return train_run("sft", f, session, job);
  }

  // Interrupted and on another number of threads: the bits of the whole run.
  void expect_same_bits(const std::string& name, const TrainFields& f) {
    TrainFields whole = f, stopped = f;
    whole.output_dir = (folder.path() / (name + "-whole")).string();
    stopped.output_dir = (folder.path() / (name + "-stopped")).string();
    run(whole);
    StopAfter stop(4);
    EXPECT_THROW(run(stopped, {.progress = &stop}), Error) << name;
    run(stopped, {.resume = true}, 3);
    EXPECT_TRUE(weights(stopped.output_dir, 6) == weights(whole.output_dir, 6)) << name;
    EXPECT_EQ(read_file(fs::path(stopped.output_dir) / "checkpoint-6" / "optimizer.safetensors"),
              read_file(fs::path(whole.output_dir) / "checkpoint-6" / "optimizer.safetensors"))
        << name;
    ThreadPool pool(1);
    const Model model = load_model(f.model, pool);
    EXPECT_GT(load_adapter(fs::path(whole.output_dir) / "best", model).matrices(), 0) << name;
  }

  static std::string weights(const fs::path& run, int step) {
    return read_file(run / ("checkpoint-" + std::to_string(step)) / "adapter_model.safetensors");
  }

  TempFolder folder;
  TrainFields fields;
};

TEST_F(Train, LearnsWholeWeightsBesideTheAdapter) {
  fields.modules_to_save = {"embed_tokens", "model.norm"};
  expect_same_bits("saved", fields);
  const fs::path best = folder.path() / "saved-whole" / "best";
  ThreadPool pool(1);
  const LoadedAdapter adapter = load_adapter(best, load_model(fields.model, pool));
  ASSERT_EQ(adapter.saved.size(), 2U);
  // The generator of the recipe has the learned weights; the model's own does not take the adapter.
  Session session({folder.path() / "home"}, {.threads = 2});
  const GenerateRequest request{.prompt = RawText{"count 3 then"}, .tokens_max = 8};
  EXPECT_EQ(session.generator(fields.model, best).generate(request).usage.completion_tokens, 8);
  GenerateRequest wrong = request;
  wrong.adapter = session.adapter(fields.model, best);
  EXPECT_THROW(session.generator(fields.model).generate(wrong), Error);

  fields.modules_to_save = {"lm_head"};  // is the embedding
  EXPECT_THROW(run(fields), Error);
  fields.modules_to_save = {"q_proj"};
  EXPECT_THROW(run(fields), Error);
  fields.modules_to_save = {"crown"};
  EXPECT_THROW(run(fields), Error);
}

TEST(TrainPresets, AreSettingsOfTheirMethodAndSayTheirCommand) {
  ASSERT_GE(train_presets().size(), 8U);
  for (const EmbeddedFile& file : train_presets()) {
    const std::string method = fs::path(file.path).parent_path(), name = fs::path(file.path).stem();
    TrainFields fields = default_train_fields(method);
    const std::string before = train_toml(fields);
    read_train_preset(method, name, fields);
    EXPECT_TRUE(name == "lora" || train_toml(fields) != before) << file.path;
    EXPECT_NE(file.content.find("# ondol train " + method + " --preset " + name), std::string::npos)
        << file.path;
  }
  TrainFields fields;
  EXPECT_THROW(read_train_preset("sft", "lara", fields), Error);
  EXPECT_THROW(read_train_preset("embed", "lora", fields), Error);
}

TEST_F(Train, LearnsAndWritesAFolderThatPeftAndPeopleRead) {
  const TrainSummary done = run(fields);
  EXPECT_EQ(done.steps, 6);
  ASSERT_TRUE(done.first_eval && done.best_eval);
  EXPECT_LT(*done.best_eval, *done.first_eval - 0.1);
  const fs::path run_folder = fields.output_dir;
  for (const char* file : {"config.toml", "env.json", "metrics.jsonl", "report.html",
                           "best/adapter_config.json", "best/trainer_state.json"}) {
    EXPECT_TRUE(fs::exists(run_folder / file)) << file;
  }
  TrainFields again;
  read_train_config(read_file(run_folder / "config.toml"), "config.toml", again);
  EXPECT_EQ(train_toml(again), train_toml(fields));
  ThreadPool pool(1);
  const Model model = load_model(fields.model, pool);
  EXPECT_EQ(load_adapter(run_folder / "best", model).matrices(),
            static_cast<int64_t>(model.linears.size()));
}

TEST_F(Train, StoppedAndResumedEndsWithTheSameBits) {
  run(fields);
  const std::string whole = weights(fields.output_dir, 6);
  TrainFields other = fields;
  other.output_dir = (folder.path() / "stopped").string();
  StopAfter stop(4);
  EXPECT_THROW(run(other, {.progress = &stop}), Error);
  EXPECT_TRUE(fs::exists(fs::path(other.output_dir) / "checkpoint-4"));
  run(other, {.resume = true});
  EXPECT_TRUE(weights(other.output_dir, 6) == whole);
  EXPECT_EQ(read_file(fs::path(other.output_dir) / "checkpoint-6" / "optimizer.safetensors"),
            read_file(fs::path(fields.output_dir) / "checkpoint-6" / "optimizer.safetensors"));
}

TEST_F(Train, VariantsOfAdaptersStopAndResumeToTheSameBits) {
  fields.lora_r = 4;
  fields.gradient_accumulation_steps = 2;
  TrainFields f = fields;
  f.use_dora = true;
  f.loraplus_lr_ratio = 4;
  expect_same_bits("dora", f);
  f = fields;
  f.init_lora_weights = "pissa_niter_4";
  f.use_rslora = true;
  expect_same_bits("pissa", f);
  f = fields;
  f.lora_dropout = 0.2;
  f.neftune_noise_alpha = 5;
  f.rank_pattern = {"q_proj=2", "mlp.up_proj=3"};
  f.alpha_pattern = {"q_proj=1.5"};
  expect_same_bits("noise", f);
}

TEST_F(Train, RecomputationChangesNoBitNorDoesAnotherLevelAfterAStop) {
  fields.lora_r = 4;
  fields.lora_dropout = 0.2;
  fields.gradient_accumulation_steps = 2;
  fields.gradient_checkpointing = "off";
  run(fields);
  const std::string kept = weights(fields.output_dir, 6);
  for (const char* level : {"attention", "layers", "auto"}) {
    TrainFields f = fields;
    f.output_dir += level;
    f.gradient_checkpointing = level;
    StopAfter stop(4);
    EXPECT_THROW(run(f, {.progress = &stop}), Error) << level;
    f.gradient_checkpointing = "layers";
    run(f, {.resume = true}, 1);
    EXPECT_TRUE(weights(f.output_dir, 6) == kept) << level;
  }
}

TEST_F(Train, AutoTakesTheLeastLevelThatFits) {
  ThreadPool pool(1);
  const Model model = load_model(fields.model, pool);
  const train::Lora lora = train::make_lora(model.linears, {.r = 2, .lora_alpha = 32});
  const auto needed = [&](ops::Recompute level) {
    return train::plan_memory(model, lora, nullptr, {.tokens = 64, .recompute = level}).to_come();
  };
  const auto words_with = [&](int64_t memory, const std::string& level) {
    TrainFields f = fields;
    f.output_dir += std::to_string(memory) + level;
    f.gradient_checkpointing = level;
    std::string said;
    run(f, {.memory_bytes = memory, .on_words = [&](const std::string& words) { said += words; }});
    return said;
  };
  const int64_t off = needed(ops::Recompute::kOff), part = needed(ops::Recompute::kAttention),
                whole = needed(ops::Recompute::kLayers);
  EXPECT_EQ(words_with(off, "auto").find("again"), std::string::npos);
  EXPECT_NE(words_with(off - 1, "auto").find("(attention computed again)"), std::string::npos);
  EXPECT_NE(words_with(part - 1, "auto").find("(layers computed again)"), std::string::npos);
  EXPECT_NE(words_with(off, "layers").find("(layers computed again)"), std::string::npos);
  const auto refusal = [&](int64_t memory, const std::string& level) -> std::string {
    try {
      words_with(memory, level);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string option = "--gradient-checkpointing layers";
  EXPECT_NE(refusal(off - 1, "off").find(option), std::string::npos);
  const std::string hopeless = refusal(whole - 1, "auto");
  EXPECT_NE(hopeless.find("--max-length 32"), std::string::npos) << hopeless;
  EXPECT_EQ(hopeless.find(option), std::string::npos) << hopeless;
  EXPECT_NE(refusal(off, "some").find("expected off, attention, layers or auto"),
            std::string::npos);
}

TEST_F(Train, NoiseIsOfTrainingAloneAndPatternsAreKept) {
  std::vector<double> first;
  const auto losses = [&](const TrainFields& f, std::vector<double>& evals) {
    double loss = 0;
    run(f, {.on_metrics = [&](const train::LogEntry& entry) {
          for (const auto& [name, value] : entry.values) {
            if (name == "loss" && loss == 0) loss = value;
            if (name == "eval_loss") evals.push_back(value);
          }
        }});
    return loss;
  };
  TrainFields f = fields;
  std::vector<double> evals[2];
  const double quiet = losses(f, evals[0]);
  f.output_dir += "-noise";
  f.neftune_noise_alpha = 30;
  f.rank_pattern = {"q_proj=3"};
  f.lora_dropout = 0.1;
  const double noisy = losses(f, evals[1]);
  EXPECT_GT(std::abs(noisy - quiet), 0.01);       // up is zero: only the embeddings' noise counts
  EXPECT_EQ(evals[0].front(), evals[1].front());  // before the first step
  TrainFields read;
  read_train_config("rank_pattern = { q_proj = 3 }\nalpha_pattern = {\"mlp.up_proj\" = 2.5}",
                    "a.toml", read);
  EXPECT_EQ(read.rank_pattern, f.rank_pattern);
  EXPECT_EQ(read.alpha_pattern, std::vector<std::string>{"mlp.up_proj=2.5"});
  ThreadPool pool(1);
  const Model model = load_model(f.model, pool);
  const LoadedAdapter loaded = load_adapter(fs::path(f.output_dir) / "best", model);
  for (size_t i = 0; i < model.linears.size(); ++i) {
    const bool query = model.linears[i].module.ends_with("q_proj");
    EXPECT_EQ(loaded.adapter.by_slot[i].down.dim(1), query ? 3 : 2);
  }
}

TEST_F(Train, EightMicroBatchesOfOneAreOneOfEight) {
  fields.packing = false;
  fields.max_steps = 2;
  fields.save_steps = 2;
  fields.per_device_train_batch_size = 8;
  std::vector<double> losses[2];
  for (const bool split : {false, true}) {
    TrainFields f = fields;
    f.output_dir += split ? "-split" : "-whole";
    if (split) f.per_device_train_batch_size = 1, f.gradient_accumulation_steps = 8;
    run(f, {.on_metrics = [&](const train::LogEntry& entry) {
          for (const auto& [name, value] : entry.values) {
            if (name == "loss" || name == "grad_norm") losses[split].push_back(value);
          }
        }});
  }
  ASSERT_EQ(losses[0].size(), losses[1].size());
  for (size_t i = 0; i < losses[0].size(); ++i) {
    EXPECT_NEAR(losses[0][i], losses[1][i], 1e-4 * losses[0][i]) << i;
  }
}

TEST_F(Train, WrongSettingsSayWhatAndTheNearest) {
  const auto message = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  TrainFields f;
  EXPECT_NE(
      message([&] { read_train_config("learning_rat = 1", "a.toml", f); }).find("'learning_rate'"),
      std::string::npos);
  EXPECT_NE(message([&] { read_train_config("packing = 3", "a.toml", f); }).find("true or false"),
            std::string::npos);
  const std::vector<std::string> word{"much"};
  EXPECT_NE(message([&] { set_train_field(f, "learning_rate", word); }).find("a number"),
            std::string::npos);
  const auto refused = [&](auto member, auto value, const char* part) {
    TrainFields wrong = fields;
    wrong.*member = value;
    const std::string text = message([&] { run(wrong); });
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  using Texts = std::vector<std::string>;
  refused(&TrainFields::rank_pattern, Texts{"q_proj"}, "q_proj=8");
  refused(&TrainFields::rank_pattern, Texts{"q_proj=2.5"}, "rank_pattern; got 'q_proj=2.5'");
  refused(&TrainFields::rank_pattern, Texts{"q_(=2"}, "no regular expression");
  refused(&TrainFields::init_lora_weights, std::string("pissa_niter_x"), "pissa_niter_");
  refused(&TrainFields::lora_dropout, 1.0, "lora_dropout; got 1");
  fields.use_dora = true;
  refused(&TrainFields::lora_dropout, 0.1, "try lora_dropout = 0");
  refused(&TrainFields::init_lora_weights, std::string("pissa"), "one of the two");
  fields.target_modules = {"q_prox"};
  EXPECT_NE(message([&] { run(fields); }).find("q_proj"), std::string::npos);
}

TEST_F(Train, TheBestStepHasACheckpointWhereverItFalls) {
  fields.eval_steps = 1;
  fields.save_steps = 5;
  fields.save_total_limit = 1;
  fields.learning_rate = 3;  // soon worse than at the beginning
  const TrainSummary done = run(fields);
  const fs::path best = fs::path(fields.output_dir) / "best";
  ASSERT_TRUE(fs::exists(best / "adapter_model.safetensors"));
  EXPECT_EQ(fs::read_symlink(best), "checkpoint-" + std::to_string(done.best_step));
  EXPECT_GE(done.best_step, 1);
}

TEST_F(Train, WithoutValidationTheLastAdapterIsNamed) {
  fields.validation_split = 0;
  const TrainSummary done = run(fields);
  EXPECT_FALSE(done.best_eval);
  EXPECT_EQ(done.adapter.filename(), "checkpoint-6");
  EXPECT_TRUE(fs::exists(done.adapter / "adapter_model.safetensors"));
}

TEST_F(Train, LossSettingsThatDisagreeAreRefused) {
  fields.completion_only_loss = false;
  EXPECT_THROW(run(fields), Error);
}

TEST_F(Train, ASecondRunInTheSameFolderIsRefused) {
  run(fields);
  try {
    run(fields);
    FAIL() << "ran again";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace ondol::app::testing

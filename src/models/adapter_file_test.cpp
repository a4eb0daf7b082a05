// Adapters in files: values against PEFT's (tools/golden/peft.py) and round trips.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "io/gguf.h"
#include "io/safetensors.h"
#include "models/adapter_test_support.h"

namespace ondol::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

// A change of a config's text by one of its values.
std::function<std::string(const std::string&)> edited(const std::function<void(json&)>& change) {
  return [change](const std::string& text) {
    json config = json::parse(text);
    change(config);
    return config.dump();
  };
}

class AdapterGoldens : public AdapterFiles {
 protected:
  void expect_golden(const Model& model, const std::filesystem::path& path,
                     const std::string& golden) {
    const LoadedAdapter loaded = load_adapter(path, model);
    const json expected = json::parse(read_file(golden_adapter(golden) / "expected.json"));
    const Ids ids = expected["ids"].get<Ids>();
    const Tensor values = logits(model, ids, &loaded.adapter);
    for (const nlohmann::json& row : expected["logits"]) {
      const std::vector<float> wanted = row["values"];
      EXPECT_LT(largest_difference(values.row(row["position"]), wanted), kTolerance)
          << path << " position " << row["position"];
    }
  }
};

TEST_F(AdapterGoldens, LogitsAreThoseOfPeft) {
  for (const Model* model : {&folder_model, &gguf_model}) {
    for (const char* name : {"plain", "rslora", "dora"}) {
      expect_golden(*model, golden_adapter(name), name);
    }
    expect_golden(*model, golden_adapter("plain") / "adapter.gguf", "plain");
  }
}

TEST_F(AdapterFiles, OneAdapterHasOneHash) {
  const std::string hash = load_adapter(golden_adapter("plain"), folder_model).hash;
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_EQ(load_adapter(golden_adapter("plain"), gguf_model).hash, hash);
  EXPECT_EQ(load_adapter(golden_adapter("plain") / "adapter.gguf", folder_model).hash, hash);
  EXPECT_EQ(load_adapter(golden_adapter("plain") / "adapter.gguf", gguf_model).hash, hash);
  EXPECT_NE(load_adapter(golden_adapter("rslora"), folder_model).hash, hash);
  const fs::path louder = changed("plain", edited([](json& config) { config["lora_alpha"] = 7; }));
  EXPECT_NE(load_adapter(louder, folder_model).hash, hash);
}

TEST_F(AdapterFiles, SaysWhatItHolds) {
  const LoadedAdapter loaded = load_adapter(golden_adapter("rslora"), gguf_model);
  EXPECT_EQ(loaded.matrices(), 6);
  EXPECT_EQ(loaded.rank_max(), 6);
  EXPECT_TRUE(loaded.use_rslora);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.model_hash, gguf_model.hash);
  for (size_t i = 0; i < gguf_model.linears.size(); ++i) {
    const ops::LowRank& pair = loaded.adapter.by_slot[i];
    const std::string& module = gguf_model.linears[i].module;
    if (module == "model.layers.0.self_attn.k_proj") {
      EXPECT_EQ(pair.down.dim(1), 2);
      EXPECT_EQ(pair.scale, static_cast<float>(8 / std::sqrt(2.0)));
    }
    if (module == "model.layers.1.mlp.up_proj") {
      EXPECT_EQ(pair.down.dim(1), 6);
      EXPECT_EQ(pair.scale, static_cast<float>(3 / std::sqrt(6.0)));
    }
    if (module.ends_with("down_proj")) {
      EXPECT_FALSE(pair.down.defined());
    }
  }
}

TEST_F(AdapterFiles, WhatIsWrittenIsReadBackTheSame) {
  for (const Model* model : {&folder_model, &gguf_model}) {
    for (const char* name : {"plain", "rslora", "dora"}) {
      const LoadedAdapter loaded = load_adapter(golden_adapter(name), *model);
      for (const bool rslora : {false, true}) {
        const fs::path out = scratch / "written";
        write_peft_adapter(out, *model, loaded.adapter,
                           {.use_rslora = rslora, .base_model = "org/base"});
        const LoadedAdapter again = load_adapter(out, gguf_model);
        EXPECT_EQ(again.hash, loaded.hash) << name << " rslora " << rslora;
        EXPECT_EQ(again.use_rslora, rslora);
        EXPECT_EQ(again.base_model, "org/base");
        EXPECT_TRUE(again.warnings.empty());
      }
    }
  }
}

TEST_F(AdapterFiles, MagnitudesAreOfTheHashAndOfPeftAlone) {
  LoadedAdapter dora = load_adapter(golden_adapter("dora"), gguf_model);
  EXPECT_EQ(load_adapter(golden_adapter("dora"), folder_model).hash, dora.hash);
  write_peft_adapter(scratch / "dora", gguf_model, dora.adapter, {});
  const json config = json::parse(read_file(scratch / "dora" / "adapter_config.json"));
  EXPECT_EQ(config["use_dora"], true);
  EXPECT_THROW(write_gguf_adapter(scratch / "dora.gguf", gguf_model, dora.adapter), Error);
  ops::LowRank& pair = *std::ranges::find_if(
      dora.adapter.by_slot, [](const ops::LowRank& p) { return p.magnitude.defined(); });
  pair.magnitude = Tensor();
  EXPECT_NE(adapter_hash(gguf_model.linears, dora.adapter), dora.hash);
  EXPECT_THROW(write_peft_adapter(scratch / "mixed", gguf_model, dora.adapter, {}), Error);
}

// A sequence's adapter is its own: rows of a mixed batch have the bits that they have alone.
TEST_F(AdapterFiles, MagnitudesTouchNoOtherSequence) {
  const LoadedAdapter dora = load_adapter(golden_adapter("dora"), gguf_model);
  const LoadedAdapter plain = load_adapter(golden_adapter("plain"), gguf_model);
  const Adapter* adapters[] = {&dora.adapter, nullptr, &plain.adapter, &dora.adapter};
  for (const Precision precision : {Precision::kExact, Precision::kFast}) {
    const ops::Context context{pool, best_kernels(), precision};
    const auto forward = [&](size_t first, size_t last) {
      Ids ids;
      const auto kv = make_pool(gguf_model, 64, 4);
      std::vector<std::unique_ptr<TestSequence>> sequences;
      SequenceBatch batch{{}, kv.get()};
      for (size_t s = first; s < last; ++s) {
        sequences.push_back(std::make_unique<TestSequence>(*kv, 20));
        batch.sequences.push_back(sequences.back()->next(static_cast<int64_t>(ids.size()), 9));
        batch.sequences.back().adapter = adapters[s];
        for (int t = 0; t < 9; ++t) ids.push_back(static_cast<text::TokenId>(s * 31 + t * 7 + 3));
      }
      return gguf_model.decoder->forward(context, ids, batch);
    };
    const Tensor together = forward(0, 4);
    for (size_t s = 0; s < 4; ++s) {
      const auto row = static_cast<int64_t>(9 * s);
      EXPECT_TRUE(same_bits(together.rows(row, row + 9), forward(s, s + 1))) << s;
    }
  }
}

TEST_F(AdapterFiles, TheConfigIsWrittenAsPeftDoes) {
  const LoadedAdapter loaded = load_adapter(golden_adapter("rslora"), gguf_model);
  write_peft_adapter(scratch / "out", gguf_model, loaded.adapter, {.use_rslora = true});
  const json config = json::parse(read_file(scratch / "out" / "adapter_config.json"));
  const json golden = json::parse(read_file(golden_adapter("rslora") / "adapter_config.json"));
  for (const char* key : {"peft_type", "task_type", "r", "lora_alpha", "use_rslora", "bias",
                          "inference_mode", "fan_in_fan_out", "alpha_pattern"}) {
    EXPECT_EQ(config[key], golden[key]) << key;
  }
  EXPECT_EQ(config["target_modules"], json({"k_proj", "q_proj", "up_proj"}));
  EXPECT_EQ(
      config["rank_pattern"],
      json({{"k_proj", 2}, {"model.layers.0.mlp.up_proj", 4}, {"model.layers.1.mlp.up_proj", 6}}));
  const auto golden_file =
      io::SafetensorsFile::open(golden_adapter("rslora") / "adapter_model.safetensors");
  const auto file = io::SafetensorsFile::open(scratch / "out" / "adapter_model.safetensors");
  ASSERT_EQ(file.tensors().size(), golden_file.tensors().size());
  for (const io::TensorInfo& tensor : golden_file.tensors()) {
    EXPECT_EQ(file.read_f32(tensor.name), golden_file.read_f32(tensor.name)) << tensor.name;
  }
}

TEST_F(AdapterGoldens, GgufFoldsPatternsSoThatOneAlphaServes) {
  for (const char* name : {"plain", "rslora"}) {
    const LoadedAdapter loaded = load_adapter(golden_adapter(name), folder_model);
    const fs::path out = scratch / (std::string(name) + ".gguf");
    write_gguf_adapter(out, folder_model, loaded.adapter);
    expect_golden(folder_model, out, name);
    expect_golden(gguf_model, out, name);
  }
  // What llama.cpp computes: alpha / rank, one alpha.
  const io::GgufFile file = io::GgufFile::open(scratch / "plain.gguf");
  EXPECT_EQ(file.metadata().require_f64("adapter.lora.alpha"), 6);
  EXPECT_EQ(file.metadata().require_string("general.type"), "adapter");
  EXPECT_EQ(file.metadata().require_string("general.architecture"), "llama");
  const io::GgufFile golden = io::GgufFile::open(golden_adapter("plain") / "adapter.gguf");
  ASSERT_EQ(file.tensors().size(), golden.tensors().size());
  for (const io::TensorInfo& tensor : golden.tensors()) {
    EXPECT_EQ(file.read_f32(tensor.name), golden.read_f32(tensor.name)) << tensor.name;
  }
}

TEST_F(AdapterFiles, TargetsAreWholeNamesWhereALayerHasNone) {
  Adapter some = load_adapter(golden_adapter("plain"), folder_model).adapter;
  size_t kept = 0;
  for (size_t i = 0; i < some.by_slot.size(); ++i) {
    const bool keep = folder_model.linears[i].module == "model.layers.1.mlp.up_proj";
    kept += keep;
    if (!keep) some.by_slot[i] = {};
  }
  ASSERT_EQ(kept, 1U);
  write_peft_adapter(scratch / "one", folder_model, some, {});
  const json config = json::parse(read_file(scratch / "one" / "adapter_config.json"));
  EXPECT_EQ(config["target_modules"], json::array({"model.layers.1.mlp.up_proj"}));
  const LoadedAdapter loaded = load_adapter(scratch / "one", folder_model);
  EXPECT_EQ(loaded.matrices(), 1);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.hash, adapter_hash(folder_model.linears, some));
}

TEST_F(AdapterFiles, ANewAdapterReplacesTheOldOneAndNothingElse) {
  const fs::path out = scratch / "best";
  const LoadedAdapter first = load_adapter(golden_adapter("plain"), folder_model);
  const LoadedAdapter second = load_adapter(golden_adapter("rslora"), folder_model);
  write_peft_adapter(out, folder_model, first.adapter, {});
  write_file_atomic(out / "notes.txt", "mine");
  write_peft_adapter(out, folder_model, second.adapter, {});
  EXPECT_EQ(load_adapter(out, folder_model).hash, second.hash);
  EXPECT_EQ(read_file(out / "notes.txt"), "mine");
  size_t left = 0;
  for (const auto& entry : fs::directory_iterator(scratch)) left += entry.is_directory();
  EXPECT_EQ(left, 1U);
}

TEST_F(AdapterFiles, UnknownKeysAndMissingModulesAreWarnings) {
  const fs::path path = changed("rslora", edited([](json& config) {
                                  config["use_new_thing"] = true;
                                  config["another"] = nullptr;
                                  config["target_modules"].push_back("v_proj");
                                }));
  const LoadedAdapter loaded = load_adapter(path, folder_model);
  ASSERT_EQ(loaded.warnings.size(), 2U);
  EXPECT_THAT(loaded.warnings[0], HasSubstr("'use_new_thing' = true"));
  EXPECT_THAT(loaded.warnings[1], HasSubstr("names 2 linears"));
  EXPECT_THAT(loaded.warnings[1], HasSubstr("model.layers.0.self_attn.v_proj"));
}

}  // namespace
}  // namespace ondol::testing

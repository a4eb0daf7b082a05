// Whole weights beside the matrices of an adapter: PEFT's modules_to_save.
#include "models/adapter_saved.h"

#include <nlohmann/json.hpp>

#include "models/adapter_merge.h"
#include "models/adapter_test_support.h"

namespace ondol::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class SavedWeights : public AdapterFiles {
 protected:
  // The model with what the adapter saved, in f32.
  Model own(const std::string& base, const LoadedAdapter& adapter) {
    Model model = tiny(base, pool);
    put_saved(model, adapter, WeightForm::kF32, pool);
    return model;
  }

  static Ids ids_of(const std::string& golden) {
    return json::parse(read_file(golden_adapter(golden) / "expected.json"))["ids"].get<Ids>();
  }

  static fs::path base_path(const std::string& name) {
    const fs::path folder = golden_dir() / "models" / name;
    return fs::exists(folder / "model.gguf") ? folder / "model.gguf" : folder;
  }

  float largest(const Tensor& a, const Tensor& b) {
    const auto count = static_cast<size_t>(a.size());
    return largest_difference({a.data(), count}, {b.data(), count});
  }

  struct Case {
    const char* golden;
    const char* base;
  };
  static constexpr Case kCases[] = {{"saved", "llama3_untied"},
                                    {"saved_tied", "llama_tied"},
                                    {"saved_tied", "llama_tied_f32_gguf"}};
};

TEST_F(SavedWeights, LogitsAreThoseOfPeft) {
  for (const auto& [golden, base] : kCases) {
    const LoadedAdapter adapter = load_adapter(golden_adapter(golden), tiny(base, pool));
    const Model model = own(base, adapter);
    EXPECT_EQ(model.hash, adapter.model_hash);
    EXPECT_NE(model.hash, tiny(base, pool).hash);
    const json expected = json::parse(read_file(golden_adapter(golden) / "expected.json"));
    const Tensor values = logits(model, ids_of(golden), &adapter.adapter);
    for (const json& row : expected["logits"]) {
      const std::vector<float> wanted = row["values"];
      EXPECT_LT(largest_difference(values.row(row["position"]), wanted), kTolerance)
          << golden << " on " << base << " position " << row["position"];
    }
  }
}

TEST_F(SavedWeights, AreWrittenAsTheyWereRead) {
  for (const auto& [golden, base] : kCases) {
    const Model model = tiny(base, pool);
    const LoadedAdapter adapter = load_adapter(golden_adapter(golden), model);
    const fs::path folder = scratch / (std::string(golden) + base);
    write_peft_adapter(folder, model, adapter.adapter, {.saved = adapter.saved});
    const LoadedAdapter again = load_adapter(folder, model);
    EXPECT_EQ(again.hash, adapter.hash);
    EXPECT_EQ(again.saved.size(), adapter.saved.size());
    // Matrices alone are another adapter.
    EXPECT_NE(adapter.hash, adapter_hash(model.linears, adapter.adapter));
  }
}

TEST_F(SavedWeights, AreMergedIntoBothFormats) {
  for (const auto& [golden, base] : kCases) {
    const LoadedAdapter adapter = load_adapter(golden_adapter(golden), tiny(base, pool));
    const Model unmerged = own(base, adapter);
    fs::path out = scratch / (std::string("merged_") + base);
    if (base_path(base).extension() == ".gguf") out += ".gguf";
    merge_adapter(base_path(base), tiny(base, pool), adapter, out, DType::kF32);
    const Ids ids = ids_of(golden);
    const Tensor wanted = logits(unmerged, ids, &adapter.adapter);
    EXPECT_LT(largest(logits(load_model(out, pool), ids, nullptr), wanted), 1e-4F) << base;
    EXPECT_GT(largest(logits(tiny(base, pool), ids, &adapter.adapter), wanted), 0.1F) << base;
  }
}

TEST_F(SavedWeights, Int8IsNear) {
  const LoadedAdapter adapter = load_adapter(golden_adapter("saved"), tiny("llama3_untied", pool));
  Model rounded = tiny("llama3_untied", pool);
  put_saved(rounded, adapter, WeightForm::kInt8, pool);
  const Ids ids = ids_of("saved");
  const Tensor exact = logits(own("llama3_untied", adapter), ids, &adapter.adapter);
  const float off = largest(logits(rounded, ids, &adapter.adapter), exact);
  EXPECT_GT(off, 0);
  EXPECT_LT(off, 0.5F);  // logits change by 17
}

TEST_F(SavedWeights, WhatDoesNotFitIsRefused) {
  const auto edit = [&](const char* golden, const std::function<void(json&)>& change) {
    return changed(golden, [&](const std::string& text) {
      json config = json::parse(text);
      change(config);
      return config.dump();
    });
  };
  expect_error(edit("saved_tied", [](json& c) { c["ensure_weight_tying"] = false; }), folder_model,
               ErrorCode::kUnsupported, {"lm_head.weight", "modules_to_save"});
  expect_error(edit("saved", [](json& c) { c["modules_to_save"] = {"lm_head"}; }),
               tiny("llama3_untied", pool), ErrorCode::kUnsupported, {"model.norm.weight"});
  expect_error(edit("saved", [](json& c) { c["modules_to_save"].push_back("score"); }),
               tiny("llama3_untied", pool), ErrorCode::kCorruptData, {"'score'"});
  expect_error(edit("saved", [](json& c) { c["modules_to_save"] = 3; }),
               tiny("llama3_untied", pool), ErrorCode::kCorruptData, {"got 3"});
  expect_error(golden_adapter("saved"), folder_model, ErrorCode::kUnsupported, {"parts"});

  const auto refuse = [&](const char* name, const Shape& shape, const char* why) {
    LoadedAdapter adapter;
    adapter.saved.emplace_back(name, Tensor::zeros(DType::kF32, shape));
    Model model = tiny("llama3_untied", pool);
    try {
      put_saved(model, adapter, WeightForm::kF32, pool);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(why)) << name;
    }
  };
  refuse("model.embed_tokens.bias", {64}, "none of this name");
  refuse("model.norm.weight", {63}, "got shape");
  refuse("model.layers.0.self_attn.q_proj.weight", {64, 64}, "expected an embedding");
}

}  // namespace
}  // namespace ondol::testing

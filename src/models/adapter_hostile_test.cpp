// Adapter files that break their format, ask for what is not applied here, or are of another model.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "io/gguf_writer.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
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

TEST_F(AdapterFiles, WhatWouldChangeTheResultIsRefused) {
  const struct {
    const char* key;
    json value;
  } rows[] = {{"bias", "lora_only"},
              {"lora_bias", true},
              {"fan_in_fan_out", true},
              {"layer_replication", {{0, 2}}},
              {"alora_invocation_tokens", {1, 2}},
              {"init_lora_weights", "pissa"},
              {"peft_type", "IA3"}};
  for (const auto& row : rows) {
    const fs::path path =
        changed("plain", edited([&](json& config) { config[row.key] = row.value; }));
    expect_error(path, folder_model, ErrorCode::kUnsupported,
                 {"adapter_config.json", row.key, "got", "expected", "try merging"});
  }
}

TEST_F(AdapterFiles, WrongConfigsAreErrors) {
  const auto expect = [&](const std::function<void(json&)>& change,
                          std::initializer_list<const char*> parts) {
    expect_error(changed("plain", edited(change)), folder_model, ErrorCode::kCorruptData, parts);
  };
  expect([](json& c) { c["r"] = 0; }, {"r; got 0"});
  expect([](json& c) { c["r"] = "4"; }, {"r; got \"4\""});
  expect([](json& c) { c["r"] = 5; }, {"got rank 4, expected 5"});
  expect([](json& c) { c.erase("r"); }, {"r; got null"});
  expect([](json& c) { c["lora_alpha"] = nullptr; }, {"lora_alpha; got null"});
  expect([](json& c) { c["use_rslora"] = 3; }, {"use_rslora; got 3"});
  expect([](json& c) { c["rank_pattern"] = {{"q_proj", 8}}; }, {"q_proj", "rank 4, expected 8"});
  expect([](json& c) { c["rank_pattern"] = {{"q_(", 8}}; }, {"rank_pattern", "regular expression"});
  expect([](json& c) { c["rank_pattern"] = {{std::string(600, 'a'), 8}}; }, {"too long"});
  expect([](json& c) { c["alpha_pattern"] = {{"q_proj", "x"}}; }, {"alpha_pattern; got \"x\""});
  // A pattern that backtracks would take years.
  const fs::path slow =
      changed("plain", edited([](json& c) {
                c["rank_pattern"] = {{"(a|l|m|o|d|e|.|..|...)*(a|.|..)*(a|.|..)*X", 4}};
              }));
  EXPECT_EQ(load_adapter(slow, folder_model).matrices(), 14);
  write_file_atomic(slow / "adapter_config.json", "[1, 2");
  expect_error(slow, folder_model, ErrorCode::kCorruptData, {"no JSON object"});
}

// A PEFT folder with the tensors of the plain golden, some of them changed.
class HostileTensors : public AdapterFiles {
 protected:
  struct Entry {
    Shape shape;
    std::vector<float> values;
  };
  HostileTensors() {
    const auto file =
        io::SafetensorsFile::open(golden_adapter("plain") / "adapter_model.safetensors");
    for (const io::TensorInfo& tensor : file.tensors()) {
      entries[tensor.name] = {tensor.shape, file.read_f32(tensor.name)};
    }
  }
  fs::path write() {
    const fs::path path = changed("plain", edited([](json&) {}));
    io::SafetensorsWriter writer;
    for (const auto& [name, entry] : entries) {
      writer.add_tensor(name, DType::kF32, entry.shape,
                        std::as_bytes(std::span<const float>(entry.values)));
    }
    writer.write(path / "adapter_model.safetensors");
    return path;
  }
  Entry& q(const char* half) {
    return entries["base_model.model.model.layers.0.self_attn.q_proj.lora_" + std::string(half) +
                   ".weight"];
  }
  void expect(ErrorCode code, std::initializer_list<const char*> parts) {
    expect_error(write(), folder_model, code, parts);
  }
  std::map<std::string, Entry> entries;
};

TEST_F(HostileTensors, NumbersThatAreNone) {
  q("B").values[17] = std::numeric_limits<float>::quiet_NaN();
  expect(ErrorCode::kCorruptData, {"layers.0.self_attn.q_proj.lora_B.weight", "element 17", "nan"});
  q("B").values[17] = std::numeric_limits<float>::infinity();
  expect(ErrorCode::kCorruptData, {"element 17", "inf"});
}

TEST_F(HostileTensors, MissingHalves) {
  entries.erase("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  expect(ErrorCode::kCorruptData, {"q_proj.lora_B.weight", "stands alone", "lora_A"});
  entries.clear();
  expect(ErrorCode::kCorruptData, {"no matrices"});
}

TEST_F(HostileTensors, Magnitudes) {
  const std::string name = "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector";
  entries[name] = {{64}, std::vector<float>(64, 1.0F)};
  expect(ErrorCode::kCorruptData, {"lora_magnitude_vector", "q_proj", "got one, expected none"});
  entries[name] = {{63}, std::vector<float>(63, 1.0F)};
  expect(ErrorCode::kCorruptData, {"got shape [63], expected [64]"});
  entries[name] = {{64}, std::vector<float>(64, std::nanf(""))};
  expect(ErrorCode::kCorruptData, {"element 0", "nan"});
  entries.erase(name);
  entries["base_model.model.model.layers.0.self_attn.q_proj_x.lora_magnitude_vector"] = {
      {64}, std::vector<float>(64, 1.0F)};
  expect(ErrorCode::kInvalidArgument, {"q_proj_x", "another model"});
}

TEST_F(AdapterFiles, DoraWithoutMagnitudes) {
  const fs::path path = changed("plain", edited([](json& c) { c["use_dora"] = true; }));
  expect_error(path, folder_model, ErrorCode::kCorruptData, {"got none, expected one", "use_dora"});
  expect_error(changed("plain", edited([](json& c) { c["use_dora"] = "x"; })), folder_model,
               ErrorCode::kCorruptData, {"use_dora; got"});
}

TEST_F(HostileTensors, ShapesAndRanks) {
  q("A") = {{5, 64}, std::vector<float>(320)};
  expect(ErrorCode::kCorruptData, {"[5, 64] and [64, 4]"});
  q("A") = {{256}, std::vector<float>(256)};
  expect(ErrorCode::kCorruptData, {"got shape [256], expected a matrix"});
  q("A") = {{0, 64}, {}};
  expect(ErrorCode::kCorruptData, {"got shape [0, 64]"});
  q("A") = {{4, 72}, std::vector<float>(288)};
  expect(ErrorCode::kInvalidArgument,
         {"q_proj.lora_A.weight", "[4, 72], expected [rank, 64]", "another model"});
}

TEST_F(HostileTensors, NamesOfNothingHere) {
  const Entry matrix{{4, 64}, std::vector<float>(256)};
  const auto with = [&](const char* name, ErrorCode code,
                        std::initializer_list<const char*> parts) {
    entries[name] = matrix;
    expect(code, parts);
    entries.erase(name);
  };
  with("base_model.model.model.layers.7.mlp.up_proj.lora_A.weight", ErrorCode::kInvalidArgument,
       {"layers.7.mlp.up_proj", "llama, 2 layers of 64", "another model"});
  with("base_model.model.lm_head.lora_A.weight", ErrorCode::kUnsupported, {"output head"});
  with("base_model.model.model.embed_tokens.lora_embedding_A", ErrorCode::kUnsupported,
       {"embedding"});
  with("base_model.model.lm_head.weight", ErrorCode::kUnsupported, {"whole weight"});
  with("model.norm.weight", ErrorCode::kCorruptData, {"not of an adapter"});
  with("base_model.model.layers.0.self_attn.q_proj.lora_A.weight", ErrorCode::kCorruptData,
       {"are of one linear"});
}

TEST_F(AdapterFiles, FilesThatAreNoAdapter) {
  expect_error(scratch / "nothing", folder_model, ErrorCode::kNotFound, {"there is no"});
  expect_error(scratch, folder_model, ErrorCode::kNotFound, {"no adapter_config.json"});
  write_file_atomic(scratch / "half" / "adapter_config.json", "{}");
  write_file_atomic(scratch / "half" / "adapter_model.bin", "x");
  expect_error(scratch / "half", folder_model, ErrorCode::kNotFound, {"safetensors", "never read"});
  write_file_atomic(scratch / "a.txt", "x");
  expect_error(scratch / "a.txt", folder_model, ErrorCode::kNotFound, {"is no adapter"});
  expect_error(golden_dir() / "models" / "llama_tied_f32_gguf" / "model.gguf", folder_model,
               ErrorCode::kCorruptData, {"general.type"});
  const Model bert = tiny("bert", pool);
  expect_error(golden_adapter("plain") / "adapter.gguf", bert, ErrorCode::kInvalidArgument,
               {"general.architecture; got 'llama', expected 'bert'"});
  expect_error(golden_adapter("plain"), bert, ErrorCode::kInvalidArgument, {"another model"});
}

TEST_F(AdapterFiles, HostileGgufAdapters) {
  const std::vector<float> zeros(256);
  const auto write = [&](const std::function<void(io::GgufWriter&)>& fill,
                         const char* type = "lora", float alpha = 4) {
    io::GgufWriter writer;
    writer.set_string("general.architecture", "llama");
    writer.set_string("general.type", "adapter");
    writer.set_string("adapter.type", type);
    writer.set<float>("adapter.lora.alpha", alpha);
    fill(writer);
    writer.write(scratch / "a.gguf");
    return scratch / "a.gguf";
  };
  const auto add = [&](io::GgufWriter& writer, const char* name, Shape shape) {
    writer.add_tensor(name, DType::kF32, shape, std::as_bytes(std::span<const float>(zeros)));
  };
  const auto good = [&](io::GgufWriter& w) {
    add(w, "blk.0.attn_q.weight.lora_a", {4, 64});
    add(w, "blk.0.attn_q.weight.lora_b", {64, 4});
  };
  EXPECT_EQ(load_adapter(write(good), gguf_model).matrices(), 1);
  expect_error(write(good, "dora"), gguf_model, ErrorCode::kUnsupported, {"adapter.type"});
  expect_error(write(good, "lora", std::nanf("")), gguf_model, ErrorCode::kCorruptData,
               {"adapter.lora.alpha"});
  expect_error(write([&](auto& w) {
                 add(w, "blk.0.attn_q.weight.lora_a", {4, 64});
               }),
               gguf_model, ErrorCode::kCorruptData, {"stands alone"});
  expect_error(write([&](auto& w) {
                 add(w, "blk.9.attn_q.weight.lora_a", {4, 64});
               }),
               gguf_model, ErrorCode::kInvalidArgument, {"another model"});
  expect_error(write([&](auto& w) {
                 add(w, "token_embd.weight.lora_a", {4, 64});
               }),
               gguf_model, ErrorCode::kUnsupported, {"embedding"});
  expect_error(write([&](auto& w) { add(w, "output_norm.weight", {256}); }), gguf_model,
               ErrorCode::kUnsupported, {"neither lora_a nor lora_b"});
}

TEST_F(AdapterFiles, AdaptersFromMemoryAreChecked) {
  LoadedAdapter loaded = load_adapter(golden_adapter("plain"), folder_model);
  const std::string hash = loaded.hash;
  EXPECT_EQ(make_loaded_adapter(loaded.adapter, folder_model).hash, hash);
  Adapter wrong = loaded.adapter;
  wrong.by_slot[0].down = Tensor::zeros(DType::kF32, {63, 4});
  EXPECT_THROW(make_loaded_adapter(wrong, folder_model), Error);
  wrong = loaded.adapter;
  wrong.by_slot.resize(wrong.by_slot.size() + 1);
  EXPECT_THROW(make_loaded_adapter(wrong, folder_model), Error);
}

}  // namespace
}  // namespace ondol::testing

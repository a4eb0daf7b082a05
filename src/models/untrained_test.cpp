// Untrained models: what their weights look like, and that every loader takes them.
#include "models/untrained.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "io/safetensors.h"
#include "models/model_texts.h"
#include "models/test_forward.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

namespace fs = std::filesystem;

class Untrained : public ::testing::Test {
 protected:
  Untrained() {
    std::string pattern = (fs::temp_directory_path() / "ondol_untrained.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~Untrained() override {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  void copy_tokenizer(const char* of) const {
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
      fs::copy_file(golden_dir() / "models" / of / name, folder / name);
    }
  }
  std::string weights() const { return read_file(folder / "model.safetensors"); }

  fs::path folder;
};

TEST_F(Untrained, LlamaLoadsAndKnowsNothing) {
  const LlamaShape shape{.hidden_size = 96,
                         .num_hidden_layers = 2,
                         .num_attention_heads = 6,
                         .num_key_value_heads = 2};
  write_untrained(folder, llama_config(shape), 288, 1);
  copy_tokenizer("llama_tied");
  ThreadPool pool(2);
  const Model model = load_model(folder, pool);
  EXPECT_EQ(model.info.kv_heads, 2);
  EXPECT_EQ(model.info.vocabulary, 288);
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  const Tensor hidden = hidden_states(model, context, {1, 2, 3, 4, 5});
  const Tensor logits = model.decoder->logits(context, hidden);
  for (text::TokenId id = 0; id < 288; ++id) {
    // Likeliest is the token that was read: its embedding is a row of the head.
    EXPECT_NEAR(log_probability(logits.row(4), id), -std::log(288.0), 1.2);
  }
  EXPECT_NE(model_texts(model).at("config.json").find("\"vocab_size\": 288"), std::string::npos);
}

TEST_F(Untrained, MatricesAreNormalNormsAreOne) {
  const LlamaShape shape{.hidden_size = 128, .num_hidden_layers = 1};
  write_untrained(folder, llama_config(shape), 500, 7);
  const auto file = io::SafetensorsFile::open(folder / "model.safetensors");
  for (const io::TensorInfo& tensor : file.tensors()) {
    const std::vector<float> values = file.read_f32(tensor.name);
    double sum = 0, squares = 0;
    for (const float v : values) sum += v, squares += double{v} * v;
    const auto n = static_cast<double>(values.size());
    if (tensor.shape.size() == 1) {
      EXPECT_EQ(sum, n) << tensor.name;
      continue;
    }
    EXPECT_NEAR(sum / n, 0, 5 * 0.02 / std::sqrt(n)) << tensor.name;
    EXPECT_NEAR(std::sqrt(squares / n), 0.02, 5 * 0.02 / std::sqrt(2 * n)) << tensor.name;
  }
}

TEST_F(Untrained, TheSeedDecides) {
  const std::string config = llama_config({.hidden_size = 64, .num_hidden_layers = 1});
  write_untrained(folder, config, 100, 1);
  const std::string first = weights();
  write_untrained(folder, config, 100, 1);
  EXPECT_TRUE(weights() == first);
  write_untrained(folder, config, 100, 2);
  EXPECT_FALSE(weights() == first);
}

TEST_F(Untrained, BertLoads) {
  write_untrained(folder, read_file(golden_dir() / "models" / "bert" / "config.json"), 288, 1);
  copy_tokenizer("bert");
  ThreadPool pool(1);
  EXPECT_TRUE(load_model(folder, pool).encoder);
}

TEST_F(Untrained, WhatMakesNoModelIsRefused) {
  const auto refused = [](LlamaShape shape) {
    try {
      llama_config(shape);
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInvalidArgument;
    }
    return false;
  };
  EXPECT_TRUE(refused({.hidden_size = 100, .num_attention_heads = 3}));
  EXPECT_TRUE(refused({.hidden_size = 60, .num_attention_heads = 4}));  // heads of 15
  EXPECT_TRUE(refused({.num_attention_heads = 4, .num_key_value_heads = 3}));
  EXPECT_TRUE(refused({.num_hidden_layers = 0}));
  EXPECT_TRUE(refused({.hidden_size = -64}));
  for (const char* wrong : {R"({"model_type": "gpt2"})", R"({"model_type": "llama"})", "[]", ""}) {
    EXPECT_THROW(write_untrained(folder, wrong, 100, 1), Error) << wrong;
  }
}

}  // namespace
}  // namespace ondol::testing

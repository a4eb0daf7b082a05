// A T5 that has learned nothing begins with the deviations of Hugging Face's T5PreTrainedModel.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "models/model.h"
#include "models/untrained.h"
#include "text/byte_tokenizer.h"
#include "text/tokenizer_json_write.h"

namespace ondol::testing {
namespace {

class UntrainedT5 : public ::testing::Test {
 protected:
  UntrainedT5() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ondol-t5.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const text::TokenizerConfig pieces = text::byte_tokenizer_config();
    write_file_atomic(folder_ / "tokenizer.json", text::tokenizer_json(pieces));
  }
  ~UntrainedT5() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Model load(const T5Shape& shape) {
    write_untrained(folder_, t5_config(shape), 257, 7);
    return load_model(folder_, pool_);
  }

  std::filesystem::path folder_;
  ThreadPool pool_{1};
};

double deviation(const PackedMatrix& matrix) {
  std::vector<float> values(static_cast<size_t>(matrix.rows() * matrix.columns()));
  matrix.dequantize(0, matrix.rows(), 0, matrix.columns(), values.data(), matrix.columns());
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// T5PreTrainedModel._init_weights with factor 1.
double wanted(const std::string& name, double width, double head, double heads, double mlp) {
  if (name == "shared.weight" || name == "lm_head.weight") return 1;
  if (name.ends_with(".q.weight")) return 1 / std::sqrt(width * head);
  if (name.ends_with(".o.weight")) return 1 / std::sqrt(heads * head);
  if (name.ends_with(".wo.weight")) return 1 / std::sqrt(mlp);
  return 1 / std::sqrt(width);  // k, v, wi_0, wi_1, relative_attention_bias
}

TEST_F(UntrainedT5, HasTheDeviationsOfHuggingFace) {
  const Model model = load({.hidden_size = 96,
                            .num_hidden_layers = 2,
                            .num_attention_heads = 4,
                            .tie_word_embeddings = false,
                            .end_token = 256,
                            .start_token = 256});
  int matrices = 0;
  for (const WeightRef& weight : model.encoder_decoder->weights()) {
    if (weight.matrix == nullptr) {
      for (const float value : weight.vector.row(0)) EXPECT_EQ(value, 1.0F) << weight.name;
      continue;
    }
    ++matrices;
    const double want = wanted(weight.name, 96, 24, 4, 256);
    // The bias of positions is 32 x 4 numbers only.
    EXPECT_NEAR(deviation(*weight.matrix), want, 0.25 * want) << weight.name;
  }
  EXPECT_EQ(matrices, 2 + 2 + 2 * 7 + 2 * 11);
  EXPECT_EQ(model.info.vocabulary, 288);
  EXPECT_EQ(model.encoder_decoder->start_token(), 256);
}

TEST_F(UntrainedT5, SeedsTellModelsApartAndWrongShapesAreErrors) {
  const T5Shape shape{.hidden_size = 32, .num_hidden_layers = 1, .end_token = 256};
  write_untrained(folder_, t5_config(shape), 257, 1);
  const std::string one = read_file(folder_ / "model.safetensors");
  write_untrained(folder_, t5_config(shape), 257, 1);
  EXPECT_EQ(read_file(folder_ / "model.safetensors"), one);
  write_untrained(folder_, t5_config(shape), 257, 2);
  EXPECT_NE(read_file(folder_ / "model.safetensors"), one);
  EXPECT_THROW(t5_config({.hidden_size = 30, .num_attention_heads = 4}), Error);
}

TEST_F(UntrainedT5, ABrokenConfigurationIsAnError) {
  load({.hidden_size = 32, .num_hidden_layers = 1, .end_token = 256, .start_token = 256});
  const std::string config = read_file(folder_ / "config.json");
  const auto fails_with = [&](const std::string& from, const std::string& to,
                              const std::string& words) {
    std::string changed = config;
    const size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    write_file_atomic(folder_ / "config.json", changed);
    try {
      load_model(folder_, pool_);
      FAIL() << "no error for " << to;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  fails_with("gated-gelu", "gated-tanh", "feed_forward_proj; got 'gated-tanh'");
  fails_with("\"eos_token_id\": 256", "\"eos_token_id\": 4000", "eos_token_id; got 4000");
  fails_with("\"d_kv\": 8", "\"d_kv\": 16", "SelfAttention.q.weight");
  fails_with("\"num_layers\": 1", "\"num_layers\": 2", "encoder.block.1");
  fails_with("\"num_decoder_layers\": 1", "\"num_decoder_layers\": 0", "num_decoder_layers");
}

}  // namespace
}  // namespace ondol::testing

// Models that have learned nothing: a configuration and random weights, as Hugging Face begins.
//
//   const std::string config = llama_config({.hidden_size = 192, .num_hidden_layers = 6});
//   write_untrained(folder, config, tokenizer->vocab_size(), seed);
//
// Matrices are normal with the configuration's initializer_range (0.02), norms one, biases zero;
// every element is a function of seed, name and place. Llama, Bert, and T5 with deviations of its
// own (initializer_factor over the roots of its widths).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ondol {

// Fields of Hugging Face's LlamaConfig; 0 stands for the usual: num_key_value_heads as many as
// heads, intermediate_size 8/3 of the width in steps of 32.
struct LlamaShape {
  int64_t hidden_size = 256;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 6;
  int64_t num_attention_heads = 4;
  int64_t num_key_value_heads = 0;
  int64_t max_position_embeddings = 1024;
  double rope_theta = 10000;
  bool tie_word_embeddings = true;
};
// config.json. Throws Error(kInvalidArgument) for numbers that make no model.
std::string llama_config(const LlamaShape& shape);

// Fields of Hugging Face's BertConfig; intermediate_size 0: four times the width.
struct BertShape {
  int64_t hidden_size = 256;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 6;
  int64_t num_attention_heads = 4;
  int64_t max_position_embeddings = 512;
};
std::string bert_config(const BertShape& shape);  // throws as llama_config

// Fields of a T5 of version 1.1: gated GELU, as many layers on both sides.
struct T5Shape {
  int64_t hidden_size = 256;
  int64_t intermediate_size = 0;  // 0: 8/3 of the width in steps of 32
  int64_t num_hidden_layers = 6;  // of each side
  int64_t num_attention_heads = 4;
  bool tie_word_embeddings = true;
  int64_t end_token = 1;    // of sources and targets
  int64_t start_token = 0;  // of decoders, and padding
};
std::string t5_config(const T5Shape& shape);  // throws as llama_config

// Writes config.json and model.safetensors (f32) into `folder`, which exists. vocab_size becomes
// `pieces` rounded up to a multiple of 32, unless the configuration names more. Throws
// Error(kUnsupported) for another model_type, Error(kCorruptData) for a broken configuration.
void write_untrained(const std::filesystem::path& folder, const std::string& config, int64_t pieces,
                     uint64_t seed);

}  // namespace ondol

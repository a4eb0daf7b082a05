// What a family file (llama.cpp, bert.cpp) is given and gives. Internal to the room: adding an
// architecture is one such file and one row in registry.cpp.
#pragma once

#include "io/gguf_metadata.h"
#include "io/model_folder.h"
#include "models/config_json.h"
#include "models/model.h"

namespace ondol::models {

// Limits on what a config may ask for, far above every real model.
inline constexpr int64_t kLayersMax = 10'000;
inline constexpr int64_t kWidthMax = 1 << 20;
inline constexpr int64_t kContextMax = int64_t{1} << 31;

struct GgufModel {
  const io::TensorSource& source;
  const io::GgufMetadata& metadata;
};
struct FolderModel {
  const io::TensorSource& source;
  const ConfigJson& config;
};

// Each sets info and one of decoder, encoder and encoder_decoder of the model. Throws Error as
// load_model does.
void load_llama(const GgufModel& file, ThreadPool& pool, Model& model);
void load_llama(const FolderModel& folder, ThreadPool& pool, Model& model);
void load_bert(const GgufModel& file, ThreadPool& pool, Model& model);
void load_bert(const FolderModel& folder, ThreadPool& pool, Model& model);
void load_t5(const GgufModel& file, ThreadPool& pool, Model& model);
void load_t5(const FolderModel& folder, ThreadPool& pool, Model& model);

// config.json of the Hugging Face form, without the tokenizer's fields. Throws Error(kUnsupported)
// for frequency factors, which it cannot hold.
std::string llama_config_json(const GgufModel& file);

// 1 / sqrt(head_width) scaled attention.
AttentionShape attention_shape(int64_t heads, int64_t kv_heads, int64_t head_width);

// Throws Error(kCorruptData) unless the widths fit one another: heads * head_width, heads a
// multiple of kv_heads.
void check_heads(const std::string& where, int64_t heads, int64_t kv_heads, int64_t head_width);

}  // namespace ondol::models

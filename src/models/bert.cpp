// BERT (Devlin et al., 2018) as an encoder of token states: all-MiniLM, BGE and others that call
// themselves "bert". Learned positions, token types, layer norms after the residual sums, GELU.
#include <array>
#include <utility>

#include "base/error.h"
#include "models/encoder.h"
#include "models/family.h"
#include "models/weights.h"

namespace ondol::models {
namespace {

// 1. Config mapping.

struct BertConfig {
  int64_t layers = 0, width = 0, heads = 0, mlp_width = 0, positions = 0, types = 0;
  float epsilon = 1e-12F;
  nn::Mlp::Activation activation = nn::Mlp::Activation::kGelu;
};

BertConfig config_of(const GgufModel& file) {
  const io::GgufMetadata& meta = file.metadata;
  const auto number = [&](const char* key, int64_t max) {
    return static_cast<int64_t>(meta.require_u64(key, static_cast<uint64_t>(max)));
  };
  BertConfig config;
  config.layers = number("bert.block_count", kLayersMax);
  config.width = number("bert.embedding_length", kWidthMax);
  config.heads = number("bert.attention.head_count", kWidthMax);
  config.mlp_width = number("bert.feed_forward_length", kWidthMax);
  config.positions = number("bert.context_length", kContextMax);
  config.types =
      static_cast<int64_t>(meta.find_u64("tokenizer.ggml.token_type_count", kWidthMax).value_or(2));
  config.epsilon = static_cast<float>(meta.require_f64("bert.attention.layer_norm_epsilon"));
  return config;
}

BertConfig config_of(const FolderModel& folder) {
  const ConfigJson& json = folder.config;
  BertConfig config;
  config.layers = json.require_int("num_hidden_layers", 1, kLayersMax);
  config.width = json.require_int("hidden_size", 1, kWidthMax);
  config.heads = json.require_int("num_attention_heads", 1, kWidthMax);
  config.mlp_width = json.require_int("intermediate_size", 1, kWidthMax);
  config.positions = json.require_int("max_position_embeddings", 1, kContextMax);
  config.types = json.require_int("type_vocab_size", 1, kWidthMax);
  config.epsilon = static_cast<float>(json.find_double("layer_norm_eps").value_or(1e-12));
  const std::string positions = json.find_string("position_embedding_type").value_or("absolute");
  if (positions != "absolute") {
    throw Error(ErrorCode::kUnsupported, "[models] " + json.where() +
                                             ": position_embedding_type; got '" + positions +
                                             "', expected absolute");
  }
  const std::string activation = json.find_string("hidden_act").value_or("gelu");
  if (activation == "gelu_new" || activation == "gelu_pytorch_tanh") {
    config.activation = nn::Mlp::Activation::kGeluTanh;
  } else if (activation != "gelu") {
    throw Error(ErrorCode::kUnsupported, "[models] " + json.where() + ": hidden_act; got '" +
                                             activation +
                                             "', expected gelu, gelu_new or gelu_pytorch_tanh");
  }
  return config;
}

// 2. Weight names.

constexpr std::array<WeightName, 12> kNames = {{
    {"embedding", "token_embd.weight", "embeddings.word_embeddings.weight"},
    {"positions", "position_embd.weight", "embeddings.position_embeddings.weight"},
    {"types", "token_types.weight", "embeddings.token_type_embeddings.weight"},
    {"embedding_norm", "token_embd_norm.weight", "embeddings.LayerNorm.weight"},
    {"query", "blk.{}.attn_q.weight", "encoder.layer.{}.attention.self.query.weight"},
    {"key", "blk.{}.attn_k.weight", "encoder.layer.{}.attention.self.key.weight"},
    {"value", "blk.{}.attn_v.weight", "encoder.layer.{}.attention.self.value.weight"},
    {"output", "blk.{}.attn_output.weight", "encoder.layer.{}.attention.output.dense.weight"},
    {"attention_norm", "blk.{}.attn_output_norm.weight",
     "encoder.layer.{}.attention.output.LayerNorm.weight"},
    {"up", "blk.{}.ffn_up.weight", "encoder.layer.{}.intermediate.dense.weight"},
    {"down", "blk.{}.ffn_down.weight", "encoder.layer.{}.output.dense.weight"},
    {"mlp_norm", "blk.{}.layer_output_norm.weight", "encoder.layer.{}.output.LayerNorm.weight"},
}};
// Position numbers that some files store, and heads on top of the encoder that sentence vectors do
// not use (cross_encoder.cpp reads a classifier of one label).
constexpr std::array<std::string_view, 4> kIgnored = {"position_ids", "pooler.dense.",
                                                      "cls.predictions.", "classifier."};

// 3. Blocks.

EncoderLayer read_layer(WeightReader& reader, const BertConfig& config, WeightForm form,
                        int64_t l) {
  const int64_t width = config.width;
  EncoderLayer layer;
  layer.attention.query = reader.linear("query", l, width, width, Bias::kRequired, form);
  layer.attention.key = reader.linear("key", l, width, width, Bias::kRequired, form);
  layer.attention.value = reader.linear("value", l, width, width, Bias::kRequired, form);
  layer.attention.output = reader.linear("output", l, width, width, Bias::kRequired, form);
  layer.attention.shape = attention_shape(config.heads, config.heads, width / config.heads);
  layer.attention.causal = false;
  layer.attention_norm = reader.layer_norm("attention_norm", l, width, config.epsilon);
  layer.mlp.activation = config.activation;
  layer.mlp.up = reader.linear("up", l, config.mlp_width, width, Bias::kRequired, form);
  layer.mlp.down = reader.linear("down", l, width, config.mlp_width, Bias::kRequired, form);
  layer.mlp_norm = reader.layer_norm("mlp_norm", l, width, config.epsilon);
  return layer;
}

void build(const BertConfig& config, WeightReader& reader, const std::string& where, Model& model) {
  const int64_t head_width = config.heads > 0 ? config.width / config.heads : 0;
  check_heads(where, config.heads, config.heads, head_width);
  const int64_t vocabulary = reader.rows_of("embedding", config.width);
  EncoderWeights weights;
  // Tables are only looked up in: their own form does.
  const bool all = model.weight_form == WeightForm::kF32;
  const WeightForm tables = all ? WeightForm::kF32 : WeightForm::kFile;
  weights.embedding = reader.matrix("embedding", 0, vocabulary, config.width, tables);
  weights.positions = reader.matrix("positions", 0, config.positions, config.width, tables);
  weights.types = reader.matrix("types", 0, config.types, config.width, tables);
  weights.embedding_norm = reader.layer_norm("embedding_norm", 0, config.width, config.epsilon);
  for (int64_t l = 0; l < config.layers; ++l) {
    weights.layers.push_back(read_layer(reader, config, model.weight_form, l));
  }
  reader.finish(kIgnored);

  ModelInfo& info = model.info;
  info.layers = config.layers;
  info.width = config.width;
  info.heads = info.kv_heads = config.heads;
  info.head_width = head_width;
  info.vocabulary = vocabulary;
  info.context_tokens_max = config.positions;
  reader.describe(info);
  model.linears = std::move(reader.linears());
  model.encoder = std::make_unique<Encoder>(std::move(weights), kNames);
}

}  // namespace

void load_bert(const GgufModel& file, ThreadPool& pool, Model& model) {
  WeightReader reader(file.source, WeightFormat::kGguf, kNames, pool);
  build(config_of(file), reader, file.source.name(), model);
}

void load_bert(const FolderModel& folder, ThreadPool& pool, Model& model) {
  // Folders saved from a model with a head on top say "bert." before every name.
  const bool prefixed =
      folder.source.find_tensor("bert.embeddings.word_embeddings.weight") != nullptr;
  WeightReader reader(folder.source, WeightFormat::kSafetensors, kNames, pool,
                      prefixed ? "bert." : "");
  build(config_of(folder), reader, folder.config.where(), model);
}

}  // namespace ondol::models

// The T5 family: T5 1.0 (relu, tied head), T5 1.1, Flan-T5 and mT5 (gated GELU, own head). Relative
// positions shared over the layers, queries that are not scaled, RMS norms, no biases.
//
// A tied head reads states times d_model^-0.5. Older files say with tie_word_embeddings whether
// they are tied; those written by transformers 5 always say true, and scale_decoder_outputs beside
// it says what the former meant.
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "models/encoder_decoder.h"
#include "models/family.h"
#include "models/weights.h"

namespace ondol::models {
namespace {

// 1. Config mapping.

struct T5Config {
  int64_t encoder_layers = 0, decoder_layers = 0, width = 0, heads = 0, head_width = 0;
  int64_t mlp_width = 0, vocabulary = 0, buckets = 32, distance_max = 128, context_max = 512;
  float epsilon = 1e-6F;
  bool scaled = true;  // the head is the embedding and reads scaled states
  bool tied = true;
  nn::Mlp::Activation activation = nn::Mlp::Activation::kRelu;
  int64_t start = 0, end = 1;

  bool gated() const {
    return activation == nn::Mlp::Activation::kGeluTanhGated ||
           activation == nn::Mlp::Activation::kSiluGated;
  }
};

nn::Mlp::Activation activation_of(const ConfigJson& json) {
  struct Row {
    std::string_view name;
    nn::Mlp::Activation activation;
  };
  constexpr std::array kRows = {
      Row{"relu", nn::Mlp::Activation::kRelu},
      Row{"gelu", nn::Mlp::Activation::kGelu},
      Row{"gelu_new", nn::Mlp::Activation::kGeluTanh},
      Row{"gated-gelu", nn::Mlp::Activation::kGeluTanhGated},
      Row{"gated-silu", nn::Mlp::Activation::kSiluGated},
  };
  const std::string name = json.find_string("feed_forward_proj").value_or("relu");
  for (const Row& row : kRows) {
    if (row.name == name) return row.activation;
  }
  throw Error(ErrorCode::kUnsupported,
              "[models] " + json.where() + ": feed_forward_proj; got '" + name +
                  "', expected relu, gelu, gelu_new, gated-gelu or gated-silu");
}

T5Config config_of(const FolderModel& folder) {
  const ConfigJson& json = folder.config;
  T5Config config;
  config.encoder_layers = json.require_int("num_layers", 1, kLayersMax);
  config.decoder_layers =
      json.find_int("num_decoder_layers", 1, kLayersMax).value_or(config.encoder_layers);
  config.width = json.require_int("d_model", 1, kWidthMax);
  config.heads = json.require_int("num_heads", 1, kWidthMax);
  config.head_width = json.require_int("d_kv", 1, kWidthMax);
  config.mlp_width = json.require_int("d_ff", 1, kWidthMax);
  config.buckets = json.find_int("relative_attention_num_buckets", 4, 1 << 16).value_or(32);
  config.distance_max =
      json.find_int("relative_attention_max_distance", 2, kContextMax).value_or(128);
  config.context_max = json.find_int("n_positions", 1, kContextMax).value_or(512);
  config.epsilon = static_cast<float>(json.find_double("layer_norm_epsilon").value_or(1e-6));
  const bool says_tied = json.find_bool("tie_word_embeddings").value_or(true);
  config.scaled = json.find_bool("scale_decoder_outputs").value_or(says_tied);
  // One that says that it is tied has at most a copy of the embedding as its head.
  config.tied =
      (says_tied && config.scaled) || folder.source.find_tensor("lm_head.weight") == nullptr;
  config.activation = activation_of(json);
  const int64_t pad = json.find_int("pad_token_id", 0, INT32_MAX).value_or(0);
  config.start = json.find_int("decoder_start_token_id", 0, INT32_MAX).value_or(pad);
  config.end = json.find_int("eos_token_id", 0, INT32_MAX).value_or(1);
  return config;
}

// 2. Weight names.

constexpr std::array<WeightName, 31> kNames = {{
    {"embedding", "", "shared.weight"},
    {"head", "", "lm_head.weight"},
    {"encoder_positions", "",
     "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"},
    {"decoder_positions", "",
     "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"},
    {"encoder_norm", "", "encoder.final_layer_norm.weight"},
    {"decoder_norm", "", "decoder.final_layer_norm.weight"},
    {"enc.attention_norm", "", "encoder.block.{}.layer.0.layer_norm.weight"},
    {"enc.query", "", "encoder.block.{}.layer.0.SelfAttention.q.weight"},
    {"enc.key", "", "encoder.block.{}.layer.0.SelfAttention.k.weight"},
    {"enc.value", "", "encoder.block.{}.layer.0.SelfAttention.v.weight"},
    {"enc.output", "", "encoder.block.{}.layer.0.SelfAttention.o.weight"},
    {"enc.mlp_norm", "", "encoder.block.{}.layer.1.layer_norm.weight"},
    {"enc.gate", "", "encoder.block.{}.layer.1.DenseReluDense.wi_0.weight"},
    {"enc.up_gated", "", "encoder.block.{}.layer.1.DenseReluDense.wi_1.weight"},
    {"enc.up", "", "encoder.block.{}.layer.1.DenseReluDense.wi.weight"},
    {"enc.down", "", "encoder.block.{}.layer.1.DenseReluDense.wo.weight"},
    {"dec.attention_norm", "", "decoder.block.{}.layer.0.layer_norm.weight"},
    {"dec.query", "", "decoder.block.{}.layer.0.SelfAttention.q.weight"},
    {"dec.key", "", "decoder.block.{}.layer.0.SelfAttention.k.weight"},
    {"dec.value", "", "decoder.block.{}.layer.0.SelfAttention.v.weight"},
    {"dec.output", "", "decoder.block.{}.layer.0.SelfAttention.o.weight"},
    {"dec.cross_norm", "", "decoder.block.{}.layer.1.layer_norm.weight"},
    {"dec.cross_query", "", "decoder.block.{}.layer.1.EncDecAttention.q.weight"},
    {"dec.cross_key", "", "decoder.block.{}.layer.1.EncDecAttention.k.weight"},
    {"dec.cross_value", "", "decoder.block.{}.layer.1.EncDecAttention.v.weight"},
    {"dec.cross_output", "", "decoder.block.{}.layer.1.EncDecAttention.o.weight"},
    {"dec.mlp_norm", "", "decoder.block.{}.layer.2.layer_norm.weight"},
    {"dec.gate", "", "decoder.block.{}.layer.2.DenseReluDense.wi_0.weight"},
    {"dec.up_gated", "", "decoder.block.{}.layer.2.DenseReluDense.wi_1.weight"},
    {"dec.up", "", "decoder.block.{}.layer.2.DenseReluDense.wi.weight"},
    {"dec.down", "", "decoder.block.{}.layer.2.DenseReluDense.wo.weight"},
}};
// Copies of the shared embedding, and positions of the cross attention, which has none.
constexpr std::array<std::string_view, 3> kIgnored = {
    "encoder.embed_tokens.", "decoder.embed_tokens.", "EncDecAttention.relative_attention_bias."};

// 3. Blocks.

// One side of the model: "enc." or "dec." before our names of its weights.
class Stack {
 public:
  Stack(WeightReader& reader, const T5Config& config, WeightForm form, std::string side)
      : reader_(reader), config_(config), form_(form), side_(std::move(side)) {}

  nn::Norm norm(const char* name, int64_t l) {
    return reader_.rms_norm(side_ + name, l, config_.width, config_.epsilon);
  }

  // Self or cross attention: both have the four linears.
  template <class Block>
  Block attention(const std::string& prefix, int64_t l) {
    const int64_t width = config_.width, q = config_.heads * config_.head_width;
    Block block;
    block.query = linear(prefix + "query", l, q, width);
    block.key = linear(prefix + "key", l, q, width);
    block.value = linear(prefix + "value", l, q, width);
    block.output = linear(prefix + "output", l, width, q);
    block.shape = {config_.heads, config_.heads, config_.head_width, 1.0F};
    return block;
  }

  nn::Mlp mlp(int64_t l) {
    const int64_t width = config_.width, inner = config_.mlp_width;
    nn::Mlp mlp;
    mlp.activation = config_.activation;
    if (config_.gated()) mlp.gate = linear("gate", l, inner, width);
    mlp.up = linear(config_.gated() ? "up_gated" : "up", l, inner, width);
    mlp.down = linear("down", l, width, inner);
    return mlp;
  }

 private:
  nn::Linear linear(const std::string& name, int64_t l, int64_t rows, int64_t columns) {
    return reader_.linear(side_ + name, l, rows, columns, Bias::kNone, form_);
  }

  WeightReader& reader_;
  const T5Config& config_;
  WeightForm form_;
  std::string side_;
};

EncoderDecoderWeights read_weights(WeightReader& reader, const T5Config& config, WeightForm form) {
  EncoderDecoderWeights weights;
  weights.embedding = reader.matrix("embedding", 0, config.vocabulary, config.width, form);
  if (!config.tied) {
    weights.head = reader.matrix("head", 0, config.vocabulary, config.width, form);
  } else {
    reader.skip("head");
  }
  weights.encoder_positions =
      reader.matrix("encoder_positions", 0, config.buckets, config.heads, form);
  Stack encoder(reader, config, form, "enc.");
  for (int64_t l = 0; l < config.encoder_layers; ++l) {
    DecoderLayer& layer = weights.encoder.emplace_back();
    layer.attention_norm = encoder.norm("attention_norm", l);
    layer.attention = encoder.attention<nn::Attention>("", l);
    layer.attention.causal = false;
    layer.mlp_norm = encoder.norm("mlp_norm", l);
    layer.mlp = encoder.mlp(l);
  }
  weights.encoder_norm = reader.rms_norm("encoder_norm", 0, config.width, config.epsilon);
  weights.decoder_positions =
      reader.matrix("decoder_positions", 0, config.buckets, config.heads, form);
  Stack decoder(reader, config, form, "dec.");
  for (int64_t l = 0; l < config.decoder_layers; ++l) {
    CrossLayer& layer = weights.decoder.emplace_back();
    layer.attention_norm = decoder.norm("attention_norm", l);
    layer.attention = decoder.attention<nn::Attention>("", l);
    layer.cross_norm = decoder.norm("cross_norm", l);
    layer.cross = decoder.attention<nn::CrossAttention>("cross_", l);
    layer.mlp_norm = decoder.norm("mlp_norm", l);
    layer.mlp = decoder.mlp(l);
  }
  weights.decoder_norm = reader.rms_norm("decoder_norm", 0, config.width, config.epsilon);
  return weights;
}

void check_tokens(const std::string& where, const T5Config& config) {
  for (const auto& [name, id] :
       {std::pair("decoder_start_token_id", config.start), std::pair("eos_token_id", config.end)}) {
    if (id < config.vocabulary) continue;
    throw Error(ErrorCode::kCorruptData, "[models] " + where + ": " + name + "; got " +
                                             std::to_string(id) + ", expected below the " +
                                             std::to_string(config.vocabulary) +
                                             " rows of the embedding");
  }
}

}  // namespace

void load_t5(const GgufModel& file, ThreadPool&, Model&) {
  throw Error(ErrorCode::kUnsupported,
              "[models] " + file.source.name() +
                  ": a GGUF file of an encoder-decoder; expected a folder with config.json and "
                  "safetensors");
}

void load_t5(const FolderModel& folder, ThreadPool& pool, Model& model) {
  T5Config config = config_of(folder);
  const std::string& where = folder.config.where();
  check_heads(where, config.heads, config.heads, config.head_width);
  WeightReader reader(folder.source, WeightFormat::kSafetensors, kNames, pool);
  config.vocabulary = reader.rows_of("embedding", config.width);
  check_tokens(where, config);
  EncoderDecoderWeights weights = read_weights(reader, config, model.weight_form);
  reader.finish(kIgnored);

  ModelInfo& info = model.info;
  info.layers = config.encoder_layers + config.decoder_layers;
  info.width = config.width;
  info.heads = info.kv_heads = config.heads;
  info.head_width = config.head_width;
  info.vocabulary = config.vocabulary;
  info.context_tokens_max = config.context_max;
  reader.describe(info);
  model.linears = std::move(reader.linears());
  EncoderDecoderOptions options;
  options.distance_max = config.distance_max;
  if (config.scaled) options.head_scale = 1 / std::sqrt(static_cast<float>(config.width));
  options.start = static_cast<text::TokenId>(config.start);
  options.end = static_cast<text::TokenId>(config.end);
  model.encoder_decoder = std::make_unique<EncoderDecoder>(std::move(weights), options, kNames);
}

}  // namespace ondol::models

// The Llama family (Llama 1 to 3.x, SmolLM2 and others that call themselves "llama"): pre-norm
// decoder, RMS norms, rotary positions, grouped-query attention, gated MLP, tied or own head.
//
// GGUF files hold query and key rows permuted so that rotary pairs are neighbours (kPairs);
// safetensors hold halves (kHalves).
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "models/decoder.h"
#include "models/family.h"
#include "models/weights.h"

namespace ondol::models {
namespace {

// 1. Config mapping.

struct LlamaConfig {
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, mlp_width = 0;
  int64_t context_max = 0;
  float epsilon = 1e-5F;
  bool tied = false;
  nn::RopeConfig rope;
};

[[noreturn]] void unsupported(const std::string& where, const std::string& what,
                              const std::string& got, const std::string& expected) {
  throw Error(ErrorCode::kUnsupported,
              "[models] " + where + ": " + what + "; got '" + got + "', expected " + expected);
}

LlamaConfig config_of(const GgufModel& file) {
  const io::GgufMetadata& meta = file.metadata;
  const auto number = [&](const char* key, int64_t max) {
    return static_cast<int64_t>(meta.require_u64(key, static_cast<uint64_t>(max)));
  };
  const auto number_or = [&](const char* key, int64_t max, int64_t otherwise) {
    return static_cast<int64_t>(
        meta.find_u64(key, static_cast<uint64_t>(max)).value_or(static_cast<uint64_t>(otherwise)));
  };
  LlamaConfig config;
  config.layers = number("llama.block_count", kLayersMax);
  config.width = number("llama.embedding_length", kWidthMax);
  config.mlp_width = number("llama.feed_forward_length", kWidthMax);
  config.heads = number("llama.attention.head_count", kWidthMax);
  config.kv_heads = number_or("llama.attention.head_count_kv", kWidthMax, config.heads);
  config.head_width = number_or("llama.attention.key_length", kWidthMax,
                                config.heads > 0 ? config.width / config.heads : 0);
  config.context_max = number("llama.context_length", kContextMax);
  config.epsilon = static_cast<float>(meta.require_f64("llama.attention.layer_norm_rms_epsilon"));
  config.tied = file.source.find_tensor("output.weight") == nullptr;

  config.rope.layout = RopeLayout::kPairs;
  config.rope.base = meta.find_f64("llama.rope.freq_base").value_or(10000.0);
  config.rope.rotary_width = number_or("llama.rope.dimension_count", kWidthMax, config.head_width);
  const std::string scaling = meta.find_string("llama.rope.scaling.type").value_or("none");
  if (scaling == "linear") {
    config.rope.linear_factor = meta.require_f64("llama.rope.scaling.factor");
  } else if (scaling != "none") {
    unsupported(file.source.name(), "llama.rope.scaling.type", scaling, "none or linear");
  }
  if (file.source.find_tensor("rope_freqs.weight") != nullptr) {
    config.rope.frequency_factors = file.source.read_f32("rope_freqs.weight");
  }
  if (meta.find_u64("llama.expert_count").value_or(0) > 0) {
    unsupported(file.source.name(), "llama.expert_count", meta.describe("llama.expert_count"),
                "no experts");
  }
  return config;
}

// `rope_parameters` of newer files, `rope_theta` and `rope_scaling` of older ones.
void read_rope(const ConfigJson& config, nn::RopeConfig& rope) {
  rope.layout = RopeLayout::kHalves;
  rope.base = config.find_double("rope_theta").value_or(10000.0);
  std::optional<ConfigJson> scaling = config.find_object("rope_parameters");
  if (!scaling) scaling = config.find_object("rope_scaling");
  if (!scaling) return;
  rope.base = scaling->find_double("rope_theta").value_or(rope.base);
  std::string type = scaling->find_string("rope_type").value_or("");
  if (type.empty()) type = scaling->find_string("type").value_or("default");
  if (type == "linear") {
    rope.linear_factor = scaling->require_double("factor");
  } else if (type == "llama3") {
    rope.llama3 = {scaling->require_double("factor"), scaling->require_double("low_freq_factor"),
                   scaling->require_double("high_freq_factor"),
                   scaling->require_double("original_max_position_embeddings")};
  } else if (type != "default") {
    unsupported(config.where(), "rope type", type, "default, linear or llama3");
  }
}

LlamaConfig config_of(const FolderModel& folder) {
  const ConfigJson& json = folder.config;
  LlamaConfig config;
  config.layers = json.require_int("num_hidden_layers", 1, kLayersMax);
  config.width = json.require_int("hidden_size", 1, kWidthMax);
  config.mlp_width = json.require_int("intermediate_size", 1, kWidthMax);
  config.heads = json.require_int("num_attention_heads", 1, kWidthMax);
  config.kv_heads = json.find_int("num_key_value_heads", 1, kWidthMax).value_or(config.heads);
  config.head_width = json.find_int("head_dim", 1, kWidthMax).value_or(config.width / config.heads);
  config.context_max = json.find_int("max_position_embeddings", 1, kContextMax).value_or(2048);
  config.epsilon = static_cast<float>(json.find_double("rms_norm_eps").value_or(1e-6));
  config.tied = json.find_bool("tie_word_embeddings").value_or(false);
  read_rope(json, config.rope);
  config.rope.rotary_width = config.head_width;
  const std::string activation = json.find_string("hidden_act").value_or("silu");
  if (activation != "silu") unsupported(json.where(), "hidden_act", activation, "silu");
  return config;
}

// 2. Weight names.

constexpr std::array<WeightName, 12> kNames = {{
    {"embedding", "token_embd.weight", "model.embed_tokens.weight"},
    {"head", "output.weight", "lm_head.weight"},
    {"norm", "output_norm.weight", "model.norm.weight"},
    {"attention_norm", "blk.{}.attn_norm.weight", "model.layers.{}.input_layernorm.weight"},
    {"query", "blk.{}.attn_q.weight", "model.layers.{}.self_attn.q_proj.weight"},
    {"key", "blk.{}.attn_k.weight", "model.layers.{}.self_attn.k_proj.weight"},
    {"value", "blk.{}.attn_v.weight", "model.layers.{}.self_attn.v_proj.weight"},
    {"output", "blk.{}.attn_output.weight", "model.layers.{}.self_attn.o_proj.weight"},
    {"mlp_norm", "blk.{}.ffn_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
    {"gate", "blk.{}.ffn_gate.weight", "model.layers.{}.mlp.gate_proj.weight"},
    {"up", "blk.{}.ffn_up.weight", "model.layers.{}.mlp.up_proj.weight"},
    {"down", "blk.{}.ffn_down.weight", "model.layers.{}.mlp.down_proj.weight"},
}};
// Frequencies: read with the config, or computed anew.
constexpr std::array<std::string_view, 3> kIgnored = {"rope_freqs.weight", "rotary_emb.inv_freq",
                                                      "attn_rot_embd"};

// 3. Blocks.

DecoderLayer read_layer(WeightReader& reader, const LlamaConfig& config, WeightForm form,
                        int64_t l) {
  const int64_t width = config.width, mlp = config.mlp_width;
  const int64_t q = config.heads * config.head_width, kv = config.kv_heads * config.head_width;
  constexpr Bias kBias = Bias::kIfPresent;
  DecoderLayer layer;
  layer.attention_norm = reader.rms_norm("attention_norm", l, width, config.epsilon);
  layer.attention.query = reader.linear("query", l, q, width, kBias, form);
  layer.attention.key = reader.linear("key", l, kv, width, kBias, form);
  layer.attention.value = reader.linear("value", l, kv, width, kBias, form);
  layer.attention.output = reader.linear("output", l, width, q, kBias, form);
  layer.attention.shape = attention_shape(config.heads, config.kv_heads, config.head_width);
  for (const auto& [linear, heads] : {std::pair(&layer.attention.query, config.heads),
                                      std::pair(&layer.attention.key, config.kv_heads)}) {
    LinearSlot& slot = reader.linears()[linear->slot];
    slot.gguf_paired_heads = heads;
    if (config.rope.layout == RopeLayout::kPairs) slot.paired_heads = heads;
  }
  layer.mlp_norm = reader.rms_norm("mlp_norm", l, width, config.epsilon);
  layer.mlp.activation = nn::Mlp::Activation::kSiluGated;
  layer.mlp.gate = reader.linear("gate", l, mlp, width, kBias, form);
  layer.mlp.up = reader.linear("up", l, mlp, width, kBias, form);
  layer.mlp.down = reader.linear("down", l, width, mlp, kBias, form);
  return layer;
}

void build(const LlamaConfig& config, WeightReader& reader, const std::string& where,
           Model& model) {
  check_heads(where, config.heads, config.kv_heads, config.head_width);
  const int64_t vocabulary = reader.rows_of("embedding", config.width);
  DecoderWeights weights;
  const WeightForm form = model.weight_form;
  weights.embedding = reader.matrix("embedding", 0, vocabulary, config.width, form);
  if (config.tied) {
    reader.skip("head");
  } else {
    weights.head = reader.matrix("head", 0, vocabulary, config.width, form);
  }
  for (int64_t l = 0; l < config.layers; ++l) {
    weights.layers.push_back(read_layer(reader, config, form, l));
  }
  weights.norm = reader.rms_norm("norm", 0, config.width, config.epsilon);
  reader.finish(kIgnored);

  ModelInfo& info = model.info;
  info.layers = config.layers;
  info.width = config.width;
  info.heads = config.heads;
  info.kv_heads = config.kv_heads;
  info.head_width = config.head_width;
  info.vocabulary = vocabulary;
  info.context_tokens_max = config.context_max;
  reader.describe(info);
  model.linears = std::move(reader.linears());
  model.decoder = std::make_unique<Decoder>(std::move(weights), config.rope, kNames);
}

}  // namespace

std::string llama_config_json(const GgufModel& file) {
  const LlamaConfig config = config_of(file);
  if (!config.rope.frequency_factors.empty()) {
    unsupported(file.source.name(), "rope_freqs.weight as config.json", "factors",
                "none; try the safetensors folder of this model");
  }
  const bool bias = file.source.find_tensor("blk.0.attn_q.bias") != nullptr;
  const bool mlp_bias = file.source.find_tensor("blk.0.ffn_up.bias") != nullptr;
  nlohmann::ordered_json json = {{"architectures", {"LlamaForCausalLM"}},
                                 {"model_type", "llama"},
                                 {"hidden_size", config.width},
                                 {"intermediate_size", config.mlp_width},
                                 {"num_hidden_layers", config.layers},
                                 {"num_attention_heads", config.heads},
                                 {"num_key_value_heads", config.kv_heads},
                                 {"head_dim", config.head_width},
                                 {"hidden_act", "silu"},
                                 {"max_position_embeddings", config.context_max},
                                 {"rms_norm_eps", config.epsilon},
                                 {"rope_theta", config.rope.base},
                                 {"rope_scaling", nullptr},
                                 {"attention_bias", bias},
                                 {"mlp_bias", mlp_bias},
                                 {"tie_word_embeddings", config.tied},
                                 {"dtype", "float32"}};
  if (config.rope.linear_factor != 1) {
    json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", config.rope.linear_factor}};
  }
  return json.dump();
}

void load_llama(const GgufModel& file, ThreadPool& pool, Model& model) {
  WeightReader reader(file.source, WeightFormat::kGguf, kNames, pool);
  build(config_of(file), reader, file.source.name(), model);
}

void load_llama(const FolderModel& folder, ThreadPool& pool, Model& model) {
  WeightReader reader(folder.source, WeightFormat::kSafetensors, kNames, pool);
  build(config_of(folder), reader, folder.config.where(), model);
}

}  // namespace ondol::models

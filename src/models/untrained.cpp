#include "models/untrained.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "io/safetensors_writer.h"
#include "models/config_json.h"
#include "models/family.h"
#include "tensor/tensor.h"

namespace ondol {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[models] untrained model: " + what);
}

// FNV-1a: one stream of random numbers a name, whatever the order of the tensors.
uint64_t stream_of(const std::string& name) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

class Weights {
 public:
  Weights(uint64_t seed, double range) : seed_(seed), range_(range) {}

  void matrix(const std::string& name, int64_t rows, int64_t columns) {
    matrix(name, rows, columns, range_);
  }
  void matrix(const std::string& name, int64_t rows, int64_t columns, double deviation) {
    Tensor tensor = Tensor::zeros(DType::kF32, {rows, columns});
    Rng rng(seed_, stream_of(name));
    for (int64_t i = 0; i < tensor.size(); ++i) {
      tensor.data()[i] = static_cast<float>(deviation * rng.normal());
    }
    tensors_.emplace_back(name, std::move(tensor));
  }
  void constant(const std::string& name, int64_t size, float value) {
    Tensor tensor = Tensor::zeros(DType::kF32, {size});
    std::fill_n(tensor.data(), size, value);
    tensors_.emplace_back(name, std::move(tensor));
  }
  void linear(const std::string& name, int64_t rows, int64_t columns, bool bias) {
    matrix(name + ".weight", rows, columns);
    if (bias) constant(name + ".bias", rows, 0);
  }
  void layer_norm(const std::string& name, int64_t width) {
    constant(name + ".weight", width, 1);
    constant(name + ".bias", width, 0);
  }
  void write(const std::filesystem::path& file) const {
    io::SafetensorsWriter writer;
    writer.set_metadata("format", "pt");
    for (const auto& [name, tensor] : tensors_) {
      writer.add_tensor(name, DType::kF32, tensor.shape(), tensor.bytes());
    }
    writer.write(file);
  }

 private:
  uint64_t seed_;
  double range_;
  std::vector<std::pair<std::string, Tensor>> tensors_;
};

int64_t number(const models::ConfigJson& config, const char* field) {
  return config.require_int(field, 1, models::kWidthMax);
}

void make_llama(const models::ConfigJson& config, int64_t vocabulary, Weights& weights) {
  const int64_t width = number(config, "hidden_size"), mlp = number(config, "intermediate_size");
  const int64_t heads = number(config, "num_attention_heads");
  const int64_t kv_heads =
      config.find_int("num_key_value_heads", 1, models::kWidthMax).value_or(heads);
  const int64_t head = config.find_int("head_dim", 1, models::kWidthMax).value_or(width / heads);
  const bool bias = config.find_bool("attention_bias").value_or(false);
  const bool mlp_bias = config.find_bool("mlp_bias").value_or(false);
  weights.matrix("model.embed_tokens.weight", vocabulary, width);
  if (!config.find_bool("tie_word_embeddings").value_or(false)) {
    weights.matrix("lm_head.weight", vocabulary, width);
  }
  const int64_t layers = config.require_int("num_hidden_layers", 1, models::kLayersMax);
  for (int64_t l = 0; l < layers; ++l) {
    const std::string at = "model.layers." + std::to_string(l) + ".";
    weights.constant(at + "input_layernorm.weight", width, 1);
    weights.linear(at + "self_attn.q_proj", heads * head, width, bias);
    weights.linear(at + "self_attn.k_proj", kv_heads * head, width, bias);
    weights.linear(at + "self_attn.v_proj", kv_heads * head, width, bias);
    weights.linear(at + "self_attn.o_proj", width, heads * head, bias);
    weights.constant(at + "post_attention_layernorm.weight", width, 1);
    weights.linear(at + "mlp.gate_proj", mlp, width, mlp_bias);
    weights.linear(at + "mlp.up_proj", mlp, width, mlp_bias);
    weights.linear(at + "mlp.down_proj", width, mlp, mlp_bias);
  }
  weights.constant("model.norm.weight", width, 1);
}

void make_bert(const models::ConfigJson& config, int64_t vocabulary, Weights& weights) {
  const int64_t width = number(config, "hidden_size"), mlp = number(config, "intermediate_size");
  weights.matrix("embeddings.word_embeddings.weight", vocabulary, width);
  weights.matrix("embeddings.position_embeddings.weight", number(config, "max_position_embeddings"),
                 width);
  weights.matrix("embeddings.token_type_embeddings.weight", number(config, "type_vocab_size"),
                 width);
  weights.layer_norm("embeddings.LayerNorm", width);
  const int64_t layers = config.require_int("num_hidden_layers", 1, models::kLayersMax);
  for (int64_t l = 0; l < layers; ++l) {
    const std::string at = "encoder.layer." + std::to_string(l) + ".";
    for (const char* part : {"query", "key", "value"}) {
      weights.linear(at + "attention.self." + part, width, width, true);
    }
    weights.linear(at + "attention.output.dense", width, width, true);
    weights.layer_norm(at + "attention.output.LayerNorm", width);
    weights.linear(at + "intermediate.dense", mlp, width, true);
    weights.linear(at + "output.dense", width, mlp, true);
    weights.layer_norm(at + "output.LayerNorm", width);
  }
}

// As T5PreTrainedModel begins: queries are not scaled, so their weights are smaller.
class T5Weights {
 public:
  T5Weights(const models::ConfigJson& config, Weights& weights)
      : weights_(weights),
        width_(number(config, "d_model")),
        mlp_(number(config, "d_ff")),
        heads_(number(config, "num_heads")),
        head_(number(config, "d_kv")),
        buckets_(config.find_int("relative_attention_num_buckets", 4, 1 << 16).value_or(32)),
        gated_(config.find_string("feed_forward_proj").value_or("relu").starts_with("gated-")),
        factor_(config.find_double("initializer_factor").value_or(1.0)) {}

  void attention(const std::string& at, bool first_of_stack) {
    const int64_t inner = heads_ * head_;
    matrix(at + "q.weight", inner, width_, width_ * head_);
    matrix(at + "k.weight", inner, width_, width_);
    matrix(at + "v.weight", inner, width_, width_);
    matrix(at + "o.weight", width_, inner, inner);
    if (first_of_stack) matrix(at + "relative_attention_bias.weight", buckets_, heads_, width_);
  }
  void mlp(const std::string& at) {
    if (gated_) {
      matrix(at + "wi_0.weight", mlp_, width_, width_);
      matrix(at + "wi_1.weight", mlp_, width_, width_);
    } else {
      matrix(at + "wi.weight", mlp_, width_, width_);
    }
    matrix(at + "wo.weight", width_, mlp_, mlp_);
  }
  void embedding(const std::string& name, int64_t vocabulary) {
    weights_.matrix(name, vocabulary, width_, factor_);
  }
  void norm(const std::string& name) { weights_.constant(name + ".weight", width_, 1); }

 private:
  // Normal with the deviation factor / sqrt(over).
  void matrix(const std::string& name, int64_t rows, int64_t columns, int64_t over) {
    weights_.matrix(name, rows, columns, factor_ / std::sqrt(static_cast<double>(over)));
  }

  Weights& weights_;
  int64_t width_, mlp_, heads_, head_, buckets_;
  bool gated_;
  double factor_;
};

void make_t5(const models::ConfigJson& config, int64_t vocabulary, Weights& weights) {
  T5Weights t5(config, weights);
  t5.embedding("shared.weight", vocabulary);
  if (!config.find_bool("tie_word_embeddings").value_or(true)) {
    t5.embedding("lm_head.weight", vocabulary);
  }
  const int64_t layers = config.require_int("num_layers", 1, models::kLayersMax);
  const int64_t of_decoder =
      config.find_int("num_decoder_layers", 1, models::kLayersMax).value_or(layers);
  for (const bool decoder : {false, true}) {
    const std::string side = decoder ? "decoder." : "encoder.";
    for (int64_t l = 0; l < (decoder ? of_decoder : layers); ++l) {
      const std::string at = side + "block." + std::to_string(l) + ".layer.";
      t5.attention(at + "0.SelfAttention.", l == 0);
      t5.norm(at + "0.layer_norm");
      if (decoder) {
        t5.attention(at + "1.EncDecAttention.", false);
        t5.norm(at + "1.layer_norm");
      }
      t5.mlp(at + (decoder ? "2." : "1.") + "DenseReluDense.");
      t5.norm(at + (decoder ? "2." : "1.") + "layer_norm");
    }
    t5.norm(side + "final_layer_norm");
  }
}

}  // namespace

std::string t5_config(const T5Shape& s) {
  const int64_t heads = s.num_attention_heads;
  if (s.hidden_size < 1 || heads < 1 || s.num_hidden_layers < 1 || s.hidden_size % heads != 0) {
    invalid("hidden_size " + std::to_string(s.hidden_size) + ", num_attention_heads " +
            std::to_string(heads) + ", num_hidden_layers " + std::to_string(s.num_hidden_layers) +
            "; expected heads that divide hidden_size");
  }
  const int64_t mlp =
      s.intermediate_size > 0 ? s.intermediate_size : (s.hidden_size * 8 / 3 + 31) / 32 * 32;
  const Json json = {{"architectures", {"T5ForConditionalGeneration"}},
                     {"model_type", "t5"},
                     {"is_encoder_decoder", true},
                     {"d_model", s.hidden_size},
                     {"d_kv", s.hidden_size / heads},
                     {"d_ff", mlp},
                     {"num_layers", s.num_hidden_layers},
                     {"num_decoder_layers", s.num_hidden_layers},
                     {"num_heads", heads},
                     {"relative_attention_num_buckets", 32},
                     {"relative_attention_max_distance", 128},
                     {"feed_forward_proj", "gated-gelu"},
                     {"dropout_rate", 0.0},
                     {"layer_norm_epsilon", 1e-6},
                     {"initializer_factor", 1.0},
                     {"tie_word_embeddings", s.tie_word_embeddings},
                     {"pad_token_id", s.start_token},
                     {"decoder_start_token_id", s.start_token},
                     {"eos_token_id", s.end_token},
                     {"dtype", "float32"}};
  return json.dump(2) + "\n";
}

std::string llama_config(const LlamaShape& s) {
  const int64_t heads = s.num_attention_heads;
  const int64_t kv_heads = s.num_key_value_heads > 0 ? s.num_key_value_heads : heads;
  const int64_t mlp =
      s.intermediate_size > 0 ? s.intermediate_size : (s.hidden_size * 8 / 3 + 31) / 32 * 32;
  if (s.hidden_size < 1 || heads < 1 || s.num_hidden_layers < 1 || s.hidden_size % heads != 0 ||
      heads % kv_heads != 0 || s.hidden_size / heads % 2 != 0) {
    invalid("hidden_size " + std::to_string(s.hidden_size) + ", num_attention_heads " +
            std::to_string(heads) + ", num_key_value_heads " + std::to_string(kv_heads) +
            ", num_hidden_layers " + std::to_string(s.num_hidden_layers) +
            "; expected heads of an even width that divide hidden_size, and key heads that divide "
            "them");
  }
  const Json json = {{"architectures", {"LlamaForCausalLM"}},
                     {"model_type", "llama"},
                     {"hidden_size", s.hidden_size},
                     {"intermediate_size", mlp},
                     {"num_hidden_layers", s.num_hidden_layers},
                     {"num_attention_heads", heads},
                     {"num_key_value_heads", kv_heads},
                     {"head_dim", s.hidden_size / heads},
                     {"hidden_act", "silu"},
                     {"max_position_embeddings", s.max_position_embeddings},
                     {"rms_norm_eps", 1e-5},
                     {"rope_theta", s.rope_theta},
                     {"rope_scaling", nullptr},
                     {"initializer_range", 0.02},
                     {"attention_bias", false},
                     {"mlp_bias", false},
                     {"tie_word_embeddings", s.tie_word_embeddings},
                     {"dtype", "float32"}};
  return json.dump(2) + "\n";
}

std::string bert_config(const BertShape& s) {
  if (s.hidden_size < 1 || s.num_attention_heads < 1 || s.num_hidden_layers < 1 ||
      s.max_position_embeddings < 1 || s.hidden_size % s.num_attention_heads != 0) {
    invalid("hidden_size " + std::to_string(s.hidden_size) + ", num_attention_heads " +
            std::to_string(s.num_attention_heads) + ", num_hidden_layers " +
            std::to_string(s.num_hidden_layers) + "; expected heads that divide hidden_size");
  }
  const Json json = {
      {"architectures", {"BertModel"}},
      {"model_type", "bert"},
      {"hidden_size", s.hidden_size},
      {"intermediate_size", s.intermediate_size > 0 ? s.intermediate_size : 4 * s.hidden_size},
      {"num_hidden_layers", s.num_hidden_layers},
      {"num_attention_heads", s.num_attention_heads},
      {"hidden_act", "gelu"},
      {"max_position_embeddings", s.max_position_embeddings},
      {"type_vocab_size", 2},
      {"layer_norm_eps", 1e-12},
      {"initializer_range", 0.02},
      {"position_embedding_type", "absolute"},
      {"dtype", "float32"}};
  return json.dump(2) + "\n";
}

void write_untrained(const std::filesystem::path& folder, const std::string& text, int64_t pieces,
                     uint64_t seed) {
  const models::ConfigJson config(text, "the model's configuration");
  const std::string type = config.find_string("model_type").value_or("");
  const int64_t rounded = (pieces + 31) / 32 * 32;
  const int64_t vocabulary =
      std::max(rounded, config.find_int("vocab_size", 1, models::kContextMax).value_or(0));
  Weights weights(seed, config.find_double("initializer_range").value_or(0.02));
  if (type == "llama") {
    make_llama(config, vocabulary, weights);
  } else if (type == "bert") {
    make_bert(config, vocabulary, weights);
  } else if (type == "t5") {
    make_t5(config, vocabulary, weights);
  } else {
    throw Error(ErrorCode::kUnsupported, "[models] the model's configuration: model_type; got '" +
                                             type + "', expected llama, bert or t5");
  }
  weights.write(folder / "model.safetensors");
  Json json = Json::parse(text);
  json["vocab_size"] = vocabulary;
  write_file_atomic(folder / "config.json", json.dump(2) + "\n");
}

}  // namespace ondol

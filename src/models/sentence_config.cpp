#include "models/sentence_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "models/config_json.h"

namespace ondol::models {
namespace {

using Kind = PoolingConfig::Kind;

Kind pooling_kind(const ConfigJson& config) {
  constexpr std::array<std::pair<std::string_view, Kind>, 3> kKinds = {{
      {"pooling_mode_mean_tokens", Kind::kMean},
      {"pooling_mode_cls_token", Kind::kCls},
      {"pooling_mode_lasttoken", Kind::kLast},
  }};
  constexpr std::array<std::string_view, 3> kOthers = {"pooling_mode_max_tokens",
                                                       "pooling_mode_mean_sqrt_len_tokens",
                                                       "pooling_mode_weightedmean_tokens"};
  std::optional<Kind> kind;
  int chosen = 0;
  for (const auto& [field, value] : kKinds) {
    if (!config.find_bool(field).value_or(false)) continue;
    kind = value;
    ++chosen;
  }
  for (std::string_view field : kOthers) chosen += config.find_bool(field).value_or(false) ? 2 : 0;
  if (chosen != 1) {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + config.where() +
                    ": pooling mode; expected exactly one of mean, cls and last token");
  }
  return *kind;
}

}  // namespace

std::string folder_chat_template(const io::ModelTexts& texts, const std::string& where) {
  if (texts.chat_template) return *texts.chat_template;
  if (!texts.tokenizer_config) return "";
  const ConfigJson config(*texts.tokenizer_config, where + "/tokenizer_config.json");
  if (!config.has("chat_template")) return "";
  if (config.is_string("chat_template")) return *config.find_string("chat_template");
  for (const ConfigJson& named : config.objects("chat_template")) {
    if (named.find_string("name") == "default") return named.find_string("template").value_or("");
  }
  return "";
}

std::optional<PoolingConfig> folder_pooling(const io::ModelTexts& texts, int64_t context_max,
                                            const std::string& where) {
  if (!texts.modules) return std::nullopt;
  PoolingConfig pooling;
  pooling.normalize = false;
  pooling.tokens_max = context_max;
  bool pooled = false;
  for (const ConfigJson& module :
       ConfigJson::parse_array(*texts.modules, where + "/modules.json")) {
    const std::string type = module.find_string("type").value_or("");
    if (type.ends_with(".Transformer")) {
      continue;
    } else if (type.ends_with(".Pooling")) {
      if (!texts.pooling) {
        throw Error(ErrorCode::kCorruptData, "[models] " + where +
                                                 ": modules.json names a pooling module; expected "
                                                 "1_Pooling/config.json beside it");
      }
      pooling.kind = pooling_kind(ConfigJson(*texts.pooling, where + "/1_Pooling/config.json"));
      pooled = true;
    } else if (type.ends_with(".Normalize")) {
      pooling.normalize = true;
    } else {
      throw Error(ErrorCode::kUnsupported, "[models] " + where + "/modules.json: module; got '" +
                                               type +
                                               "', expected Transformer, Pooling or Normalize");
    }
  }
  if (!pooled) return std::nullopt;
  if (texts.sentence_bert_config) {
    const ConfigJson config(*texts.sentence_bert_config, where + "/sentence_bert_config.json");
    constexpr int64_t kTokensMax = int64_t{1} << 31;
    pooling.tokens_max = std::min(
        context_max, config.find_int("max_seq_length", 1, kTokensMax).value_or(context_max));
  }
  return pooling;
}

std::optional<PoolingConfig> gguf_pooling(const io::GgufMetadata& metadata,
                                          const std::string& architecture,
                                          const std::string& where) {
  // enum llama_pooling_type: 0 none, 1 mean, 2 cls, 3 last.
  const auto type = metadata.find_u64(architecture + ".pooling_type");
  if (!type || *type == 0) return std::nullopt;
  if (*type > 3) {
    throw Error(ErrorCode::kUnsupported, "[models] " + where + ": " + architecture +
                                             ".pooling_type; got " + std::to_string(*type) +
                                             ", expected 0 to 3");
  }
  PoolingConfig pooling;
  pooling.kind = *type == 1 ? Kind::kMean : *type == 2 ? Kind::kCls : Kind::kLast;
  pooling.tokens_max =
      static_cast<int64_t>(metadata.require_u64(architecture + ".context_length", 1u << 31));
  return pooling;
}

}  // namespace ondol::models

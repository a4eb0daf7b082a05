// The architectures, one row each, and what all of them share: finding the format, the tokenizer,
// the chat template, the hash.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "io/gguf.h"
#include "models/family.h"
#include "models/file_hash.h"
#include "models/sentence_config.h"
#include "models/tokenizer_gguf.h"

namespace ondol {
namespace {

struct Architecture {
  std::string_view name;  // general.architecture of GGUF, model_type of config.json
  void (*load_gguf)(const models::GgufModel& file, ThreadPool& pool, Model& model);
  void (*load_folder)(const models::FolderModel& folder, ThreadPool& pool, Model& model);
};

constexpr std::array kArchitectures = {
    Architecture{"llama", models::load_llama, models::load_llama},
    Architecture{"bert", models::load_bert, models::load_bert},
    Architecture{"t5", models::load_t5, models::load_t5},
    Architecture{"mt5", models::load_t5, models::load_t5},
};
constexpr std::array<std::string_view, kArchitectures.size()> kNames = [] {
  std::array<std::string_view, kArchitectures.size()> names;
  std::ranges::transform(kArchitectures, names.begin(), &Architecture::name);
  return names;
}();

const Architecture& find_architecture(const std::string& name, const std::string& where) {
  const auto row = std::ranges::find(kArchitectures, name, &Architecture::name);
  if (row != kArchitectures.end()) return *row;
  std::string known;
  for (std::string_view each : kNames) known += (known.empty() ? "" : ", ") + std::string(each);
  throw Error(ErrorCode::kUnsupported,
              "[models] " + where + ": architecture; got '" + name + "', expected one of " + known);
}

void check_vocabulary(const Model& model, const std::string& where) {
  const auto pieces = static_cast<int64_t>(model.tokenizer->vocab_size());
  if (pieces <= model.info.vocabulary) return;  // further rows are padding without a piece
  throw Error(ErrorCode::kCorruptData,
              "[models] " + where + ": tokenizer; got " + std::to_string(pieces) +
                  " pieces, expected at most the " + std::to_string(model.info.vocabulary) +
                  " rows of the embedding");
}

Model load_gguf(const std::filesystem::path& path, ThreadPool& pool,
                const std::filesystem::path& hash_cache, const LoadOptions& options) {
  const io::GgufFile file = io::GgufFile::open(path);
  const io::GgufMetadata& metadata = file.metadata();
  Model model;
  model.weight_form = options.encoder_weights;
  model.info.architecture = metadata.require_string("general.architecture");
  model.info.name = metadata.find_string("general.name").value_or("");
  const Architecture& architecture = find_architecture(model.info.architecture, file.name());
  model.tokenizer = text::make_tokenizer(models::tokenizer_config(metadata, file.name()));
  model.chat_template = metadata.find_string("tokenizer.chat_template").value_or("");
  architecture.load_gguf({file, metadata}, pool, model);
  if (model.encoder) {
    model.pooling = models::gguf_pooling(metadata, model.info.architecture, file.name());
  }
  check_vocabulary(model, file.name());
  model.hash = models::file_hash(path, hash_cache);
  return model;
}

// Names and hashes of all files, so that a renamed or missing one counts too.
std::string folder_hash(const io::ModelFolder& folder, const std::filesystem::path& root,
                        const std::filesystem::path& hash_cache) {
  std::string listing;
  for (const std::filesystem::path& file : folder.files()) {
    listing += file.lexically_relative(root).generic_string() + " " +
               models::file_hash(file, hash_cache) + "\n";
  }
  return sha256_hex(listing);
}

Model load_folder(const std::filesystem::path& path, ThreadPool& pool,
                  const std::filesystem::path& hash_cache, const LoadOptions& options) {
  const io::ModelFolder folder = io::ModelFolder::open(path);
  const io::ModelTexts& texts = folder.texts();
  const models::ConfigJson config(texts.config, (path / "config.json").string());
  Model model;
  model.weight_form = options.encoder_weights;
  model.info.architecture = config.find_string("model_type").value_or("");
  model.info.name = path.filename().string();
  const Architecture& architecture = find_architecture(model.info.architecture, config.where());
  if (!texts.tokenizer) {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + folder.name() +
                    ": no tokenizer.json, expected one; try saving the tokenizer in this form");
  }
  model.tokenizer = text::make_tokenizer(
      text::parse_tokenizer_json(*texts.tokenizer, texts.tokenizer_config.value_or("")));
  model.chat_template = models::folder_chat_template(texts, folder.name());
  architecture.load_folder({folder, config}, pool, model);
  model.pooling = models::folder_pooling(texts, model.info.context_tokens_max, folder.name());
  check_vocabulary(model, folder.name());
  model.hash = folder_hash(folder, path, hash_cache);
  return model;
}

}  // namespace

namespace models {

AttentionShape attention_shape(int64_t heads, int64_t kv_heads, int64_t head_width) {
  return {heads, kv_heads, head_width, 1 / std::sqrt(static_cast<float>(head_width))};
}

void check_heads(const std::string& where, int64_t heads, int64_t kv_heads, int64_t head_width) {
  constexpr int64_t kHeadWidthMax = 256;  // of the attention kernels
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0) {
    throw Error(ErrorCode::kCorruptData,
                "[models] " + where + ": attention heads; got " + std::to_string(heads) +
                    " query and " + std::to_string(kv_heads) + " key heads, expected a multiple");
  }
  if (head_width < 1 || head_width > kHeadWidthMax) {
    throw Error(ErrorCode::kUnsupported, "[models] " + where + ": width of a head; got " +
                                             std::to_string(head_width) + ", expected 1 to " +
                                             std::to_string(kHeadWidthMax));
  }
}

}  // namespace models

Model load_model(const std::filesystem::path& path, ThreadPool& pool,
                 const std::filesystem::path& hash_cache, LoadOptions options) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, "[models] no model at '" + path.string() +
                                          "', expected a GGUF file or a model folder");
  }
  if (options.all_f32) options.encoder_weights = WeightForm::kF32;
  Model model = std::filesystem::is_directory(path) ? load_folder(path, pool, hash_cache, options)
                                                    : load_gguf(path, pool, hash_cache, options);
  if (!model.encoder && options.encoder_weights != WeightForm::kFile && !options.all_f32) {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + path.string() + ": weights as " +
                    std::string(weight_form_name(options.encoder_weights)) +
                    "; got no encoder, expected one; try a quantised file of this model");
  }
  model.path = path;
  return model;
}

std::string_view weight_form_name(WeightForm form) {
  constexpr std::array<std::string_view, 4> kForms = {"file", "bf16", "int8", "f32"};
  return kForms.at(static_cast<size_t>(form));
}

DType matrix_dtype(WeightForm form, int64_t columns) {
  if (form == WeightForm::kF32) return DType::kF32;
  const bool blocks = columns % dtype_info(DType::kQ8_0).block_elements == 0;
  return form == WeightForm::kInt8 && blocks ? DType::kQ8_0 : DType::kBF16;
}

std::span<const std::string_view> supported_architectures() { return kNames; }

}  // namespace ondol

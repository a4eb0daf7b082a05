#include "io/model_folder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

using json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// A shard is a file of the folder itself: a name with a separator could point anywhere.
bool is_plain_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".safetensors";
  return name.size() > kSuffix.size() && name.ends_with(kSuffix) && name[0] != '.' &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == std::string_view::npos;
}

}  // namespace

ModelFolder ModelFolder::open(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[model folder] '{}' is no folder; expected one with config.json and "
                            "*.safetensors",
                            folder.string()));
  }
  ModelFolder result;
  result.folder_ = folder;
  result.name_ = folder.string();
  result.read_texts();
  result.open_weights();
  return result;
}

std::optional<std::string> ModelFolder::read_text(const std::string& file) {
  const fs::path path = folder_ / file;
  if (!fs::exists(path)) return std::nullopt;
  files_.push_back(path);
  return read_file(path, kTextBytes);
}

void ModelFolder::read_texts() {
  std::optional<std::string> config = read_text("config.json");
  if (!config) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[model folder] '{}' has no config.json; try the folder that holds the "
                            "model's weights",
                            name_));
  }
  texts_.config = std::move(*config);
  texts_.tokenizer = read_text("tokenizer.json");
  texts_.tokenizer_config = read_text("tokenizer_config.json");
  texts_.special_tokens_map = read_text("special_tokens_map.json");
  texts_.generation_config = read_text("generation_config.json");
  texts_.chat_template = read_text("chat_template.jinja");
  texts_.modules = read_text("modules.json");
  texts_.pooling = read_text("1_Pooling/config.json");
  texts_.sentence_bert_config = read_text("sentence_bert_config.json");
  texts_.sentence_transformers = read_text("config_sentence_transformers.json");
  texts_.vocabulary = read_text("vocab.txt");
}

// As transformers does, one whole file wins over an index.
void ModelFolder::open_weights() {
  if (fs::exists(folder_ / kSingle)) {
    files_.push_back(folder_ / kSingle);
    add_shard(SafetensorsFile::open(folder_ / kSingle));
  } else if (const std::optional<std::string> index = read_text(std::string(kIndex))) {
    open_shards(*index);
  } else {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[model folder] '{}' has no weights; expected {} or {}; try converting "
                            "the model to safetensors",
                            name_, kSingle, kIndex));
  }
}

void ModelFolder::open_shards(const std::string& index_text) {
  const auto corrupt = [&](const std::string& what) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[model folder] '{}': {}", (folder_ / kIndex).string(), what));
  };
  const json index = json::parse(index_text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object()) corrupt("the index is no JSON object");
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    corrupt("weight_map; expected an object from tensor names to file names");
  }
  std::set<std::string> shards;  // sorted: the order of tensors does not depend on the map
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !is_plain_name(shard.get_ref<const std::string&>())) {
      corrupt(
          fmt::format("file of '{}' in weight_map; got {}, expected a plain name that ends in "
                      ".safetensors",
                      printable(tensor), printable(shard.dump(-1, ' ', true))));
    }
    shards.insert(shard.get<std::string>());
  }
  if (shards.size() > kShards) corrupt(fmt::format("more than {} files in weight_map", kShards));
  std::unordered_map<std::string, size_t> number;
  for (const std::string& shard : shards) {
    number.emplace(shard, shards_.size());
    files_.push_back(folder_ / shard);
    add_shard(SafetensorsFile::open(folder_ / shard));
  }
  for (const auto& [tensor, shard] : map->items()) {
    const SafetensorsFile& file = shards_[number.at(shard.get<std::string>())];
    const auto found = shard_of_.find(tensor);
    const bool here = found != shard_of_.end() && &shards_[found->second] == &file;
    if (!here) {
      corrupt(fmt::format("weight_map names '{}' for tensor '{}', which is not in that file",
                          printable(shard.get<std::string>()), printable(tensor)));
    }
  }
}

void ModelFolder::add_shard(SafetensorsFile shard) {
  const size_t number = shards_.size();
  const auto claim = [&](const std::string& tensor) {
    if (!shard_of_.emplace(tensor, number).second) {
      throw Error(ErrorCode::kCorruptData,
                  fmt::format("[model folder] '{}': tensor '{}' stands in two files; expected one",
                              name_, printable(tensor)));
    }
  };
  for (const TensorInfo& tensor : shard.tensors()) {
    claim(tensor.name);
    index_.emplace(tensor.name, tensors_.size());
    tensors_.push_back(tensor);
  }
  for (const UnreadableTensor& tensor : shard.unreadable()) claim(tensor.name);
  shards_.push_back(std::move(shard));
}

const TensorInfo* ModelFolder::find_tensor(std::string_view tensor) const {
  const auto found = index_.find(std::string(tensor));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void ModelFolder::drop(const TensorInfo& tensor) const {
  const auto found = shard_of_.find(tensor.name);
  if (found != shard_of_.end()) shards_[found->second].drop(tensor);
}

std::string ModelFolder::unreadable_type(std::string_view tensor) const {
  for (const SafetensorsFile& shard : shards_) {
    for (const UnreadableTensor& other : shard.unreadable()) {
      if (other.name == tensor) return other.type;
    }
  }
  return {};
}

}  // namespace ondol::io

#include "io/model_folder.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "io/byte_cursor.h"
#include "io/shard_index.h"

namespace ondol::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

}  // namespace

ModelFolder ModelFolder::open(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
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
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
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
  std::error_code ignored;
  if (fs::exists(folder_ / kSingle, ignored)) {
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
  const std::string index = (folder_ / kIndex).string();
  const std::map<std::string, std::string> file_of = parse_shard_index(index_text, index);
  std::map<std::string, size_t> number;  // sorted: the order of tensors is that of the file names
  for (const auto& [tensor, file] : file_of) number.emplace(file, 0);
  if (number.size() > kShards) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[model folder] '{}': files in weight_map; got {}, expected at most {}",
                            index, number.size(), kShards));
  }
  for (auto& [file, position] : number) {
    position = shards_.size();
    files_.push_back(folder_ / file);
    add_shard(SafetensorsFile::open(folder_ / file));
  }
  for (const auto& [tensor, file] : file_of) {
    const auto found = shard_of_.find(tensor);
    if (found == shard_of_.end() || found->second != number.at(file)) {
      throw Error(
          ErrorCode::kCorruptData,
          fmt::format("[model folder] '{}': weight_map names '{}' for tensor '{}', which is "
                      "not in that file",
                      index, printable(file), printable(tensor)));
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

// A model folder as Hugging Face lays it out: config.json, tokenizer files, safetensors weights in
// one file or in shards listed by model.safetensors.index.json.
//
//   ModelFolder folder = ModelFolder::open("all-minilm-l6-v2");
//   parse(folder.texts().config); if (folder.texts().pooling) ...
//   const TensorInfo& weight = folder.require_tensor("embeddings.word_embeddings.weight");
//
// Texts are read as they are (parsing is for who knows their meaning). Shard names must be plain
// file names inside the folder. Throws Error: kNotFound (folder, config.json or weights missing),
// kCorruptData (broken index; a tensor that is not in the shard which the index names; a tensor in
// two shards), and what SafetensorsFile throws. Immutable after opening.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/safetensors.h"
#include "io/tensor_source.h"

namespace ondol::io {

// nullopt: the folder has no such file.
struct ModelTexts {
  std::string config;                                // config.json
  std::optional<std::string> tokenizer;              // tokenizer.json
  std::optional<std::string> tokenizer_config;       // tokenizer_config.json
  std::optional<std::string> special_tokens_map;     // special_tokens_map.json
  std::optional<std::string> generation_config;      // generation_config.json
  std::optional<std::string> chat_template;          // chat_template.jinja
  std::optional<std::string> modules;                // modules.json
  std::optional<std::string> pooling;                // 1_Pooling/config.json
  std::optional<std::string> sentence_bert_config;   // sentence_bert_config.json
  std::optional<std::string> sentence_transformers;  // config_sentence_transformers.json
  std::optional<std::string> vocabulary;             // vocab.txt
};

class ModelFolder final : public TensorSource {
 public:
  static constexpr size_t kTextBytes = size_t{256} << 20;  // largest met: tokenizer.json, 35 MB
  static constexpr size_t kShards = 10'000;

  static ModelFolder open(const std::filesystem::path& folder);

  const ModelTexts& texts() const { return texts_; }
  // Every file that was read, weights too, in a fixed order: what a hash of the model covers.
  std::span<const std::filesystem::path> files() const { return files_; }

  const std::string& name() const override { return name_; }
  std::span<const TensorInfo> tensors() const override { return tensors_; }
  const TensorInfo* find_tensor(std::string_view tensor) const override;
  void drop(const TensorInfo& tensor) const override;

 private:
  ModelFolder() = default;
  std::string unreadable_type(std::string_view tensor) const override;
  std::optional<std::string> read_text(const std::string& file);
  void read_texts();
  void open_weights();
  void open_shards(const std::string& index_text);
  void add_shard(SafetensorsFile shard);

  std::filesystem::path folder_;
  std::string name_;
  ModelTexts texts_;
  std::vector<std::filesystem::path> files_;
  std::vector<SafetensorsFile> shards_;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> index_;     // tensor -> tensors_
  std::unordered_map<std::string, size_t> shard_of_;  // tensor -> shards_
};

}  // namespace ondol::io

#include "models/model_texts.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "io/gguf.h"
#include "io/model_folder.h"
#include "models/family.h"
#include "text/tokenizer_json_write.h"

namespace ondol {
namespace {

using Json = nlohmann::ordered_json;

std::string with_type(const std::string& config) {
  Json json = Json::parse(config);
  json.erase("torch_dtype");
  json["dtype"] = "float32";
  json.erase("quantization_config");
  return json.dump(2) + "\n";
}

std::map<std::string, std::string> folder_texts(const Model& model) {
  std::map<std::string, std::string> texts;
  const io::ModelFolder folder = io::ModelFolder::open(model.path);
  for (const std::filesystem::path& file : folder.files()) {
    const std::string name = file.lexically_relative(model.path).generic_string();
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")) continue;
    texts[name] = read_file(file);
  }
  texts["config.json"] = with_type(folder.texts().config);
  return texts;
}

std::map<std::string, std::string> gguf_texts(const Model& model) {
  const io::GgufFile file = io::GgufFile::open(model.path);
  if (model.info.architecture != "llama") {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + file.name() + ": config.json of architecture '" +
                    model.info.architecture + "' is not written; try a safetensors folder");
  }
  const text::TokenizerConfig& tokenizer = model.tokenizer->config();
  Json config = Json::parse(models::llama_config_json({file, file.metadata()}));
  config["vocab_size"] = model.info.vocabulary;
  if (tokenizer.bos) config["bos_token_id"] = *tokenizer.bos;
  if (tokenizer.eos) config["eos_token_id"] = *tokenizer.eos;
  if (tokenizer.pad) config["pad_token_id"] = *tokenizer.pad;
  return {
      {"config.json", config.dump(2) + "\n"},
      {"tokenizer.json", text::tokenizer_json(tokenizer)},
      {"tokenizer_config.json",
       text::tokenizer_config_json(tokenizer, model.info.context_tokens_max, model.chat_template)}};
}

}  // namespace

std::map<std::string, std::string> model_texts(const Model& model) {
  return std::filesystem::is_directory(model.path) ? folder_texts(model) : gguf_texts(model);
}

}  // namespace ondol

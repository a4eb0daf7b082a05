// What stands beside the weights of a model: chat template, and how sentence vectors are pooled
// (sentence-transformers' modules.json, 1_Pooling/config.json, sentence_bert_config.json).
#pragma once

#include <optional>
#include <string>

#include "io/gguf_metadata.h"
#include "io/model_folder.h"
#include "models/model.h"

namespace ondol::models {

// chat_template.jinja, else tokenizer_config.json's chat_template (its "default" where there are
// several); empty: none.
std::string folder_chat_template(const io::ModelTexts& texts, const std::string& where);

// nullopt: the folder is no sentence-transformers model. Throws Error(kUnsupported) for a module or
// a pooling that nothing here implements.
std::optional<PoolingConfig> folder_pooling(const io::ModelTexts& texts, int64_t context_max,
                                            const std::string& where);

// `<architecture>.pooling_type` of an encoder's GGUF file; nullopt: absent or "none".
std::optional<PoolingConfig> gguf_pooling(const io::GgufMetadata& metadata,
                                          const std::string& architecture,
                                          const std::string& where);

}  // namespace ondol::models

// What stands beside the weights in a Hugging Face folder of a model.
//
//   for (const auto& [name, text] : model_texts(model)) write_file_atomic(folder / name, text);
#pragma once

#include <map>
#include <string>

#include "models/model.h"

namespace ondol {

// Files by name (config.json, tokenizer.json, ...): of a folder its own, with config.json saying
// that the weights are f32; of a GGUF file what its metadata becomes. Throws Error(kUnsupported)
// for a GGUF file of what config.json cannot say, and what reading the files throws.
std::map<std::string, std::string> model_texts(const Model& model);

}  // namespace ondol

// Whole weights that an adapter brings beside its matrices (PEFT's modules_to_save): embeddings,
// the head, norms of a decoder. They take the place of the model's own, so such an adapter needs a
// model of its own; its matrices stay an attribute of each sequence.
//
//   LoadedAdapter adapter = load_adapter("runs/x/best", model);
//   if (!adapter.saved.empty()) put_saved(own, adapter, WeightForm::kInt8, pool);   // `own`:
//   loaded anew
#pragma once

#include "models/adapter_file.h"

namespace ondol {

// The weight's matrix in `model` takes the form (kInt8: blocks of 32 with a scale, rows that no
// block divides bf16; kBf16; kF32) of the saved values, vectors are f32. Model::hash becomes
// adapter.model_hash. Throws Error(kInvalidArgument): a weight that the model does not have, of
// another shape, or one that adapters have matrices for.
void put_saved(Model& model, const LoadedAdapter& adapter, WeightForm form, ThreadPool& pool);

namespace models {

// Whether `name` is that of the module, whole or its end behind a dot ("q_proj"), as PEFT's lists
// of modules are read.
bool names_module(std::string_view name, std::string_view module);
// Whether the head of this decoder is the embedding.
bool tied_head(const Model& model);
// Makes hash and model_hash those of an adapter with what it saved.
void hash_saved(LoadedAdapter& adapter);

}  // namespace models
}  // namespace ondol

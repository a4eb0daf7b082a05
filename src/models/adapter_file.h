// LoRA adapters in files: PEFT folders (adapter_config.json + adapter_model.safetensors) and
// llama.cpp's GGUF adapters. Read for one model, applied unmerged (architecture, contract 6).
//
//   auto adapter = std::make_shared<const LoadedAdapter>(load_adapter("runs/x/best", model));
//   slice.adapter = &adapter->adapter;                  // or GenerateRequest::adapter
//   write_peft_adapter("out", model, adapter->adapter, {.base_model = "org/name"});
//   write_gguf_adapter("out.gguf", model, adapter->adapter);
//
// Files are not trusted: wrong shapes and ranks, missing halves, tensors of another model and
// values that are no numbers are Error(kCorruptData), what nothing here applies (trained biases,
// matrices beside embeddings) is Error(kUnsupported) saying what to try; both name file and
// tensor. Whole weights (modules_to_save) are read; adapter_saved.h puts them into a model.
// Sources: peft/tuners/lora of Hugging Face PEFT 0.21; convert_lora_to_gguf of llama.cpp.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/model.h"

namespace ondol {

// An adapter with what names it. Immutable once made; sequences of one batch share one object.
struct LoadedAdapter {
  Adapter adapter;  // by slot of the model
  // PEFT's modules_to_save: weights in place of the model's own, by Hugging Face's names, rows in
  // its order, f32. With any, requests go to a model that put_saved() made, and to no other.
  std::vector<std::pair<std::string, Tensor>> saved;
  std::string hash;        // adapter_hash(), and what is saved
  std::string model_hash;  // Model::hash of the model it was read for, or that put_saved() made
  std::filesystem::path path;
  std::vector<std::string> warnings;  // what of the file was not used: unknown config keys, ...
  bool use_rslora = false;            // as the file says it; the scales are already that way
  std::string base_model;             // what the file calls its base; may be empty
  int64_t matrices() const;           // linears that it adds to
  int64_t rank_max() const;
};

// `path` is a PEFT folder or a GGUF file. Throws Error: kNotFound, kCorruptData, kUnsupported (see
// above), kInvalidArgument when it belongs to another model.
LoadedAdapter load_adapter(const std::filesystem::path& path, const Model& model);

// An adapter made in memory, as a generator takes it. Its tensors are shared, not copied: they must
// not change while it is used. The lengths that magnitudes need (DoRA) are computed here, once.
// Throws Error(kInvalidArgument) when a shape does not fit the model.
LoadedAdapter make_loaded_adapter(Adapter adapter, const Model& model);

// SHA-256 over modules, scales and matrices in Hugging Face's order of rows: the same for one
// adapter on a GGUF file and on a safetensors folder, and wherever it was read from.
std::string adapter_hash(std::span<const LinearSlot> linears, const Adapter& adapter);

struct PeftWriteOptions {
  bool use_rslora = false;  // write alpha for scale = alpha / sqrt(r); the same scales either way
  double lora_dropout = 0;
  std::string base_model;                                  // base_model_name_or_path; empty: null
  std::vector<std::pair<std::string, Tensor>> saved = {};  // as LoadedAdapter::saved
};

// Writes the two files of a PEFT folder: a reader finds the old adapter, none, or the new one, and
// never parts of two. Other files of the folder stay. f32.
void write_peft_adapter(const std::filesystem::path& folder, const Model& model,
                        const Adapter& adapter, const PeftWriteOptions& options);

// The two files of a PEFT folder, for callers that write them with files of their own
// (checkpoints): tensors by name, lora_A [r, columns], lora_B [rows, r] and lora_magnitude_vector
// [rows], and the text of adapter_config.json. Throws Error(kUnsupported) when some matrices have
// magnitudes and others none: PEFT says use_dora for all.
// `saved` of the options is among both.
std::vector<std::pair<std::string, Tensor>> peft_tensors(const Model& model, const Adapter& adapter,
                                                         const PeftWriteOptions& options);
std::string peft_config(const Model& model, const Adapter& adapter,
                        const PeftWriteOptions& options);

// Writes a GGUF adapter, f32. llama.cpp scales by adapter.lora.alpha / rank, one alpha for all:
// where scales of linears differ by more than that, their ratio is folded into lora_b. Throws
// Error(kUnsupported) for a linear that GGUF has no name for, and for magnitudes (DoRA), which
// such files cannot hold.
void write_gguf_adapter(const std::filesystem::path& file, const Model& model,
                        const Adapter& adapter);

}  // namespace ondol

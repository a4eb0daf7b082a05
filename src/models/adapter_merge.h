// Adds an adapter to the weights of its base and writes the result as a model of its own, in the
// format of the base (a GGUF file or a model folder). The base is read, never changed.
//
//   MergeResult r = merge_adapter("base.gguf", model, adapter, "merged.gguf", {});
//
// Only the matrices that the adapter adds to are dequantised, summed in f32 and encoded again, and
// the weights that it saved whole (adapter_saved.h) take the place of the base's;
// every other tensor and all metadata is copied as it stands. The output appears as a whole or not
// at all. Memory: the merged matrices are held until the file is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/dtype.h"
#include "models/adapter_file.h"

namespace ondol {

struct MergeResult {
  int64_t matrices = 0;                  // that were merged
  std::map<std::string, int64_t> types;  // of these, as written: "q8_0" -> 210
  // Matrices of types that nothing here encodes, by type; they were written as f16.
  std::map<std::string, int64_t> widened;
};

// `model` is what load_model(base) gave, `adapter` was made for it. `type`: f32, f16, bf16 or (GGUF
// alone) q8_0; nullopt: each matrix in its own type where that can be encoded, else f16. Throws
// Error: kInvalidArgument (output is the base, exists as a folder, or asks for the other format),
// kUnsupported (a type), kResourceExhausted (the disk).
MergeResult merge_adapter(const std::filesystem::path& base, const Model& model,
                          const LoadedAdapter& adapter, const std::filesystem::path& output,
                          std::optional<DType> type);

}  // namespace ondol

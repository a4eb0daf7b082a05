// What the readers and writers of adapter files share. Internal to the room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "io/tensor_source.h"
#include "models/adapter_file.h"

namespace ondol::models {

// The order of lora_B's rows in a file.
enum class RowOrder : uint8_t { kHuggingFace, kGguf };

[[noreturn]] void corrupt_adapter(const std::string& where, const std::string& what);
[[noreturn]] void unsupported_adapter(const std::string& where, const std::string& what);
// The file holds `tensor`, which fits nothing of `model`.
[[noreturn]] void other_model(const std::string& where, const std::string& tensor,
                              const std::string& why, const Model& model,
                              const std::string& base_model);

// The two halves of one linear's addition, as tensors of the file: a [r, columns], b [rows, r].
// DoRA's magnitudes [rows] where it has them.
struct Halves {
  const io::TensorInfo* a = nullptr;
  const io::TensorInfo* b = nullptr;
  const io::TensorInfo* magnitude = nullptr;
};

// Checks both halves of every slot against each other and the model and reads them; entries with
// neither stay empty. Scales are 1.
Adapter read_halves(const io::TensorSource& source, const std::vector<Halves>& by_slot,
                    RowOrder order, const Model& model, const std::string& base_model);

// A tensor's values as f32; not a float or quantised type, and no finite number, are errors.
std::vector<float> read_values(const io::TensorSource& source, const io::TensorInfo& tensor);

// lora_A [r, columns], lora_B [rows, r] and magnitudes [rows] of a slot, as a file holds them.
std::vector<float> lora_a_of(const ops::LowRank& pair);
std::vector<float> lora_b_of(const ops::LowRank& pair, const LinearSlot& slot, RowOrder order);

std::vector<float> magnitude_of(const ops::LowRank& pair, const LinearSlot& slot, RowOrder order);

// The value that most of the numbers have; the smallest of several. Not empty.
double most_common(std::vector<double> values);

LoadedAdapter read_peft_adapter(const std::filesystem::path& folder, const Model& model);
LoadedAdapter read_gguf_adapter(const std::filesystem::path& file, const Model& model);

}  // namespace ondol::models

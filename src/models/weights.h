// Weights of one model file by our own names.
//
//   constexpr WeightName kNames[] = {
//       {"query", "blk.{}.attn_q.weight", "model.layers.{}.self_attn.q_proj.weight"}, ...};
//   WeightReader reader(source, WeightFormat::kGguf, kNames, pool);
//   nn::Linear query = reader.linear("query", layer, rows, columns);
//   reader.finish({"rotary_emb.inv_freq"});   // an unread tensor is an error: it would change
//   results
//
// Every weight is packed and its file pages dropped at once, so memory peaks at one packed copy
// plus one tensor. Errors name file, tensor, got and expected.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "io/tensor_source.h"
#include "models/model.h"
#include "nn/linear.h"

namespace ondol::models {

enum class WeightFormat : uint8_t { kGguf, kSafetensors };

// `{}` stands for the layer. An empty name: the format has no such weight.
struct WeightName {
  std::string_view ours;
  std::string_view gguf;
  std::string_view safetensors;
};

// The name in a format; without a row of the table this throws.
std::string weight_name(std::span<const WeightName> names, std::string_view ours, int64_t layer,
                        WeightFormat format);

// Lists the weights of a model's blocks under Hugging Face's names.
class WeightList {
 public:
  explicit WeightList(std::span<const WeightName> names) : names_(names) {}
  void matrix(std::string_view ours, int64_t layer, PackedMatrix& matrix, int64_t paired_heads = 0);
  void linear(std::string_view ours, int64_t layer, nn::Linear& linear, int64_t paired_heads = 0);
  void norm(std::string_view ours, int64_t layer, nn::Norm& norm);
  std::vector<WeightRef> take() { return std::move(list_); }

 private:
  void vector(const std::string& name, const Tensor& vector, int64_t paired_heads);

  std::span<const WeightName> names_;
  std::vector<WeightRef> list_;
};

enum class Bias : uint8_t { kNone, kIfPresent, kRequired };

class WeightReader {
 public:
  // `prefix` stands before every name of the file ("bert." in some folders).
  WeightReader(const io::TensorSource& source, WeightFormat format,
               std::span<const WeightName> names, ThreadPool& pool, std::string prefix = "");

  // The file's name of a weight, or its name in another format.
  std::string name(std::string_view ours, int64_t layer = 0) const;
  std::string name(std::string_view ours, int64_t layer, WeightFormat format) const;
  bool has(std::string_view ours, int64_t layer = 0) const;
  // Rows of a matrix that is `columns` wide: the vocabulary of an embedding.
  int64_t rows_of(std::string_view ours, int64_t columns) const;

  PackedMatrix matrix(std::string_view ours, int64_t layer, int64_t rows, int64_t columns,
                      WeightForm form = WeightForm::kFile);
  Tensor vector(std::string_view ours, int64_t layer, int64_t size);
  // The bias has the weight's name with `.weight` turned to `.bias`.
  // Float weights are turned into `form`; quantised ones keep their own, but for kF32.
  nn::Linear linear(std::string_view ours, int64_t layer, int64_t rows, int64_t columns, Bias bias,
                    WeightForm form = WeightForm::kFile);
  nn::Norm layer_norm(std::string_view ours, int64_t layer, int64_t width, float epsilon);
  nn::Norm rms_norm(std::string_view ours, int64_t layer, int64_t width, float epsilon);

  // Marks a weight as known though unread (a copy of a tied one).
  void skip(std::string_view ours) { used_.insert(name(ours)); }
  // Throws Error(kUnsupported) if a tensor was never read and holds none of these texts in its
  // name.
  void finish(std::span<const std::string_view> ignored) const;
  // What linear() read, by slot. `paired_heads` of a slot is the family's to say.
  std::vector<LinearSlot>& linears() { return linears_; }
  // Counts what was read: parameters, weights_bytes, weights_summary.
  void describe(ModelInfo& info) const;

 private:
  PackedMatrix pack(const io::TensorInfo& tensor, int64_t rows, int64_t columns, WeightForm form);
  Tensor read_vector(const std::string& file_name, int64_t size);
  void count(const io::TensorInfo& tensor, DType held, size_t bytes_held);

  const io::TensorSource& source_;
  WeightFormat format_;
  std::span<const WeightName> names_;
  ThreadPool& pool_;
  std::string prefix_;
  PackArena arena_;
  std::unordered_set<std::string> used_;
  std::vector<LinearSlot> linears_;
  std::map<std::string_view, int64_t> tensors_by_type_;
  int64_t parameters_ = 0;
  size_t bytes_held_ = 0;
};

}  // namespace ondol::models

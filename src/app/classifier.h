// Heads beside an encoder in the folder of a run: what `ondol train classify` and mlm save, and the
// classifier that `ondol predict` uses.
//
//   Classifier classifier("runs/x/best", *model, pool);
//   for (size_t label : classifier.labels_of(data, context)) ...
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "train/sentence.h"

namespace ondol::app {

inline constexpr const char* kHeadFile = "head.safetensors";
inline constexpr const char* kLabelsFile = "labels.json";

// Tensors of a head as a safetensors file.
std::string head_bytes(std::span<const train::Parameter> parameters);
// Their values from the folder. Throws Error(kCorruptData) naming file and tensor.
void read_head(const std::filesystem::path& folder, std::span<const train::Parameter> parameters,
               ThreadPool& pool);
// labels.json: the classes by index, and how many tokens of a text are read.
std::string labels_json(std::span<const std::string> labels, int64_t max_length);

ops::Pooling pooling_of(const Model& model);

class Classifier {
 public:
  // `model` was loaded from `folder` and outlives this. Throws Error(kNotFound, kCorruptData) when
  // the folder has no classifier.
  Classifier(const std::filesystem::path& folder, const Model& model, ThreadPool& pool);
  std::span<const std::string> labels() const { return labels_; }
  // The likeliest label of every row, by index; rows are texts with labels (a label that the
  // classifier does not know is Error(kCorruptData), naming the row).
  std::vector<size_t> labels_of(const train::Dataset& data, const ops::Context& context,
                                ProgressSink& progress);

 private:
  const Model& model_;
  std::vector<std::string> labels_;
  int64_t max_length_ = 0;
  std::unique_ptr<train::SentenceHead> head_;
};

}  // namespace ondol::app

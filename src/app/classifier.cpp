#include "app/classifier.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "ops/linear.h"

namespace ondol::app {

std::string head_bytes(std::span<const train::Parameter> parameters) {
  io::SafetensorsWriter writer;
  writer.set_metadata("format", "pt");
  for (const train::Parameter& p : parameters) {
    writer.add_tensor(p.name, p.value.dtype(), p.value.shape(), p.value.bytes());
  }
  return writer.build();
}

void read_head(const std::filesystem::path& folder, std::span<const train::Parameter> parameters,
               ThreadPool& pool) {
  const auto file = io::SafetensorsFile::open(folder / kHeadFile);
  for (const train::Parameter& p : parameters) {
    file.require_tensor(p.name, p.value.shape());
    const std::vector<float> values = file.read_f32(p.name);
    Tensor value = p.value;  // the same storage
    std::ranges::copy(values, value.data());
    if (p.packed) p.packed->assign({value.data(), p.packed->columns(), 1}, pool);
  }
}

std::string labels_json(std::span<const std::string> labels, int64_t max_length) {
  const nlohmann::ordered_json json = {
      {"labels", std::vector<std::string>(labels.begin(), labels.end())},
      {"max_length", max_length}};
  return json.dump(1) + "\n";
}

ops::Pooling pooling_of(const Model& model) {
  return model.pooling ? model.pooling->kind : ops::Pooling::kMean;
}

Classifier::Classifier(const std::filesystem::path& folder, const Model& model, ThreadPool& pool)
    : model_(model) {
  const std::filesystem::path file = folder / kLabelsFile;
  constexpr size_t kBytesMax = size_t{1} << 24;
  try {
    const auto json = nlohmann::json::parse(read_file(file, kBytesMax));
    labels_ = json.at("labels").get<std::vector<std::string>>();
    max_length_ = json.at("max_length").get<int64_t>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorruptData, "[predict] " + file.string() + ": " + error.what());
  }
  if (labels_.size() < 2 || max_length_ < 1 || !std::ranges::is_sorted(labels_)) {
    throw Error(ErrorCode::kCorruptData, "[predict] " + file.string() +
                                             ": expected two and more sorted labels and a length");
  }
  head_ = std::make_unique<train::SentenceHead>(static_cast<int64_t>(labels_.size()),
                                                model.info.width, 0, pool);
  const train::Parameter parameter = head_->parameter();
  read_head(folder, {&parameter, 1}, pool);
}

std::vector<size_t> Classifier::labels_of(const train::Dataset& data, const ops::Context& context,
                                          ProgressSink& progress) {
  constexpr size_t kBatch = 64;
  train::SentenceObjective objective(
      model_, {train::SentenceLoss::kLabels, pooling_of(model_)}, {}, nullptr, head_.get(), {},
      train::encode_sentences(data, *model_.tokenizer, max_length_, labels_));
  std::vector<size_t> found;
  for (size_t begin = 0; begin < data.rows.size(); begin += kBatch) {
    progress.update("predict", begin, data.rows.size());
    std::vector<uint32_t> examples;
    for (size_t i = begin; i < std::min(data.rows.size(), begin + kBatch); ++i) {
      examples.push_back(static_cast<uint32_t>(i));
    }
    const Tensor pooled = objective.vectors(context, train::Split::kValidation, examples);
    Tensor logits;
    const ops::LinearPart part{.weight = &head_->matrix, .out = &logits};
    ops::linear(context, pooled, {&part, 1});
    for (int64_t i = 0; i < logits.dim(0); ++i) {
      const std::span<const float> row = logits.row(i);
      found.push_back(static_cast<size_t>(std::ranges::max_element(row) - row.begin()));
    }
  }
  return found;
}

}  // namespace ondol::app

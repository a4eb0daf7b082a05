// Sentence embeddings as a library. Standard library types only; no ABI promise between versions.
//
//   auto model = ondol::api::EmbeddingModel::open("all-minilm-l6-v2");
//   std::vector<std::vector<float>> vectors = model.embed({"a ferry", "a boat"});
//   float similarity = ondol::api::similarity(vectors[0], vectors[1]);
//
// Movable, not copyable; thread-safe. Errors are std::runtime_error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ondol/text_model.h"  // ModelOptions

namespace ondol::api {

class EmbeddingModel {
 public:
  static EmbeddingModel open(const std::string& name_or_path, const ModelOptions& options = {});
  ~EmbeddingModel();
  EmbeddingModel(EmbeddingModel&&) noexcept;
  EmbeddingModel& operator=(EmbeddingModel&&) noexcept;

  // One vector a text, pooled and normalised as the model's own files say.
  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts);
  int64_t dimensions() const;

 private:
  struct State;
  explicit EmbeddingModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Cosine similarity of two vectors of the same model.
float similarity(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace ondol::api

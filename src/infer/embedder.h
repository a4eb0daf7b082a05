// Texts to vectors.
//
//   std::vector<std::vector<float>> v = embedder.embed({"first text", "second"});   // unit length
//   if normalised
//
// Thread-safe: calls queue up. Texts longer than the model's window are an error unless
// options.truncate says so, and then the result tells which were cut (promise 1: nothing silent).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondol {

struct EmbedOptions {
  bool truncate = false;
};

struct EmbedResult {
  std::vector<std::vector<float>> vectors;  // one a text
  std::vector<size_t> truncated;            // indices of texts that were cut
  int64_t tokens = 0;
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual EmbedResult embed(std::span<const std::string> texts, const EmbedOptions& options) = 0;
  virtual int64_t dimensions() const = 0;
  virtual int64_t tokens_max() const = 0;
  // Tokens of one text, without special ones: what the chunker counts with.
  virtual int64_t count_tokens(const std::string& text) const = 0;
  // A stable hash of weights, tokenizer and pooling: vectors of another id are never mixed with
  // these.
  virtual std::string id() const = 0;
  // Languages whose text this model was made for ("en"); ingest turns the vector half off for
  // others.
  virtual std::vector<std::string> languages() const = 0;
};

}  // namespace ondol

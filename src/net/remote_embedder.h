// An embedding model behind an OpenAI-compatible service (/embeddings), as an Embedder.
//
//   RemoteEmbedder embedder({.name = "e", .url = "http://127.0.0.1:8000/v1", .model = "bge-m3"},
//                           {"en", "ko"});
//
// Vectors are brought to unit length. The width is asked for with the first texts. Token counts are
// estimates (remote_generator.h), rather too high, so a text that passes here fits there.
// Thread-safe.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "infer/embedder.h"
#include "net/remote_generator.h"

namespace ondol::net {

class RemoteEmbedder final : public Embedder {
 public:
  // `languages`: those that the model was made for. Throws Error(kInvalidArgument) for an endpoint
  // that cannot be.
  RemoteEmbedder(Endpoint endpoint, std::vector<std::string> languages);

  // Throws as the service does: Error(kUnavailable, kInvalidArgument, kNotFound, kCorruptData).
  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions& options) override;
  int64_t dimensions() const override;  // asks the service where nothing was embedded yet
  int64_t tokens_max() const override { return endpoint_.context_tokens_max; }
  int64_t count_tokens(const std::string& text) const override { return estimated_tokens(text); }
  std::string id() const override;
  std::vector<std::string> languages() const override { return languages_; }

 private:
  EmbeddingsReply ask(std::span<const std::string> texts) const;

  Endpoint endpoint_;
  std::vector<std::string> languages_;
  HttpClient client_;
  mutable std::atomic<int64_t> dimensions_{0};
};

}  // namespace ondol::net

// The embedder that runs a model in this process: a sentence encoder pooled as its modules say, or
// the mean of a decoder's last hidden states. See infer/embedder.h for the contract.
#pragma once

#include <memory>
#include <mutex>

#include "infer/embedder.h"
#include "kernels/kernels.h"
#include "models/model.h"

namespace ondol {

struct LocalEmbedderOptions {
  Precision precision = Precision::kFast;
  int64_t batch_tokens_max = 4096;  // tokens computed together; affects speed and memory only
  Profile* profile = nullptr;       // where it writes what took how long; null: nowhere
};

class LocalEmbedder final : public Embedder {
 public:
  LocalEmbedder(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                LocalEmbedderOptions options);
  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions& options) override;
  int64_t dimensions() const override;
  int64_t tokens_max() const override;
  int64_t count_tokens(const std::string& text) const override;
  std::string id() const override;
  std::vector<std::string> languages() const override;

 private:
  std::vector<text::TokenId> encode(const std::string& text, bool truncate, bool& cut) const;
  void embed_batch(std::span<const std::vector<text::TokenId>> batch, std::span<const size_t> slots,
                   std::vector<std::vector<float>>& out);
  Tensor forward(std::span<const std::vector<text::TokenId>> batch, SequenceBatch& layout);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;
  LocalEmbedderOptions options_;
  PoolingConfig pooling_;
  std::mutex mutex_;
};

}  // namespace ondol

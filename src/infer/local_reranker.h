// The reranker that runs a cross-encoder in this process. See infer/reranker.h for the contract.
#pragma once

#include <memory>
#include <mutex>

#include "infer/reranker.h"
#include "models/cross_encoder.h"

namespace ondol {

struct LocalRerankerOptions {
  Precision precision = Precision::kFast;
  int64_t batch_tokens_max = 4096;  // computed together; affects speed and memory only
  Profile* profile = nullptr;       // where it writes what took how long; null: nowhere
};

class LocalReranker final : public Reranker {
 public:
  // Throws as CrossEncoder does.
  LocalReranker(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                LocalRerankerOptions options);
  std::vector<double> scores(const std::string& question,
                             std::span<const std::string> passages) override;
  std::string id() const override;

 private:
  CrossEncoder cross_;
  std::unique_ptr<ThreadPool> pool_;
  LocalRerankerOptions options_;
  std::mutex mutex_;
};

}  // namespace ondol

#include "infer/local_reranker.h"

#include "infer/local_generator.h"  // kNumericsVersion

namespace ondol {

LocalReranker::LocalReranker(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                             LocalRerankerOptions options)
    : cross_(std::move(model)), pool_(std::move(pool)), options_(options) {}

std::string LocalReranker::id() const {
  const Model& model = cross_.model();
  return model.hash + "/" + std::string(weight_form_name(model.weight_form)) +
         (options_.precision == Precision::kExact ? "/exact/" : "/fast/") +
         std::string(kernel_isa(best_kernels())) + "/" + std::to_string(kNumericsVersion);
}

std::vector<double> LocalReranker::scores(const std::string& question,
                                          std::span<const std::string> passages) {
  const std::lock_guard lock(mutex_);
  const ops::Context context{*pool_, best_kernels(), options_.precision, ops::Form::kFused,
                             options_.profile};
  std::vector<double> all;
  std::vector<TokenPair> batch;
  int64_t tokens = 0;
  const auto flush = [&] {
    for (const float score : cross_.scores(context, batch)) all.push_back(score);
    batch.clear();
    tokens = 0;
  };
  for (const std::string& passage : passages) {
    TokenPair pair = cross_.pair(question, passage);
    const auto count = static_cast<int64_t>(pair.ids.size());
    if (tokens + count > options_.batch_tokens_max) flush();
    tokens += count;
    batch.push_back(std::move(pair));
  }
  flush();
  return all;
}

}  // namespace ondol

// What may stand around a retriever of any kind. make_retriever builds, from the inside outwards:
//
//   kind -> multi-query | hyde | follow-up -> rerank -> diversity -> rewrite -> expand
//
// so that a question is rewritten before everything else reads it, and passages are ordered before
// they grow. Each is one file and one row in decorators.cpp. All keep the promises of Retriever: at
// most k, best first, no chunk twice, principal and filter honoured, thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ground/retriever.h"

namespace ondol::ground {

// Holds what it stands around and passes its kind and notices on.
class Decorator : public Retriever {
 public:
  Decorator(std::unique_ptr<Retriever> base, const RetrieverConfig& config, Corpus& corpus)
      : base_(std::move(base)), config_(config), corpus_(corpus) {}
  std::string_view kind() const override { return base_->kind(); }
  std::vector<std::string> take_notices() override;

 protected:
  // Counts a question for which the model gave nothing usable and the plain search was made.
  void count_asked(size_t questions) { asked_ += static_cast<int64_t>(questions); }
  void count_plain(size_t questions) { plain_ += static_cast<int64_t>(questions); }
  Retriever& base() { return *base_; }

  std::unique_ptr<Retriever> base_;
  RetrieverConfig config_;
  Corpus& corpus_;

 private:
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> plain_{0};
};

using MakeDecorator = std::unique_ptr<Retriever> (*)(std::unique_ptr<Retriever> base,
                                                     const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_rewrite(std::unique_ptr<Retriever> base,
                                        const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_multi_query(std::unique_ptr<Retriever> base,
                                            const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_follow_up(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus);
// Whether `rerank` names a way of asking the workspace's model, not a cross-encoder.
bool reranks_by_model(std::string_view rerank);
std::unique_ptr<Retriever> make_reranking(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_diverse(std::unique_ptr<Retriever> base,
                                        const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_expanding(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus);
// hyde changes what is embedded, so it makes its own base over a corpus of its own.
using MakeBase = std::unique_ptr<Retriever> (*)(const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_hyde(MakeBase make, const RetrieverConfig& config, Corpus& corpus);

// `make`'s retriever with all that the config asks for around it. Throws Error(kInvalidArgument)
// for fields that the corpus cannot serve.
std::unique_ptr<Retriever> decorate(MakeBase make, EmbedderUse embedder,
                                    const RetrieverConfig& config, Corpus& corpus);
// Throws Error(kInvalidArgument) naming a field of the decorators that is out of range.
void check_decorators(const RetrieverConfig& config);

// sum over the lists of 1 / (constant + rank), as fuse_reciprocal_ranks; each piece as the first
// list that has it gives it, with the new score.
std::vector<Evidence> fuse_evidence(std::span<const std::vector<Evidence>> lists, double constant,
                                    size_t k);

}  // namespace ondol::ground

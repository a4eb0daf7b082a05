// The generator of an encoder-decoder (T5): the encoder reads the prompt once, the decoder writes
// while it looks at it. See infer/generator.h for the contract.
//
//   Seq2SeqGenerator generator(model, std::make_unique<ThreadPool>(2), {});
//   generator.generate({.prompt = RawText{"translate English to German: Hello"}});
//
// One request at a time, computed by the caller of wait(): samples of a request run as one batch,
// requests queue. A prompt is raw text or ids: such models have no turns, so more than one message,
// a system text or a begun answer is Error(kUnsupported), and so is a mask of allowed tokens. Text
// ends with the model's end token whether or not the tokenizer puts it there, as T5's own does.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "models/model.h"

namespace ondol {

struct Seq2SeqOptions {
  // Affects results
  Precision precision = Precision::kFast;
  int64_t source_tokens_max = 4096;  // a longer source is an error: memory grows with its square

  // Affects speed and memory only
  size_t kv_bytes_max = size_t{1} << 30;  // keys and values of one request
  Profile* profile = nullptr;
};

class Seq2SeqGenerator final : public Generator {
 public:
  // Throws Error(kUnsupported) for a model without encoder and decoder.
  Seq2SeqGenerator(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                   Seq2SeqOptions options);

  std::unique_ptr<Generation> submit(GenerateRequest request) override;
  // ln p(continuation | prompt), the end token not among it.
  std::vector<Score> score(const ScoreRequest& request) override;
  GeneratorCapabilities capabilities() const override;
  int64_t count_tokens(const PromptInput& prompt) const override;
  std::string id() const override;

  // The source as the encoder reads it.
  std::vector<TokenId> encode(const PromptInput& prompt) const;
  const Model& model() const { return *model_; }

 private:
  class Run;
  class Pending;
  ops::Context context() const;
  void check_source(const std::vector<TokenId>& ids) const;
  void check_adapter(const LoadedAdapter* adapter) const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;
  Seq2SeqOptions options_;
  std::mutex mutex_;  // one request computes
};

}  // namespace ondol

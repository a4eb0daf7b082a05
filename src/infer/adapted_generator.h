// A generator whose every request has one adapter: the weights of a recipe that names one.
//
//   AdaptedGenerator adapted(generator, std::make_shared<const LoadedAdapter>(...));
//   adapted.generate({.prompt = RawText{"Once"}});      // beside requests of `generator` itself
//
// Requests run in the engine of `base`, which outlives it. Thread-safe as that is.
#pragma once

#include <memory>

#include "infer/generator.h"
#include "models/adapter_file.h"

namespace ondol {

class AdaptedGenerator final : public Generator {
 public:
  // Throws Error(kInvalidArgument) for a null adapter.
  AdaptedGenerator(Generator& base, std::shared_ptr<const LoadedAdapter> adapter);

  // An adapter that a request names itself stays.
  std::unique_ptr<Generation> submit(GenerateRequest request) override;
  std::vector<Score> score(const ScoreRequest& request) override;
  GeneratorCapabilities capabilities() const override { return base_.capabilities(); }
  int64_t count_tokens(const PromptInput& prompt) const override {
    return base_.count_tokens(prompt);
  }
  std::string id() const override;  // with the adapter's hash (contract 9)

  Generator& base() const { return base_; }
  const LoadedAdapter& adapter() const { return *adapter_; }

 private:
  Generator& base_;
  std::shared_ptr<const LoadedAdapter> adapter_;
};

}  // namespace ondol

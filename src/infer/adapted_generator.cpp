#include "infer/adapted_generator.h"

#include <utility>

#include "base/error.h"

namespace ondol {

AdaptedGenerator::AdaptedGenerator(Generator& base, std::shared_ptr<const LoadedAdapter> adapter)
    : base_(base), adapter_(std::move(adapter)) {
  if (!adapter_) throw Error(ErrorCode::kInvalidArgument, "[generate] the adapter is null");
}

std::unique_ptr<Generation> AdaptedGenerator::submit(GenerateRequest request) {
  if (!request.adapter) request.adapter = adapter_;
  return base_.submit(std::move(request));
}

std::vector<Score> AdaptedGenerator::score(const ScoreRequest& request) {
  ScoreRequest adapted = request;
  if (!adapted.adapter) adapted.adapter = adapter_;
  return base_.score(adapted);
}

std::string AdaptedGenerator::id() const { return base_.id() + "/adapter " + adapter_->hash; }

}  // namespace ondol

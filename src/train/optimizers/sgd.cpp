// Stochastic gradient descent as PyTorch has it: weight decay is added to the gradient, momentum is
// a plain sum.
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

class Sgd : public Optimizer {
 public:
  explicit Sgd(const OptimizerConfig& config) : momentum_(config.momentum.value_or(0)) {}

 private:
  std::vector<StateTensor> layout(const std::string&, const Shape& shape) const override {
    if (momentum_ == 0) return {};
    return {{"momentum_buffer", DType::kF32, shape}};
  }

  void update(const Update& u) override {
    const auto rate = static_cast<float>(u.rate), decay = static_cast<float>(u.decay);
    const auto keep = static_cast<float>(momentum_);
    float* sum = momentum_ == 0 ? nullptr : u.state(0);
    u.context.pool.parallel_for(u.count, kGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        float g = u.gradient[i] + decay * u.value[i];
        if (sum) g = sum[i] = sum[i] * keep + g;
        u.value[i] -= rate * g;
      }
    });
  }

  double momentum_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config) {
  return std::make_unique<Sgd>(config);
}

}  // namespace ondol::train

// Lion: the sign of an interpolated momentum (Chen et al., "Symbolic discovery of optimization
// algorithms", 2023).
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

class Lion : public Optimizer {
 public:
  explicit Lion(const OptimizerConfig& config)
      : beta1_(config.beta1), beta2_(config.beta2.value_or(0.99)) {}

 private:
  std::vector<StateTensor> layout(const std::string&, const Shape& shape) const override {
    return {{"exp_avg", DType::kF32, shape}};
  }

  void update(const Update& u) override {
    const auto keep1 = static_cast<float>(beta1_), take1 = static_cast<float>(1 - beta1_);
    const auto keep2 = static_cast<float>(beta2_), take2 = static_cast<float>(1 - beta2_);
    const auto shrink = static_cast<float>(1 - u.rate * u.decay);
    const auto rate = static_cast<float>(u.rate);
    float* mean = u.state(0);
    u.context.pool.parallel_for(u.count, kGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const float g = u.gradient[i], blend = mean[i] * keep1 + g * take1;
        const float sign = static_cast<float>(blend > 0) - static_cast<float>(blend < 0);
        u.value[i] = u.value[i] * shrink - rate * sign;
        mean[i] = mean[i] * keep2 + g * take2;
      }
    });
  }

  double beta1_, beta2_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(const OptimizerConfig& config) {
  return std::make_unique<Lion>(config);
}

}  // namespace ondol::train

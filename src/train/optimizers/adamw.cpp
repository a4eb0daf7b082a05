#include "train/optimizers/optimizers.h"

namespace ondol::train {

AdamFactors Adam::factors(double rate, double decay, int64_t step) const {
  // The corrections of the zero start in double: at step 1, 1 - beta2 is a thousandth.
  const auto t = static_cast<double>(step);
  const double first = 1 - std::pow(beta1, t), second = 1 - std::pow(beta2, t);
  const auto f32 = [](double x) { return static_cast<float>(x); };
  return {.take1 = f32(1 - beta1),
          .keep2 = f32(beta2),
          .take2 = f32(1 - beta2),
          .shrink = f32(1 - rate * decay),
          .step = f32(rate / first),
          .widen = f32(1 / std::sqrt(second)),
          .epsilon = f32(epsilon)};
}

namespace {

class AdamW : public Optimizer {
 public:
  explicit AdamW(const OptimizerConfig& config)
      : adam_{config.beta1, config.beta2.value_or(0.999), config.epsilon} {}

 private:
  std::vector<StateTensor> layout(const std::string&, const Shape& shape) const override {
    return {{"exp_avg", DType::kF32, shape}, {"exp_avg_sq", DType::kF32, shape}};
  }

  void update(const Update& u) override {
    adam(u.context, adam_.factors(u.rate, u.decay, u.step), u.gradient, u.count, u.value,
         u.state(0), u.state(1));
  }

  Adam adam_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const OptimizerConfig& config) {
  return std::make_unique<AdamW>(config);
}

}  // namespace ondol::train

#include "train/optimizers/optimizers.h"

namespace ondol::train {

Adam::Factors Adam::factors(double rate, double decay, int64_t step) const {
  // The corrections of the zero start in double: at step 1, 1 - beta2 is a thousandth.
  const auto t = static_cast<double>(step);
  const double first = 1 - std::pow(beta1, t), second = 1 - std::pow(beta2, t);
  const auto f32 = [](double x) { return static_cast<float>(x); };
  return {
      f32(beta1),        f32(1 - beta1),         f32(beta2),  f32(1 - beta2), f32(1 - rate * decay),
      f32(rate / first), f32(std::sqrt(second)), f32(epsilon)};
}

void Adam::apply(const Factors& f, const float* gradient, int64_t begin, int64_t end, float* value,
                 float* mean, float* square) {
  for (int64_t i = begin; i < end; ++i) {
    const float g = gradient[i];
    mean[i] += f.take1 * (g - mean[i]);
    square[i] = square[i] * f.keep2 + f.take2 * g * g;
    const float size = std::sqrt(square[i]) / f.root + f.epsilon;
    value[i] = value[i] * f.shrink - f.step * (mean[i] / size);
  }
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
    const Adam::Factors f = adam_.factors(u.rate, u.decay, u.step);
    float *mean = u.state(0), *square = u.state(1);
    u.context.pool.parallel_for(u.count, kGrain, [&](int64_t begin, int64_t end, int) {
      Adam::apply(f, u.gradient, begin, end, u.value, mean, square);
    });
  }

  Adam adam_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const OptimizerConfig& config) {
  return std::make_unique<AdamW>(config);
}

}  // namespace ondol::train

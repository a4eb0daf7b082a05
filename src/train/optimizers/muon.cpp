// Muon (Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024) as PyTorch has it,
// in f32: the momentum of a matrix, its singular values drawn to one by five Newton-Schulz steps.
// Vectors, embeddings and output heads take AdamW's step with the same learning rate.
#include <algorithm>

#include "base/error.h"
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

constexpr int kNewtonSchulzSteps = 5;
constexpr float kA = 3.4445F, kB = -4.775F, kC = 2.0315F;
constexpr double kSmallestNorm = 1e-7;

bool is_hidden_matrix(const std::string& name, const Shape& shape) {
  return shape.size() == 2 && shape[0] > 0 && shape[1] > 0 && !is_vocabulary_matrix(name);
}

// Draws the singular values of x[tall, small] to one: x <- a x + x (b G + c G G), G = x^T x.
void orthogonalise(const KernelContext& context, std::vector<float>& x, int64_t tall,
                   int64_t small) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  const auto scale = static_cast<float>(1 / std::max(std::sqrt(sum), kSmallestNorm));
  for (float& v : x) v *= scale;
  std::vector<float> gram(static_cast<size_t>(small * small)), bent(gram.size()), next(x.size());
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    gemm(context, {x.data(), 1, small, x.data(), small, gram.data(), small, small, small, tall});
    gemm(context,
         {gram.data(), small, 1, gram.data(), small, bent.data(), small, small, small, small});
    for (size_t i = 0; i < bent.size(); ++i) bent[i] = kB * gram[i] + kC * bent[i];
    gemm(context, {x.data(), small, 1, bent.data(), small, next.data(), small, tall, small, small});
    for (size_t i = 0; i < x.size(); ++i) x[i] = kA * x[i] + next[i];
  }
}

class Muon : public Optimizer {
 public:
  explicit Muon(const OptimizerConfig& config)
      : adam_{config.beta1, config.beta2.value_or(0.999), config.epsilon},
        momentum_(static_cast<float>(config.momentum.value_or(0.95))),
        nesterov_(config.nesterov),
        match_adamw_(config.muon_scale == "match_rms_adamw") {
    if (!match_adamw_ && config.muon_scale != "original") {
      throw Error(ErrorCode::kInvalidArgument, "[optimizer] muon_scale is '" + config.muon_scale +
                                                   "', expected 'match_rms_adamw' or 'original'");
    }
  }

 private:
  std::vector<StateTensor> layout(const std::string& name, const Shape& shape) const override {
    if (is_hidden_matrix(name, shape)) return {{"momentum_buffer", DType::kF32, shape}};
    return {{"exp_avg", DType::kF32, shape}, {"exp_avg_sq", DType::kF32, shape}};
  }

  void update(const Update& u) override {
    if (is_hidden_matrix(u.slot.name, u.slot.shape)) return matrix(u);
    adam(u.context, adam_.factors(u.rate, u.decay, u.step), u.gradient, u.count, u.value,
         u.state(0), u.state(1));
  }

  void matrix(const Update& u) const {
    const int64_t rows = u.slot.shape[0], columns = u.slot.shape[1];
    const bool wide = columns > rows;
    const int64_t tall = std::max(rows, columns), small = std::min(rows, columns);
    std::vector<float> direction(static_cast<size_t>(u.count));
    // Element (r, c) stands in the tall form of the matrix at:
    const auto at = [&](int64_t r, int64_t c) {
      return static_cast<size_t>(wide ? c * small + r : r * small + c);
    };
    float* mean = u.state(0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t i = r * columns + c;
        const float g = u.gradient[i];
        mean[i] += (1 - momentum_) * (g - mean[i]);
        direction[at(r, c)] = nesterov_ ? g + momentum_ * (mean[i] - g) : mean[i];
      }
    }
    orthogonalise(u.context, direction, tall, small);
    const double ratio = static_cast<double>(rows) / static_cast<double>(columns);
    const double factor =
        match_adamw_ ? 0.2 * std::sqrt(static_cast<double>(tall)) : std::sqrt(std::max(1.0, ratio));
    const auto rate = static_cast<float>(u.rate * factor);
    const auto shrink = static_cast<float>(1 - u.rate * u.decay);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        float& value = u.value[r * columns + c];
        value = value * shrink - rate * direction[at(r, c)];
      }
    }
  }

  Adam adam_;
  float momentum_;
  bool nesterov_;
  bool match_adamw_;
};

}  // namespace

std::unique_ptr<Optimizer> make_muon(const OptimizerConfig& config) {
  return std::make_unique<Muon>(config);
}

}  // namespace ondol::train

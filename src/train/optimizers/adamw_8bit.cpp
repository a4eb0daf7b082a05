// AdamW with states of 8 bits (Dettmers et al., "8-bit optimizers via block-wise quantization",
// 2021): codes of a dynamic map, relative to the largest magnitude of their block of 256.
#include "kernels/table.h"
#include "train/optimizers/dynamic_map.h"
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kSmallest = 4096;  // elements; what has fewer stays f32

class AdamW8bit : public Optimizer {
 public:
  explicit AdamW8bit(const OptimizerConfig& config)
      : adam_{config.beta1, config.beta2.value_or(0.999), config.epsilon} {}

 private:
  static bool coded(const std::string& name, const Shape& shape) {
    return element_count(shape) >= kSmallest && !is_vocabulary_matrix(name);
  }

  std::vector<StateTensor> layout(const std::string& name, const Shape& shape) const override {
    if (!coded(name, shape)) {
      return {{"exp_avg", DType::kF32, shape}, {"exp_avg_sq", DType::kF32, shape}};
    }
    const int64_t blocks = (element_count(shape) + kBlock - 1) / kBlock;
    return {{"exp_avg.codes", DType::kI8, shape},
            {"exp_avg.absmax", DType::kF32, {blocks}},
            {"exp_avg_sq.codes", DType::kI8, shape},
            {"exp_avg_sq.absmax", DType::kF32, {blocks}}};
  }

  void update(const Update& u) override {
    const AdamFactors f = adam_.factors(u.rate, u.decay, u.step);
    if (!coded(u.slot.name, u.slot.shape)) {
      return adam(u.context, f, u.gradient, u.count, u.value, u.state(0), u.state(1));
    }
    const int64_t blocks = (u.count + kBlock - 1) / kBlock;
    u.context.pool.parallel_for(blocks, kGrain / kBlock, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) block(u, f, b);
    });
  }

  void block(const Update& u, const AdamFactors& f, int64_t b) const {
    const int64_t at = b * kBlock, count = std::min(kBlock, u.count - at);
    auto* mean_codes = u.slot.tensors[0].second.data<uint8_t>() + at;
    auto* square_codes = u.slot.tensors[2].second.data<uint8_t>() + at;
    float &mean_size = u.state(1)[b], &square_size = u.state(3)[b];
    float mean[kBlock], square[kBlock];
    signed_.decode({mean_codes, static_cast<size_t>(count)}, mean_size, mean);
    unsigned_.decode({square_codes, static_cast<size_t>(count)}, square_size, square);
    u.context.table.adam(f, u.gradient + at, count, u.value + at, mean, square);
    mean_size = signed_.encode({mean, static_cast<size_t>(count)}, mean_codes);
    square_size = unsigned_.encode({square, static_cast<size_t>(count)}, square_codes);
  }

  Adam adam_;
  DynamicMap signed_{true}, unsigned_{false};
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw_8bit(const OptimizerConfig& config) {
  return std::make_unique<AdamW8bit>(config);
}

}  // namespace ondol::train

// Adafactor (Shazeer and Stern, 2018) with a given learning rate, as transformers runs it: second
// moments of rows and columns, decay 1 - t^-0.8, updates clipped at a root mean square of 1, no
// momentum, no scaling by the parameter.
#include <numeric>

#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

constexpr double kTiny = 1e-30;  // added to squared gradients

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

class Adafactor : public Optimizer {
 public:
  explicit Adafactor(const OptimizerConfig&) {}

 private:
  std::vector<StateTensor> layout(const std::string&, const Shape& shape) const override {
    if (shape.size() < 2) return {{"exp_avg_sq", DType::kF32, shape}};
    const int64_t rows = element_count(shape) / shape.back();
    return {{"exp_avg_sq_row", DType::kF32, {rows}},
            {"exp_avg_sq_col", DType::kF32, {shape.back()}}};
  }

  void update(const Update& u) override {
    if (u.count == 0) return;
    const double take = std::pow(static_cast<double>(u.step), -0.8);
    u.slot.shape.size() < 2 ? vector(u, take) : matrix(u, take);
  }

  // x[i] = (1 - take) * x[i] + take * mean
  static void blend(double take, double mean, float& x) {
    x = static_cast<float>((1 - take) * static_cast<double>(x) + take * mean);
  }

  void matrix(const Update& u, double take) const {
    const int64_t width = u.slot.shape.back(), rows = u.count / width;
    float *row = u.state(0), *column = u.state(1);
    const auto square = [&](int64_t r, int64_t c) {
      const double g = double{u.gradient[r * width + c]};
      return g * g + kTiny;
    };
    ThreadPool& pool = u.context.pool;
    pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        double sum = 0;
        for (int64_t c = 0; c < width; ++c) sum += square(r, c);
        blend(take, sum / static_cast<double>(width), row[r]);
      }
    });
    pool.parallel_for(width, 16, [&](int64_t begin, int64_t end, int) {
      std::vector<double> sums(static_cast<size_t>(end - begin));
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = begin; c < end; ++c) sums[static_cast<size_t>(c - begin)] += square(r, c);
      }
      for (int64_t c = begin; c < end; ++c) {
        blend(take, sums[static_cast<size_t>(c - begin)] / static_cast<double>(rows), column[c]);
      }
    });
    const double mean = mean_of({row, row + rows});
    std::vector<float> down(static_cast<size_t>(rows)), across(static_cast<size_t>(width));
    for (size_t r = 0; r < down.size(); ++r) {
      down[r] = static_cast<float>(1 / std::sqrt(double{row[r]} / mean));
    }
    for (size_t c = 0; c < across.size(); ++c) {
      across[c] = static_cast<float>(1 / std::sqrt(double{column[c]}));
    }
    apply(u, rows, width, [&](int64_t r, int64_t c) {
      return u.gradient[r * width + c] * down[static_cast<size_t>(r)] *
             across[static_cast<size_t>(c)];
    });
  }

  void vector(const Update& u, double take) const {
    float* square = u.state(0);
    for (int64_t i = 0; i < u.count; ++i) {
      blend(take, double{u.gradient[i]} * u.gradient[i] + kTiny, square[i]);
    }
    apply(u, 1, u.count, [&](int64_t, int64_t i) {
      return static_cast<float>(double{u.gradient[i]} / std::sqrt(double{square[i]}));
    });
  }

  template <class Step>
  void apply(const Update& u, int64_t rows, int64_t width, Step step) const {
    std::vector<double> sums(static_cast<size_t>(rows));
    u.context.pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        double& sum = sums[static_cast<size_t>(r)];
        for (int64_t c = 0; c < width; ++c) sum += double{step(r, c)} * step(r, c);
      }
    });
    const double size = std::sqrt(mean_of(sums) / static_cast<double>(width));
    const auto rate = static_cast<float>(u.rate / std::max(1.0, size));
    const auto shrink = static_cast<float>(1 - u.rate * u.decay);
    u.context.pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        float* value = u.value + r * width;
        for (int64_t c = 0; c < width; ++c) value[c] = value[c] * shrink - rate * step(r, c);
      }
    });
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_adafactor(const OptimizerConfig& config) {
  return std::make_unique<Adafactor>(config);
}

}  // namespace ondol::train

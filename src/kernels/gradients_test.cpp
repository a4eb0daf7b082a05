// Gradient kernels: ref against central differences of the double formulas of the forward
// functions, the other instruction sets against ref bit for bit.
#include <algorithm>
#include <numbers>

#include "kernels/gradient_test_support.h"

namespace ondol::testing {
namespace {

Doubles each(const Doubles& x, double (*function)(double)) {
  Doubles out;
  for (const double v : x) out.push_back(function(v));
  return out;
}

double gelu(double x) { return x * (1 + std::erf(x * std::numbers::sqrt2 / 2)) / 2; }
double gelu_tanh(double x) {
  return x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) / 2;
}

Doubles softmax(const Doubles& x, double scale) {
  double largest = x[0], sum = 0;
  for (const double v : x) largest = std::max(largest, v);
  Doubles out;
  for (const double v : x) sum += out.emplace_back(std::exp(scale * (v - largest)));
  for (double& v : out) v /= sum;
  return out;
}

// One entry of the table as a function that adds to or fills the gradients of its inputs.
struct RowGradient {
  const char* name;
  size_t inputs;
  bool adds;
  std::function<void(const KernelTable&, const std::vector<const float*>& in, const float* dy,
                     int64_t count, const std::vector<float*>& out)>
      run;
  Forward forward;
};

constexpr float kSoftmaxScale = 0.37F;

std::vector<RowGradient> row_gradients() {
  return {
      {"rms_norm", 2, true,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         t.rms_norm_backward(in[0], in[1], dy, n, 1e-2F, out[0], out[1]);
       },
       [](const auto& in) { return normed(in[0], false, in[1], {}); }},
      {"layer_norm", 3, true,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         t.layer_norm_backward(in[0], in[1], dy, n, 1e-2F, out[0], out[1], out[2]);
       },
       [](const auto& in) { return normed(in[0], true, in[1], in[2]); }},
      {"silu_multiply", 2, false,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         t.silu_multiply_backward(in[0], in[1], dy, n, out[0], out[1]);
       },
       [](const auto& in) {
         Doubles y = each(in[0], [](double v) { return v / (1 + std::exp(-v)); });
         for (size_t i = 0; i < y.size(); ++i) y[i] *= in[1][i];
         return y;
       }},
      {"gelu", 1, false,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         t.gelu_backward(in[0], dy, n, out[0]);
       },
       [](const auto& in) { return each(in[0], gelu); }},
      {"gelu_tanh", 1, false,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         t.gelu_tanh_backward(in[0], dy, n, out[0]);
       },
       [](const auto& in) { return each(in[0], gelu_tanh); }},
      {"softmax", 1, false,
       [](const KernelTable& t, const auto& in, const float* dy, int64_t n, const auto& out) {
         Values p(in[0], in[0] + n);
         for (float& v : p) v *= kSoftmaxScale;
         t.softmax(p.data(), n);
         t.softmax_backward(p.data(), dy, n, kSoftmaxScale, out[0]);
       },
       [](const auto& in) { return softmax(in[0], double{kSoftmaxScale}); }},
  };
}

// Inputs, dy and outputs of one run, each off any alignment and between guards.
struct Outcome {
  std::vector<Values> inputs, outputs;
  Values dy;
};

Outcome outcome_of(const RowGradient& kernel, const KernelTable& table, size_t count, float size,
                   uint64_t stream) {
  Outcome run;
  for (size_t i = 0; i < kernel.inputs; ++i) {
    run.inputs.push_back(guarded(random_floats(count, stream + i, i == 0 ? size : 1.0F)));
    run.outputs.push_back(guarded(random_floats(count, stream + 50 + i)));
  }
  run.dy = guarded(random_floats(count, stream + 99));
  std::vector<const float*> in;
  std::vector<float*> out;
  for (const Values& values : run.inputs) in.push_back(values.data() + 1);
  for (Values& values : run.outputs) out.push_back(values.data() + 1);
  kernel.run(table, in, run.dy.data() + 1, static_cast<int64_t>(count), out);
  return run;
}

Doubles inside(const Values& values) { return {values.begin() + 1, values.end() - 1}; }

TEST(Gradients, ReferenceFollowsTheForwardFormula) {
  for (const RowGradient& kernel : row_gradients()) {
    for (const size_t count : {1, 2, 7, 15, 16, 17, 31, 33, 64, 67}) {
      const Outcome got = outcome_of(kernel, kernels_for("ref"), count, 1.5F, 7 * count);
      std::vector<Doubles> inputs;
      for (const Values& values : got.inputs) inputs.push_back(inside(values));
      for (size_t which = 0; which < kernel.inputs; ++which) {
        const Doubles want = differences(kernel.forward, inputs, inside(got.dy), which);
        const Values start = random_floats(count, 7 * count + 50 + which);
        EXPECT_EQ(got.outputs[which].front(), kGuard);
        EXPECT_EQ(got.outputs[which].back(), kGuard);
        for (size_t i = 0; i < count; ++i) {
          const double base = kernel.adds ? start[i] : 0;
          ASSERT_NEAR(got.outputs[which][i + 1], base + want[i],
                      5e-6 * std::max(1.0, std::abs(want[i])))
              << kernel.name << " input " << which << " length " << count << " element " << i;
        }
      }
    }
  }
}

TEST(Gradients, EveryIsaHasTheReferencesBits) {
  for (const RowGradient& kernel : row_gradients()) {
    for (const KernelTable* table : vector_tables()) {
      for (size_t count = 1; count <= 70; ++count) {
        for (const float size : {1e-6F, 0.3F, 5.0F, 60.0F}) {
          const Outcome got = outcome_of(kernel, *table, count, size, 31 * count);
          const Outcome want = outcome_of(kernel, kernels_for("ref"), count, size, 31 * count);
          for (size_t i = 0; i < kernel.inputs; ++i) {
            ASSERT_TRUE(same_bits(got.outputs[i], want.outputs[i]))
                << kernel.name << " " << kernel_isa(*table) << " length " << count << " of size "
                << size << ", input " << i;
          }
        }
      }
    }
  }
}

// Far from zero nothing but the limits is left: no NaN out of 0 times infinity.
TEST(Gradients, SlopesOfActivationsEndInTheirLimits) {
  const Values x = {-1e30F, -200, -30, 30, 200, 1e30F}, one(6, 1.0F), zero(6, 0.0F);
  for (const std::string_view isa : supported_isas()) {
    const KernelTable& t = kernels_for(isa);
    Values silu(6), up(6), exact(6), tanh(6);
    t.silu_multiply_backward(x.data(), one.data(), one.data(), 6, silu.data(), up.data());
    t.gelu_backward(x.data(), one.data(), 6, exact.data());
    t.gelu_tanh_backward(x.data(), one.data(), 6, tanh.data());
    for (size_t i = 0; i < 6; ++i) {
      const float limit = x[i] > 0 ? 1 : 0;
      EXPECT_NEAR(silu[i], limit, 1e-6) << isa << " " << x[i];
      EXPECT_NEAR(exact[i], limit, 1e-6) << isa << " " << x[i];
      EXPECT_NEAR(tanh[i], limit, 1e-6) << isa << " " << x[i];
    }
  }
}

// Gradients nobody wants may be null; the others keep their bits. dx may be dy where it says so.
TEST(Gradients, NullAndSharedOutputs) {
  constexpr int64_t kWidth = 37;
  const Values x = random_floats(kWidth, 1), w = random_floats(kWidth, 2),
               dy = random_floats(kWidth, 3);
  for (const std::string_view isa : supported_isas()) {
    const KernelTable& t = kernels_for(isa);
    Values dx(kWidth), dw(kWidth), db(kWidth), dx2(kWidth), dw2(kWidth), db2(kWidth);
    t.layer_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, dx.data(), dw.data(),
                          db.data());
    t.layer_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, dx2.data(), nullptr,
                          nullptr);
    t.layer_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, nullptr, dw2.data(),
                          nullptr);
    t.layer_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, nullptr, nullptr,
                          db2.data());
    EXPECT_TRUE(same_bits(dx, dx2) && same_bits(dw, dw2) && same_bits(db, db2)) << isa;
    dx.assign(kWidth, 0), dw.assign(kWidth, 0), dx2 = dx, dw2 = dw;
    t.rms_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, dx.data(), dw.data());
    t.rms_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, dx2.data(), nullptr);
    t.rms_norm_backward(x.data(), w.data(), dy.data(), kWidth, 1e-5F, nullptr, dw2.data());
    EXPECT_TRUE(same_bits(dx, dx2) && same_bits(dw, dw2)) << isa;
    for (const auto gelu_of : {t.gelu_backward, t.gelu_tanh_backward}) {
      Values shared = dy;
      gelu_of(x.data(), dy.data(), kWidth, dx.data());
      gelu_of(x.data(), shared.data(), kWidth, shared.data());
      EXPECT_TRUE(same_bits(dx, shared)) << isa;
    }
    Values shared = dy;
    t.softmax_backward(w.data(), dy.data(), kWidth, 2.0F, dx.data());
    t.softmax_backward(w.data(), shared.data(), kWidth, 2.0F, shared.data());
    EXPECT_TRUE(same_bits(dx, shared)) << isa;
  }
}

}  // namespace
}  // namespace ondol::testing

// What the tests of runs and their files share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "ops/tape.h"
#include "tensor/tensor.h"
#include "train/parameter.h"

namespace ondol::train::testing {

// A fresh folder, removed with all in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ondol_train.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Tensor random_tensor(Shape shape, uint64_t stream, double size = 1) {
  Rng rng(5, stream);
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(rng.normal() * size);
  }
  return tensor;
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

// What the error of this kind says; empty when there was none.
template <class Call>
std::string refusal(ErrorCode code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

inline void watch(ops::Tape& tape, std::span<const Parameter> parameters) {
  for (const Parameter& p : parameters) {
    p.packed ? tape.watch(*p.packed) : tape.watch(p.value);
  }
}
inline Tensor gradient_of(const ops::Tape& tape, const Parameter& p) {
  return p.packed ? tape.gradient(*p.packed) : tape.gradient(p.value);
}

// The gradient of a parameter along a random direction, and what differences of the loss say of it
// (five points). The parameter is as it was afterwards.
struct DirectionalGradient {
  double computed;
  double measured;
};
template <class Loss>
DirectionalGradient along_direction(Parameter& p, const Tensor& gradient, float step,
                                    ThreadPool& pool, const Loss& loss) {
  const Tensor direction = random_tensor(p.value.shape(), 99);
  const Tensor before =
      Tensor::from({p.value.data(), static_cast<size_t>(p.value.size())}, p.value.shape());
  const auto loss_at = [&](float steps) {
    for (int64_t i = 0; i < before.size(); ++i) {
      p.value.data()[i] = before.data()[i] + steps * step * direction.data()[i];
    }
    if (p.packed) p.packed->assign({p.value.data(), p.packed->columns(), 1}, pool);
    return loss();
  };
  const double near = loss_at(1) - loss_at(-1), far = loss_at(2) - loss_at(-2);
  loss_at(0);
  double computed = 0;
  for (int64_t i = 0; i < before.size(); ++i) {
    computed += double{gradient.data()[i]} * direction.data()[i];
  }
  return {computed, (8 * near - far) / (12 * double{step})};
}

}  // namespace ondol::train::testing

#include "train/pissa.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace ondol::train {
namespace {

constexpr int64_t kMore = 8;  // directions beyond the rank, which steady the last ones

Tensor transposed(const Tensor& matrix) {
  const int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  Tensor out = Tensor::zeros(DType::kF32, {columns, rows});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) out.data()[c * rows + r] = matrix.data()[r * columns + c];
  }
  return out;
}

// x[M, K] * w[K, N]
Tensor product(const KernelContext& kernel, const Tensor& x, const Tensor& w) {
  const int64_t m = x.dim(0), k = x.dim(1), n = w.dim(1);
  Tensor out = Tensor::zeros(DType::kF32, {m, n});
  gemm(kernel, {x.data(), k, 1, w.data(), n, out.data(), n, m, n, k});
  return out;
}

// The rows become orthonormal; one that depends on those before it becomes zero. Classical
// Gram-Schmidt, twice: as good as Householder's reflections, and made of products.
void orthonormalise(const KernelContext& kernel, Tensor& rows) {
  const int64_t width = rows.dim(1);
  std::vector<float> share(static_cast<size_t>(rows.dim(0)));
  for (int64_t i = 0; i < rows.dim(0); ++i) {
    float* row = rows.row(i).data();
    const float before = std::sqrt(dot(kernel, row, row, width));
    for (int pass = 0; pass < 2 && i > 0; ++pass) {
      for (int64_t j = 0; j < i; ++j) {
        share[static_cast<size_t>(j)] = -dot(kernel, rows.row(j).data(), row, width);
      }
      gemm(kernel, {share.data(), i, 1, rows.data(), width, row, width, 1, width, i, true});
    }
    const float length = std::sqrt(dot(kernel, row, row, width));
    const bool nothing = !(length > 1e-5F * before);
    const float factor = nothing ? 0 : 1 / length;
    for (int64_t c = 0; c < width; ++c) row[c] *= factor;
  }
}

// Eigenvectors (columns of `vectors`) of a symmetric matrix [n, n] by Jacobi's rotations; the
// matrix becomes diagonal.
void diagonalise(int64_t n, std::vector<double>& matrix, std::vector<double>& vectors) {
  const auto at = [n](std::vector<double>& m, int64_t r, int64_t c) -> double& {
    return m[static_cast<size_t>(r * n + c)];
  };
  const auto turn = [](double& x, double& y, double c, double s) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  };
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, all = 0;
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t c = 0; c < n; ++c) {
        const double square = at(matrix, r, c) * at(matrix, r, c);
        all += square;
        if (r != c) off += square;
      }
    }
    if (off <= 1e-26 * all) return;
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        const double apq = at(matrix, p, q);
        if (apq == 0) continue;
        const double theta = (at(matrix, q, q) - at(matrix, p, p)) / (2 * apq);
        const double t = std::copysign(1 / (std::abs(theta) + std::hypot(1, theta)), theta);
        const double c = 1 / std::hypot(1, t), s = t * c;
        for (int64_t k = 0; k < n; ++k) turn(at(matrix, k, p), at(matrix, k, q), c, s);
        for (int64_t k = 0; k < n; ++k) turn(at(matrix, p, k), at(matrix, q, k), c, s);
        for (int64_t k = 0; k < n; ++k) turn(at(vectors, k, p), at(vectors, k, q), c, s);
      }
    }
  }
}

// The singular values of rows[n, K], largest first, and the mixtures of rows that belong to them.
struct Mixtures {
  std::vector<double> sizes;
  Tensor rows;  // [n, n]: row i is the i-th left singular vector
};

Mixtures mixtures_of(const KernelContext& kernel, const Tensor& rows) {
  const int64_t n = rows.dim(0);
  const auto count = static_cast<size_t>(n * n);
  std::vector<double> gram(count), vectors(count);
  for (int64_t r = 0; r < n; ++r) {
    vectors[static_cast<size_t>(r * n + r)] = 1;
    for (int64_t c = 0; c < n; ++c) {
      gram[static_cast<size_t>(r * n + c)] =
          static_cast<double>(dot(kernel, rows.row(r).data(), rows.row(c).data(), rows.dim(1)));
    }
  }
  diagonalise(n, gram, vectors);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto size = [&](int64_t i) { return gram[static_cast<size_t>(i * n + i)]; };
  std::ranges::stable_sort(order, [&](int64_t a, int64_t b) { return size(a) > size(b); });
  Mixtures found{{}, Tensor::zeros(DType::kF32, {n, n})};
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = order[static_cast<size_t>(i)];
    found.sizes.push_back(std::sqrt(std::max(0.0, size(from))));
    for (int64_t k = 0; k < n; ++k) {
      found.rows.data()[i * n + k] = static_cast<float>(vectors[static_cast<size_t>(k * n + from)]);
    }
  }
  return found;
}

void scale(std::span<float> values, double factor) {
  for (float& value : values) value = static_cast<float>(factor * static_cast<double>(value));
}

}  // namespace

PrincipalPair principal_pair(const KernelContext& kernel, const PackedMatrix& weight,
                             const PrincipalOptions& options) {
  const int64_t outputs = weight.rows(), inputs = weight.columns();
  const int64_t wide = std::min({options.rank + kMore, outputs, inputs});
  Tensor whole = Tensor::zeros(DType::kF32, {outputs, inputs});
  kernel.pool.parallel_for(outputs, 16, [&](int64_t begin, int64_t end, int) {
    weight.dequantize(begin, end, 0, inputs, whole.row(begin).data(), inputs);
  });
  Tensor start = Tensor::zeros(DType::kF32, {inputs, wide});
  Rng rng(options.seed, options.stream);
  for (int64_t i = 0; i < start.size(); ++i) start.data()[i] = static_cast<float>(rng.normal());

  Tensor left = transposed(product(kernel, whole, start));  // [wide, N]
  orthonormalise(kernel, left);
  for (int64_t i = 0; i < options.iterations; ++i) {
    Tensor right = product(kernel, left, whole);  // [wide, K]
    orthonormalise(kernel, right);
    left = transposed(product(kernel, whole, transposed(right)));
    orthonormalise(kernel, left);
  }
  const Tensor small = product(kernel, left, whole);  // [wide, K]
  const Mixtures found = mixtures_of(kernel, small);
  Tensor u = product(kernel, found.rows, left);   // [wide, N]: U^T
  Tensor v = product(kernel, found.rows, small);  // [wide, K]: S V^T
  for (int64_t i = 0; i < options.rank; ++i) {
    const std::span<float> row = v.row(i);
    const double size = found.sizes[static_cast<size_t>(i)];
    const float largest = std::ranges::max(row, {}, [](float x) { return std::abs(x); });
    const double root = size > 1e-7 * found.sizes[0] ? std::sqrt(size) : 0;
    const double sign = largest < 0 ? -1 : 1;
    scale(row, root > 0 ? sign / root : 0);
    scale(u.row(i), sign * root);
  }
  const auto numbers = static_cast<size_t>(options.rank * outputs);
  return {transposed(v.rows(0, options.rank)),
          Tensor::from({u.data(), numbers}, {options.rank, outputs})};
}

}  // namespace ondol::train

#include "ops/loss.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ops/check.h"
#include "ops/linear.h"
#include "ops/tape.h"

namespace ondol::ops {
namespace {

constexpr size_t kChunkRows = 128;
// A gradient of the head is read and written once a chunk; larger ones change no bit.
constexpr size_t kChunkRowsOfTrainedHead = 512;

void check_targets(std::span<const int32_t> targets, int64_t vocabulary) {
  for (const int32_t target : targets) {
    if (target < kNoTarget || target >= vocabulary) {
      fail_check("loss", "target outside the vocabulary", std::to_string(target),
                 "-1 (none) to " + std::to_string(vocabulary - 1));
    }
  }
}

struct Chunk {
  std::span<const int64_t> rows;  // of hidden
  Tensor hidden;                  // [R, D]
  Tensor logits;                  // [R, V], then their gradient
};

Chunk logits_of(const Context& context, const Tensor& hidden, const PackedMatrix& head,
                std::span<const int64_t> rows) {
  Chunk chunk{rows, {}, {}};
  const int64_t width = hidden.dim(1);
  chunk.hidden = Tensor::zeros(DType::kF32, {static_cast<int64_t>(rows.size()), width});
  for (size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(hidden.row(rows[i]), chunk.hidden.row(static_cast<int64_t>(i)).begin());
  }
  Context plain = context;
  plain.tape = nullptr;
  const LinearPart part{.weight = &head, .out = &chunk.logits};
  linear(plain, chunk.hidden, {&part, 1});
  return chunk;
}

LossSum chunk_loss(const KernelContext& kernel, Chunk& chunk, std::span<const int32_t> targets,
                   const LossOptions& options) {
  std::vector<int32_t> own;
  for (const int64_t row : chunk.rows) own.push_back(targets[static_cast<size_t>(row)]);
  std::vector<double> loss(own.size());
  std::vector<uint8_t> correct(own.size());
  cross_entropy(kernel, {chunk.logits.data(), chunk.logits.dim(0), chunk.logits.dim(1), own.data(),
                         options.scale, options.label_smoothing, loss.data(), correct.data()});
  LossSum sum;
  for (size_t i = 0; i < own.size(); ++i) {
    sum.loss += loss[i];
    sum.correct += correct[i];
  }
  sum.tokens = static_cast<int64_t>(own.size());
  return sum;
}

void chunk_backward(const Context& context, const Chunk& chunk, const PackedMatrix& head,
                    Tensor& dhidden) {
  const KernelContext kernel = context.kernel();
  const int64_t rows = chunk.hidden.dim(0), width = chunk.hidden.dim(1), outputs = head.rows();
  if (dhidden.defined()) {
    Tensor dx = Tensor::zeros(DType::kF32, {rows, width});
    context.tape->input_gradient(kernel, chunk.logits, head, dx);
    for (int64_t i = 0; i < rows; ++i) {
      std::ranges::copy(dx.row(i), dhidden.row(chunk.rows[static_cast<size_t>(i)]).begin());
    }
  }
  if (const Tape::Value weight = context.tape->value_of(head)) {
    Tensor& dw = context.tape->sum(weight, {outputs, width});
    gemm(kernel, {chunk.logits.data(), 1, outputs, chunk.hidden.data(), width, dw.data(), width,
                  outputs, width, rows, true});
  }
}

}  // namespace

LossSum linear_cross_entropy(const Context& context, const Tensor& hidden, const PackedMatrix& head,
                             std::span<const int32_t> targets, const LossOptions& options) {
  expect_f32("loss", "hidden states", hidden, {-1, head.columns()});
  expect_equal("loss", "targets", static_cast<int64_t>(targets.size()), hidden.dim(0));
  check_targets(targets, head.rows());
  std::vector<int64_t> rows;
  for (size_t t = 0; t < targets.size(); ++t) {
    if (targets[t] != kNoTarget) rows.push_back(static_cast<int64_t>(t));
  }
  const Tape::Value value = context.tape ? context.tape->value_of(hidden) : 0;
  Tensor dhidden = value ? Tensor::zeros(DType::kF32, hidden.shape()) : Tensor();
  const bool trained = context.tape && context.tape->value_of(head);
  const size_t chunk_rows = trained ? kChunkRowsOfTrainedHead : kChunkRows;
  LossSum sum;
  for (size_t begin = 0; begin < rows.size(); begin += chunk_rows) {
    const size_t count = std::min(chunk_rows, rows.size() - begin);
    Chunk chunk = logits_of(context, hidden, head, std::span(rows).subspan(begin, count));
    const LossSum part = chunk_loss(context.kernel(), chunk, targets, options);
    sum.loss += part.loss;
    sum.tokens += part.tokens;
    sum.correct += part.correct;
    if (context.tape) chunk_backward(context, chunk, head, dhidden);
  }
  if (value) context.tape->add(value, std::move(dhidden));
  return sum;
}

}  // namespace ondol::ops

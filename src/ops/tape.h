// The tape: while a Context carries one, every op writes down how its gradients flow back. The
// forward functions are those of inference; under a tape an op never overwrites a tensor that
// another step still needs, it gives its output new storage.
//
//   Tape tape;
//   tape.watch(adapter.up);                       // a leaf: its gradient is wanted
//   context.tape = &tape;
//   Tensor hidden = model.decoder->forward(context, ids, batch);
//   linear_cross_entropy(context, hidden, head, targets, 1.0F / tokens);
//   tape.backward();                              // newest step first; frees what it used
//   Tensor gradient = tape.gradient(adapter.up);
//
// A Value names one tensor's gradient; 0 means that nothing watched depends on the tensor, and ops
// then record nothing. Gradients are f32 and added up in the order of the steps, so they do not
// depend on the thread count. One tape, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "kernels/kernels.h"
#include "ops/transposed_weights.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// What of a model's layers is computed a second time on the way back instead of kept; no result
// depends on it. recompute.h does it, models say where their parts begin and end.
enum class Recompute : uint8_t {
  kOff,        // norms and gated activations only (Tape::offer)
  kAttention,  // also what stands before the MLP of a layer
  kLayers,     // whole layers: of each its input is kept
};

class Tape {
 public:
  using Value = int64_t;

  // With `transposed`, gradients of inputs in fast precision are products of int8 numbers.
  explicit Tape(TransposedWeights* transposed = nullptr, Recompute recompute = Recompute::kOff)
      : transposed_(transposed), recompute_(recompute) {}

  // Leaves. The gradient of a matrix is [N, K].
  void watch(const Tensor& leaf);
  void watch(const PackedMatrix& leaf);
  // Its gradient is added to `sum`, which tapes may use one after another.
  void watch(const PackedMatrix& leaf, Tensor sum);

  // After backward(): the gradient of a leaf, zeros if nothing reached it.
  Tensor gradient(const Tensor& leaf) const;
  Tensor gradient(const PackedMatrix& leaf) const;

  // Runs all steps, newest first, and drops each. Leaves keep their gradients.
  void backward();

  // ---- for ops ----
  Value value_of(const Tensor& tensor) const;
  Value value_of(const PackedMatrix& matrix) const;
  // `output` depends on something watched: a new value.
  Value define(const Tensor& output);
  // `output` depends on nothing watched (its storage may be that of a tensor that did).
  void forget(const Tensor& output);
  void record(std::function<void()> step) { steps_.push_back(std::move(step)); }

  // How to make an output again from what is kept anyway: a step that needs it keeps the recipe
  // instead of the tensor (recomputation, as llm.c's first level). Ops whose output costs little
  // offer one.
  using Recipe = std::function<Tensor()>;
  void offer(const Tensor& output, Recipe recipe);
  // The recipe of a tensor, or one that keeps the tensor.
  Recipe recipe_of(const Tensor& tensor) const;

  Recompute recompute() const { return recompute_; }
  // Runs `part`, which records; its steps are dropped. Which of its tensors depend on something
  // watched is known afterwards.
  void follow(const std::function<void()>& part);
  // In steps: runs `part`, which records; its steps are the next ones.
  void record_again(const std::function<void()>& part);

  // In steps: the gradient of an output, which nobody needs afterwards. Undefined: none arrived.
  Tensor take(Value value);
  // The gradient to add to, zeros of this shape at first.
  Tensor& sum(Value value, const Shape& shape);
  // Adds a whole gradient; the first one is kept as it is, without a copy.
  void add(Value value, Tensor gradient);
  // dx[T, K] += dy[T, N] * weight
  void input_gradient(const KernelContext& kernel, const Tensor& dy, const PackedMatrix& weight,
                      Tensor& dx) const;

 private:
  Value define_at(const void* address);

  std::unordered_map<const void*, Value> values_;
  std::unordered_map<Value, Tensor> gradients_;
  std::unordered_map<const void*, Recipe> recipes_;
  std::unordered_map<const void*, Shape> leaves_;
  std::vector<std::function<void()>> steps_;
  TransposedWeights* transposed_;
  Recompute recompute_;
  Value last_ = 0;
};

}  // namespace ondol::ops

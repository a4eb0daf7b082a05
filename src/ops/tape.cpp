#include "ops/tape.h"

#include <utility>

namespace ondol::ops {

Tape::Value Tape::define_at(const void* address) { return values_[address] = ++last_; }

void Tape::watch(const Tensor& leaf) {
  define_at(leaf.data());
  leaves_[leaf.data()] = leaf.shape();
}

void Tape::watch(const PackedMatrix& leaf) {
  define_at(&leaf);
  leaves_[&leaf] = {leaf.rows(), leaf.columns()};
}

void Tape::watch(const PackedMatrix& leaf, Tensor sum) {
  watch(leaf);
  gradients_[value_of(leaf)] = std::move(sum);
}

Tensor Tape::gradient(const Tensor& leaf) const {
  const auto found = gradients_.find(value_of(leaf));
  return found == gradients_.end() ? Tensor::zeros(DType::kF32, leaf.shape()) : found->second;
}

Tensor Tape::gradient(const PackedMatrix& leaf) const {
  const auto found = gradients_.find(value_of(leaf));
  if (found != gradients_.end()) return found->second;
  return Tensor::zeros(DType::kF32, {leaf.rows(), leaf.columns()});
}

// Recipes are for recording: steps that need one have it. What is left of them would keep tensors
// whose steps are gone.
void Tape::backward() {
  recipes_.clear();
  while (!steps_.empty()) {
    const std::function<void()> step = std::move(steps_.back());
    steps_.pop_back();
    step();
  }
}

void Tape::follow(const std::function<void()>& part) {
  const size_t before = steps_.size();
  record_again(part);
  steps_.resize(before);
}

void Tape::record_again(const std::function<void()>& part) {
  std::unordered_map<const void*, Recipe> outside = std::exchange(recipes_, {});
  part();
  recipes_ = std::move(outside);
}

void Tape::offer(const Tensor& output, Recipe recipe) {
  recipes_[output.data()] = std::move(recipe);
}

Tape::Recipe Tape::recipe_of(const Tensor& tensor) const {
  const auto found = recipes_.find(tensor.data());
  if (found != recipes_.end()) return found->second;
  return [tensor] { return tensor; };
}

Tape::Value Tape::value_of(const Tensor& tensor) const {
  if (!tensor.defined()) return 0;
  const auto found = values_.find(tensor.data());
  return found == values_.end() ? 0 : found->second;
}

Tape::Value Tape::value_of(const PackedMatrix& matrix) const {
  const auto found = values_.find(&matrix);
  return found == values_.end() ? 0 : found->second;
}

Tape::Value Tape::define(const Tensor& output) { return define_at(output.data()); }

void Tape::forget(const Tensor& output) {
  values_.erase(output.data());
  recipes_.erase(output.data());
}

void Tape::input_gradient(const KernelContext& kernel, const Tensor& dy, const PackedMatrix& weight,
                          Tensor& dx) const {
  const int64_t tokens = dy.dim(0), outputs = dy.dim(1), inputs = weight.columns();
  const bool fast = kernel.precision == Precision::kFast && transposed_ != nullptr;
  if (const PackedMatrix* copy = fast ? transposed_->of(weight, kernel.pool) : nullptr) {
    const MatmulPart part{copy, nullptr, dx.data(), inputs, true};
    return matmul(kernel, {dy.data(), tokens, outputs}, {&part, 1});
  }
  matmul_transposed(kernel, dy.data(), tokens, outputs, weight, dx.data(), inputs, true);
}

Tensor Tape::take(Value value) {
  const auto found = gradients_.find(value);
  if (found == gradients_.end()) return {};
  Tensor gradient = std::move(found->second);
  gradients_.erase(found);
  return gradient;
}

Tensor& Tape::sum(Value value, const Shape& shape) {
  Tensor& gradient = gradients_[value];
  if (!gradient.defined()) gradient = Tensor::zeros(DType::kF32, shape);
  return gradient;
}

void Tape::add(Value value, Tensor gradient) {
  Tensor& held = gradients_[value];
  if (!held.defined()) {
    held = std::move(gradient);
    return;
  }
  float* to = held.data();
  const float* from = gradient.data();
  for (int64_t i = 0, count = held.size(); i < count; ++i) to[i] += from[i];
}

}  // namespace ondol::ops

#include "tensor/tensor.h"

#include <cstdlib>
#include <cstring>
#include <limits>

namespace ondol {

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) {
      throw Error(ErrorCode::kCorruptData,
                  "[tensor] shape " + shape_text(shape) + " has no valid element count");
    }
  }
  return count;
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  }
  return text + "]";
}

Storage::Storage(size_t bytes, Device device) : data_(nullptr), size_(bytes), device_(device) {
  constexpr size_t kAlignment = 64;  // a cache line, and the widest vector register
  if (bytes > std::numeric_limits<size_t>::max() - kAlignment) {
    throw Error(ErrorCode::kResourceExhausted,
                "[tensor] " + std::to_string(bytes) + " bytes asked for");
  }
  const size_t rounded = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  data_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
  if (data_ == nullptr) {
    throw Error(ErrorCode::kResourceExhausted, "[tensor] out of memory; got a request for " +
                                                   std::to_string(bytes) +
                                                   " bytes; try a smaller batch or context");
  }
  std::memset(data_, 0, rounded);
}

Storage::~Storage() { std::free(data_); }

Tensor Tensor::zeros(DType dtype, Shape shape) {
  Tensor tensor;
  const int64_t count = element_count(shape);
  tensor.dtype_ = dtype;
  tensor.storage_ =
      std::make_shared<Storage>(static_cast<size_t>(dtype_bytes(dtype, count)), Device::kCpu);
  tensor.shape_ = std::move(shape);
  return tensor;
}

Tensor Tensor::from(std::span<const float> values, Shape shape) {
  Tensor tensor = zeros(DType::kF32, std::move(shape));
  if (static_cast<int64_t>(values.size()) != tensor.size()) {
    throw Error(ErrorCode::kInvalidArgument, "[tensor] got " + std::to_string(values.size()) +
                                                 " values for shape " + shape_text(tensor.shape_));
  }
  std::memcpy(tensor.data<float>(), values.data(), values.size_bytes());
  return tensor;
}

Tensor Tensor::reshape(Shape shape) const {
  if (element_count(shape) != size()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[tensor] cannot reshape " + shape_text(shape_) + " to " + shape_text(shape));
  }
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  ONDOL_ASSERT(rank() > 0);
  if (begin < 0 || end < begin || end > shape_[0]) {
    throw Error(ErrorCode::kInvalidArgument, "[tensor] rows " + std::to_string(begin) + " to " +
                                                 std::to_string(end) + " of " + shape_text(shape_));
  }
  Tensor view = *this;
  view.shape_[0] = end - begin;
  const int64_t row_elements = shape_[0] == 0 ? 0 : size() / shape_[0];
  view.offset_ += static_cast<size_t>(dtype_bytes(dtype_, begin * row_elements));
  return view;
}

std::span<const std::byte> Tensor::bytes() const {
  return {storage_->data() + offset_, static_cast<size_t>(dtype_bytes(dtype_, size()))};
}

}  // namespace ondol

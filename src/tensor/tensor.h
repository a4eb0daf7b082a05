// A tensor: a cheap handle on shared storage. Row-major, last dimension contiguous. No arithmetic
// here.
//
//   Tensor x = Tensor::zeros(DType::kF32, {tokens, width});
//   std::span<float> row = x.row<float>(3);
//
// Copying a Tensor shares its bytes. Storage carries its device (CPU only today), so that another
// one can come without touching callers (architecture, contract 8). Not synchronised: one writer at
// a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"

namespace ondol {

enum class Device : uint8_t { kCpu };

using Shape = std::vector<int64_t>;

int64_t element_count(std::span<const int64_t> shape);   // throws Error(kCorruptData) on overflow
std::string shape_text(std::span<const int64_t> shape);  // "[2, 3]"

// 64-byte aligned, zeroed bytes. Throws Error(kResourceExhausted) when memory is short.
class Storage {
 public:
  Storage(size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  std::byte* data() { return data_; }
  size_t size() const { return size_; }
  Device device() const { return device_; }

 private:
  std::byte* data_;
  size_t size_;
  Device device_;
};

class Tensor {
 public:
  Tensor() = default;
  static Tensor zeros(DType dtype, Shape shape);
  static Tensor from(std::span<const float> values, Shape shape);  // copies, f32

  bool defined() const { return storage_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t dim(size_t axis) const { return shape_.at(axis); }
  size_t rank() const { return shape_.size(); }
  int64_t size() const { return element_count(shape_); }

  template <class T = float>
  T* data() {
    return reinterpret_cast<T*>(storage_->data() + offset_);
  }
  template <class T = float>
  const T* data() const {
    return reinterpret_cast<const T*>(storage_->data() + offset_);
  }
  // Row `index` of a [rows, columns] view over all leading dimensions.
  template <class T = float>
  std::span<T> row(int64_t index) {
    return {data<T>() + index * shape_.back(), static_cast<size_t>(shape_.back())};
  }
  template <class T = float>
  std::span<const T> row(int64_t index) const {
    return {data<T>() + index * shape_.back(), static_cast<size_t>(shape_.back())};
  }

  Tensor reshape(Shape shape) const;              // same bytes, same count
  Tensor rows(int64_t begin, int64_t end) const;  // view of leading-dimension rows
  std::span<const std::byte> bytes() const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::shared_ptr<Storage> storage_;
  size_t offset_ = 0;
};

}  // namespace ondol

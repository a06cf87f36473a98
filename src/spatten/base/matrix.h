// SPDX-License-Identifier: Apache-2.0
// Row-major storage: `Buffer` owns 64-byte aligned elements, `MatrixView` looks at rows with a stride. Shapes are
// rows x cols; strides count elements. Views never own and are passed by value.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "spatten/base/allocate.h"
#include "spatten/base/error.h"

namespace spatten {

/// Uninitialised, 64-byte aligned array that can grow without keeping its contents (`reserve`).
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) { reserve(size); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  /// Makes room for `size` elements; the contents are lost when it has to grow.
  T* reserve(std::size_t size) {
    if (size > size_) {
      std::free(std::exchange(data_, nullptr));
      size_ = 0;
      if (size > SIZE_MAX / sizeof(T) - 64) throw std::bad_alloc();
      data_ = static_cast<T*>(allocate_aligned((size * sizeof(T) + 63) / 64 * 64));
      size_ = size;
    }
    return data_;
  }
  void zero() {
    if (size_ > 0) std::memset(data_, 0, size_ * sizeof(T));
  }
  void release() { Buffer().swap(*this); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// rows x cols elements, row r at data + r * stride.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0, cols = 0, stride = 0;

  MatrixView() = default;
  MatrixView(T* d, std::size_t r, std::size_t c) : data(d), rows(r), cols(c), stride(c) {}
  MatrixView(T* d, std::size_t r, std::size_t c, std::size_t s) : data(d), rows(r), cols(c), stride(s) {}
  operator MatrixView<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, rows, cols, stride};
  }

  T* row(std::size_t r) const { return data + r * stride; }
  std::span<T> row_span(std::size_t r) const { return {row(r), cols}; }
  T& operator()(std::size_t r, std::size_t c) const { return data[r * stride + c]; }
  MatrixView rows_from(std::size_t first, std::size_t count) const { return {row(first), count, cols, stride}; }
  MatrixView cols_from(std::size_t first, std::size_t count) const { return {data + first, rows, count, stride}; }
};

using Matrix = MatrixView<float>;
using ConstMatrix = MatrixView<const float>;

/// A Buffer with a shape; `resize` keeps the allocation when it is large enough.
template <class T>
class OwnedMatrix {
 public:
  OwnedMatrix() = default;
  OwnedMatrix(std::size_t rows, std::size_t cols) { resize(rows, cols); }
  MatrixView<T> resize(std::size_t rows, std::size_t cols) {
    buffer_.reserve(rows * cols);
    rows_ = rows;
    cols_ = cols;
    return view();
  }
  MatrixView<T> view() { return {buffer_.data(), rows_, cols_}; }
  MatrixView<const T> view() const { return {buffer_.data(), rows_, cols_}; }
  T* row(std::size_t r) { return buffer_.data() + r * cols_; }
  const T* row(std::size_t r) const { return buffer_.data() + r * cols_; }
  T& operator()(std::size_t r, std::size_t c) { return buffer_[r * cols_ + c]; }
  const T& operator()(std::size_t r, std::size_t c) const { return buffer_[r * cols_ + c]; }
  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  T* data() { return buffer_.data(); }
  const T* data() const { return buffer_.data(); }

 private:
  Buffer<T> buffer_;
  std::size_t rows_ = 0, cols_ = 0;
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Reader of the safetensors format: 8 bytes header length, a JSON header, then the data of the tensors. The whole layout
// is checked before anything is used, see docs/formats/checkpoint.md; values are not. Reading is by pread, so a file
// that shrinks meanwhile gives an Error and no SIGBUS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/base/file.h"
#include "spatten/model/dtype.h"

namespace spatten {

struct SafetensorsLimits {
  std::uint64_t header_bytes = std::uint64_t{16} << 20;
  std::uint64_t string_bytes = std::uint64_t{4} << 20;  // of one name or value in the header
  std::uint64_t tensors = 65'536;                       // and as many entries of __metadata__
};

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;  // at most 8 dimensions; empty: one element
  std::uint64_t offset = 0;          // of its first byte in the file
  std::uint64_t bytes = 0;

  /// Product of the shape; cannot overflow once the file is open.
  std::uint64_t elements() const;
};

/// "[30522, 128]"
std::string shape_text(const std::vector<std::uint64_t>& shape);

/// An open file whose header is correct. Reading is thread-safe.
class SafetensorsFile {
 public:
  /// Throws Error "PATH:TENSOR: ..." or "PATH: ..." for everything that breaks the format's rules or the limits.
  static SafetensorsFile open(const std::string& path, const SafetensorsLimits& limits = {});
  static SafetensorsFile open(InputFile file, const SafetensorsLimits& limits = {});

  const std::string& path() const { return file_.path(); }
  std::uint64_t size() const { return file_.size(); }
  /// Sorted by name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// Null when there is none of this name.
  const TensorInfo* find(std::string_view name) const;
  /// Bytes `first` .. `first + bytes` of the tensor's data.
  void read_bytes(const TensorInfo& tensor, std::uint64_t first, void* out, std::size_t bytes) const;

 private:
  SafetensorsFile(InputFile file, std::vector<TensorInfo> tensors) : file_(std::move(file)), tensors_(std::move(tensors)) {}

  InputFile file_;
  std::vector<TensorInfo> tensors_;
};

}  // namespace spatten

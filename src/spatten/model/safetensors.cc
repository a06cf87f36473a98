// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "spatten/base/checked.h"
#include "spatten/model/safetensors_header.h"

namespace spatten {
namespace {

constexpr std::uint64_t kLengthBytes = 8, kLeastHeader = 2;  // "{}"

/// The length field, checked before anything of that size is allocated.
std::uint64_t header_bytes(const InputFile& file, const SafetensorsLimits& limits) {
  if (file.size() < kLengthBytes + kLeastHeader) {
    throw Error(file.path(), "", fmt::format("header too small: expected a file of at least {} bytes, found {}",
                                             kLengthBytes + kLeastHeader, file.size()));
  }
  unsigned char raw[kLengthBytes];
  file.read_at(0, raw, sizeof raw);
  std::uint64_t length = 0;
  for (std::size_t i = sizeof raw; i-- > 0;) length = length << 8 | raw[i];
  if (length < kLeastHeader) {
    throw Error(file.path(), "", fmt::format("header too small: expected at least {} bytes, found {}", kLeastHeader, length));
  }
  if (length > limits.header_bytes) {
    throw Error(file.path(), "",
                fmt::format("header too large: expected at most {} bytes, found {}", limits.header_bytes, length));
  }
  if (length > file.size() - kLengthBytes) {
    throw Error(file.path(), "", fmt::format("header longer than the file: expected at most {} bytes, found {}",
                                             file.size() - kLengthBytes, length));
  }
  return length;
}

/// Together the tensors must cover the data exactly once.
void check_layout(std::vector<TensorInfo>& tensors, std::uint64_t data_bytes, const std::string& path) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  std::uint64_t expected = 0;
  for (const TensorInfo& t : tensors) {
    const auto fail = [&](const std::string& message) { throw Error(path, printable(t.name, 120), message); };
    if (t.offset > data_bytes || t.bytes > data_bytes - t.offset) {
      fail(fmt::format("expected data_offsets within {} bytes of data, found {} bytes at {}", data_bytes, t.bytes, t.offset));
    }
    if (t.offset < expected) fail(fmt::format("expected data from byte {}, found {}: it overlaps its neighbour", expected, t.offset));
    if (t.offset > expected) fail(fmt::format("expected data from byte {}, found {}: a hole before it", expected, t.offset));
    expected = t.offset + t.bytes;  // at most data_bytes
  }
  if (expected != data_bytes) {
    throw Error(path, "", fmt::format("expected {} bytes of data as in the header, found {} to the end of the file",
                                      expected, data_bytes));
  }
}

}  // namespace

std::uint64_t TensorInfo::elements() const {
  Checked n = 1;
  for (const std::uint64_t d : shape) n = n * d;
  return n.value();
}

std::string shape_text(const std::vector<std::uint64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

SafetensorsFile SafetensorsFile::open(const std::string& path, const SafetensorsLimits& limits) {
  return open(InputFile(path), limits);
}

SafetensorsFile SafetensorsFile::open(InputFile file, const SafetensorsLimits& limits) {
  const std::uint64_t length = header_bytes(file, limits);
  std::string header(static_cast<std::size_t>(length), '\0');
  file.read_at(kLengthBytes, header.data(), header.size());
  std::vector<TensorInfo> tensors = parse_safetensors_header(header, file.path(), limits);

  const std::uint64_t data_start = kLengthBytes + length;
  check_layout(tensors, file.size() - data_start, file.path());
  for (TensorInfo& t : tensors) t.offset += data_start;
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  return {std::move(file), std::move(tensors)};
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                   [](const TensorInfo& t, std::string_view n) { return t.name < n; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

void SafetensorsFile::read_bytes(const TensorInfo& tensor, std::uint64_t first, void* out, std::size_t bytes) const {
  SPATTEN_CHECK(first <= tensor.bytes && bytes <= tensor.bytes - first);
  file_.read_at(tensor.offset + first, out, bytes);
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: opening throws Error or gives a layout that holds in a second, independent check, and
// every byte of every tensor can be read.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "spatten/base/error.h"
#include "spatten/base/json_tree.h"
#include "spatten/model/safetensors.h"

namespace {

using spatten::SafetensorsFile;
using spatten::TensorInfo;

void require(bool condition) {
  if (!condition) __builtin_trap();
}

__extension__ using Wide = unsigned __int128;
constexpr Wide kTwoTo64 = static_cast<Wide>(1) << 64;

Wide product(const std::vector<std::uint64_t>& shape) {
  Wide n = 1;
  for (const std::uint64_t d : shape) {
    n *= d;
    require(n < kTwoTo64);
  }
  return n;
}

std::uint64_t bits_of(const std::string& dtype) {
  static const std::map<std::string, std::uint64_t> kBits = {
      {"BOOL", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8},
      {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16}, {"I32", 32},
      {"U32", 32}, {"F32", 32}, {"F64", 64},    {"I64", 64},    {"U64", 64}, {"C64", 64}};
  return kBits.at(dtype);
}

/// From the bytes alone, by a document and not by a stream: what the accepted file must be.
void check_by_document(const std::string& bytes, const SafetensorsFile& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  require(length <= bytes.size() - 8);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));  // throws, and so fails, when it is no JSON
  require(header.is_object() && header.size() == file.tensors().size() + header.count("__metadata__"));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) require(value.is_string());
      continue;
    }
    const TensorInfo* tensor = file.find(name);
    require(tensor != nullptr && entry.size() == 3);
    const auto shape = entry.at("shape").get<std::vector<std::uint64_t>>();
    const Wide bits = product(shape) * bits_of(entry.at("dtype").get<std::string>());
    require(bits < kTwoTo64);
    const std::uint64_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
    require(begin <= end && bits % 8 == 0 && static_cast<std::uint64_t>(bits / 8) == end - begin);
    require(tensor->shape == shape && tensor->bytes == end - begin && tensor->offset == 8 + length + begin);
    ranges.emplace_back(begin, end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    require(begin == at);
    at = end;
  }
  require(8 + length + at == bytes.size());
}

void check_reading(const std::string& bytes, const SafetensorsFile& file) {
  for (const TensorInfo& tensor : file.tensors()) {
    std::string data(tensor.bytes, '\0');
    file.read_bytes(tensor, 0, data.data(), data.size());
    require(bytes.compare(tensor.offset, tensor.bytes, data) == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    const SafetensorsFile file = SafetensorsFile::open(spatten::InputFile::from_memory("input", bytes));
    check_by_document(bytes, file);
    check_reading(bytes, file);
  } catch (const spatten::Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);  // one line, whatever the names in the file
  }
  return 0;
}

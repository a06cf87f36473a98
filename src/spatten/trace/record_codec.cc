// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/record_codec.h"

#include <array>
#include <bit>
#include <limits>
#include <type_traits>

#include "spatten/base/error.h"
#include "spatten/trace/file_format.h"

namespace spatten::trace {
namespace {

constexpr std::size_t kScalars = 21;  // fields of Record::each; bit i of the mask is field i
constexpr std::uint64_t kKeyIdsBit = std::uint64_t{1} << kScalars;
constexpr std::uint64_t kScoresBit = kKeyIdsBit << 1;
constexpr std::uint64_t kLsbMaskBit = kKeyIdsBit << 2;
constexpr std::uint64_t kAllBits = (kKeyIdsBit << 3) - 1;

using Scalars = std::array<std::uint64_t, kScalars>;

Scalars scalars_of(const Record& record) {
  Scalars out{};
  std::size_t n = 0;
  Record::each(record, [&](const char*, const auto& field, const char*, const char*) {
    SPATTEN_CHECK(n < kScalars);
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>) {
      out[n++] = std::bit_cast<std::uint64_t>(field);
    } else {
      out[n++] = static_cast<std::uint64_t>(field);
    }
  });
  SPATTEN_CHECK(n == kScalars);
  return out;
}

template <class T>
constexpr std::uint64_t largest() {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Stage>) return 1;
  else return std::numeric_limits<T>::max();
}

/// Takes bytes off the front of a block.
class Reader {
 public:
  explicit Reader(std::string_view& rest) : rest_(rest) {}

  std::string_view bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      throw Error(fmt::format("expected {} more bytes in the block, found {}", count, rest_.size()));
    }
    const std::string_view out = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(out.size());
    return out;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1)[0]);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    throw Error("expected a number within 64 bits, found a longer one");
  }

  /// A length that is followed by at least `item_bytes` for each item: never more than the block holds.
  std::size_t count(std::size_t item_bytes) {
    const std::uint64_t n = varint();
    if (n > rest_.size() / item_bytes) {
      throw Error(fmt::format("expected a count that fits the {} bytes left in the block, found {}", rest_.size(), n));
    }
    return static_cast<std::size_t>(n);
  }

 private:
  std::string_view& rest_;
};

void read_scalar(Reader& in, const char*, double& field) {
  field = std::bit_cast<double>(get_little_endian<std::uint64_t>(in.bytes(8)));
}

template <class T>
void read_scalar(Reader& in, const char* name, T& field) {
  const std::uint64_t value = in.varint();
  if (value > largest<T>()) throw Error(fmt::format("{}: expected at most {}, found {}", name, largest<T>(), value));
  field = static_cast<T>(value);
}

// Ascending positions: the first as it is, then the gaps less one, which are 0 where nothing was pruned.
void write_ids(const std::vector<std::uint32_t>& ids, std::string& out) {
  put_varint(out, ids.size());
  std::uint64_t least = 0;
  for (const std::uint32_t id : ids) {
    SPATTEN_CHECK(id >= least);
    put_varint(out, id - least);
    least = std::uint64_t{id} + 1;
  }
}

void read_ids(Reader& in, std::vector<std::uint32_t>& ids) {
  ids.resize(in.count(1));
  std::uint64_t least = 0;
  for (std::uint32_t& id : ids) {
    const std::uint64_t gap = in.varint();
    if (gap >= kMaxContext || least + gap >= kMaxContext) {
      throw Error(fmt::format("key_ids: expected positions below {}, found a gap of {} after {}", kMaxContext, gap, least));
    }
    id = static_cast<std::uint32_t>(least + gap);
    least = std::uint64_t{id} + 1;
  }
}

void write_scores(const std::vector<float>& scores, std::string& out) {
  put_varint(out, scores.size());
  for (const float score : scores) put_little_endian(out, std::bit_cast<std::uint32_t>(score));
}

void read_scores(Reader& in, std::vector<float>& scores) {
  scores.resize(in.count(sizeof(float)));
  for (float& score : scores) score = std::bit_cast<float>(get_little_endian<std::uint32_t>(in.bytes(sizeof(float))));
}

void write_mask(const std::vector<std::uint8_t>& mask, std::string& out) {
  put_varint(out, mask.size());
  out.append(mask.begin(), mask.end());
}

void read_mask(Reader& in, std::vector<std::uint8_t>& mask) {
  const std::string_view bytes = in.bytes(in.count(1));
  mask.assign(bytes.begin(), bytes.end());
}

}  // namespace

void RecordEncoder::encode(const Record& record, std::string& out) {
  const Scalars now = scalars_of(record), before = scalars_of(previous_);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kScalars; ++i) mask |= std::uint64_t{now[i] != before[i]} << i;
  if (record.key_ids != previous_.key_ids) mask |= kKeyIdsBit;
  if (record.scores != previous_.scores) mask |= kScoresBit;
  if (record.lsb_mask != previous_.lsb_mask) mask |= kLsbMaskBit;
  put_varint(out, mask);
  std::size_t i = 0;
  Record::each(record, [&](const char*, const auto& field, const char*, const char*) {
    const std::size_t n = i++;
    if ((mask >> n & 1) == 0) return;
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>) {
      put_little_endian(out, now[n]);
    } else {
      put_varint(out, now[n]);
    }
  });
  if ((mask & kKeyIdsBit) != 0) write_ids(record.key_ids, out);
  if ((mask & kScoresBit) != 0) write_scores(record.scores, out);
  if ((mask & kLsbMaskBit) != 0) write_mask(record.lsb_mask, out);
  previous_ = record;
}

void RecordDecoder::start_block(std::string_view block) {
  rest_ = block;
  previous_ = Record();
}

void RecordDecoder::decode(Record& out) {
  Reader in(rest_);
  const std::uint64_t mask = in.varint();
  if (mask > kAllBits) throw Error(fmt::format("expected a mask of known fields, found {:#x}", mask));
  std::size_t i = 0;
  Record::each(previous_, [&](const char* name, auto& field, const char*, const char*) {
    if ((mask >> i++ & 1) != 0) read_scalar(in, name, field);
  });
  if ((mask & kKeyIdsBit) != 0) read_ids(in, previous_.key_ids);
  if ((mask & kScoresBit) != 0) read_scores(in, previous_.scores);
  if ((mask & kLsbMaskBit) != 0) read_mask(in, previous_.lsb_mask);
  out = previous_;
}

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/bitwidth_converter.h"

#include <algorithm>

namespace spatten::sim {
namespace {

// The realigning buffer holds two of whatever is wider: a set of lanes, or two lines (published RTL: of 8 bits).
std::uint32_t buffer_accesses(const BitwidthConverter::Shape& shape) {
  const std::uint32_t access_bits = shape.access_bytes * 8;
  return 2 * std::max(shape.lanes, (shape.multipliers * 2 * shape.widest_bits + access_bits - 1) / access_bits);
}

const MatrixSlice& matrix_of(const Row& row, Stream stream) {
  switch (stream) {
    case Stream::kQuery:
      return row.query;
    case Stream::kKeyLsb:
      return row.key_lsb;
    case Stream::kValue:
      return row.value;
    default:
      return row.key;
  }
}

}  // namespace

BitwidthConverter::BitwidthConverter(const Shape& shape)
    : Unit("converter"),
      in(*this, 2, 1),
      key(*this),
      value(*this),
      query(*this),
      weights_done(*this),
      shape_(shape),
      capacity_(buffer_accesses(shape)) {}

// Room and data are those of the beginning of the cycle: what comes in now can be converted in the next one, and what
// is converted now makes room for the next one.
void BitwidthConverter::take(std::uint32_t held_before, Cycles now) {
  if (!in.front(now) || held_before + shape_.lanes > capacity_) return;
  const LaneSet set = in.pop(now);
  ++stats_.lane_sets;
  if (segments_.empty() || segments_.back().complete) {
    segments_.push_back({set.row, set.stream, 0, matrix_of(*set.row, set.stream).accesses, false});
  }
  segments_.back().accesses += set.accesses;
  segments_.back().complete = set.last;
  held_ += set.accesses;
}

// Two lines: of two neighbours, or of the same vectors of two interleaved heads. False when data or room lack.
bool BitwidthConverter::emit(Segment& s, Cycles now) {
  const std::uint32_t fused = s.stream == Stream::kKeyLsb ? 1 : s.row->fused;
  const std::uint32_t per_line = line_elements(shape_.vectors_per_line, s.row->head_dim);
  const std::uint32_t vectors_per_step = fused == 2 ? per_line : 2 * per_line;
  const std::uint32_t vectors = std::min(vectors_per_step, s.accesses / s.vector_accesses);
  if (vectors < vectors_per_step && !(s.complete && vectors > 0)) return false;
  OutPort<SramWrite>& out = s.stream == Stream::kValue ? value : key;
  if (!out.has_room(now)) return false;
  const bool last = s.complete && vectors * s.vector_accesses == s.accesses;
  const std::uint32_t lines = fused == 2 ? 1 : (vectors + per_line - 1) / per_line;
  out.push({s.row, s.stream, lines, last}, now);
  stats_.lines += std::uint64_t{lines} * fused;
  stats_.values += std::uint64_t{vectors} * s.row->head_dim * fused;
  s.accesses -= vectors * s.vector_accesses;
  held_ -= vectors * s.vector_accesses;
  return true;
}

bool BitwidthConverter::convert(Cycles now) {
  if (segments_.empty()) return false;
  Segment& s = segments_.front();
  if (s.stream == Stream::kWeights) {  // they pass both arrays as they come
    if (s.accesses == 0 || (s.complete && !weights_done.has_room(now))) return false;
    held_ -= s.accesses;
    s.accesses = 0;
    if (s.complete) weights_done.push(s.row, now);
  } else if (s.stream == Stream::kQuery) {
    if (!s.complete || !query.has_room(now)) return false;
    query.push(s.row, now);
    held_ -= s.accesses;
    s.accesses = 0;
  } else if (!emit(s, now)) {
    return false;
  }
  if (s.complete && s.accesses == 0) segments_.pop_front();
  return true;
}

Tick BitwidthConverter::tick(Cycles now) {
  const std::uint64_t before = stats_.lane_sets;
  const std::uint32_t held_before = held_;
  const bool converted = convert(now);
  take(held_before, now);
  const bool moved = converted || stats_.lane_sets != before;
  const Cycles wake = moved ? now + 1 : in.next_ready() > now ? in.next_ready() : kNever;
  if (moved) return {Why::kBusy, wake};
  return {segments_.empty() ? Why::kIdle : Why::kNoInput, wake};
}

}  // namespace spatten::sim

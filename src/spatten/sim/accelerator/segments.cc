// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/segments.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace spatten::sim {
namespace {

constexpr std::size_t kMostKept = 512;

bool same_segment(ChipSpec::Barrier barrier, const trace::Record& a, const trace::Record& b) {
  return a.step == b.step && (barrier == ChipSpec::Barrier::kStep || a.layer == b.layer);
}

void stir(std::uint64_t& hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  hash ^= hash >> 29;
}

std::uint64_t hash_of(const std::vector<trace::Record>& records) {
  std::uint64_t hash = records.size();
  for (const trace::Record& r : records) {
    for (const std::uint64_t value : {std::uint64_t{r.layer - records.front().layer}, std::uint64_t{r.head}, std::uint64_t{r.context},
                                      std::uint64_t{r.keys}, std::uint64_t{r.values}, std::uint64_t{r.lsb_rows}, std::uint64_t{r.rows}}) {
      stir(hash, value);
    }
  }
  return hash;
}

}  // namespace

std::vector<trace::Record> SegmentCutter::next() {
  std::vector<trace::Record> records;
  trace::Record record;
  if (first_) records.push_back(*std::exchange(first_, std::nullopt));
  while (source_.next(record)) {
    if (!records.empty() && !same_segment(barrier_, records.back(), record)) {
      first_ = std::move(record);
      break;
    }
    records.push_back(std::move(record));
    record = {};
  }
  return records;
}

bool segments_alike(const std::vector<trace::Record>& a, const std::vector<trace::Record>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const trace::Record& x, trace::Record y) {
    if (x.layer - a.front().layer != y.layer - b.front().layer) return false;
    y.step = x.step;
    y.layer = x.layer;
    return x == y;
  });
}

Result retold(const Result& result, const std::vector<trace::Record>& records) {
  Result copy = result;
  const std::uint32_t first = copy.layers.empty() ? 0 : copy.layers.front().layer;
  for (LayerResult& layer : copy.layers) {
    layer.step = records.front().step;
    layer.layer = layer.layer - first + records.front().layer;
  }
  return copy;
}

std::shared_ptr<const Result> SegmentResults::find(const std::vector<trace::Record>& records) const {
  const auto [begin, end] = entries_.equal_range(hash_of(records));
  for (auto it = begin; it != end; ++it) {
    if (segments_alike(it->second.records, records)) return std::make_shared<const Result>(retold(*it->second.result, records));
  }
  return nullptr;
}

void SegmentResults::keep(const std::vector<trace::Record>& records, std::shared_ptr<const Result> result) {
  if (entries_.size() >= kMostKept) entries_.clear();
  entries_.emplace(hash_of(records), Entry{records, std::move(result)});
}

}  // namespace spatten::sim

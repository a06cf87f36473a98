// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/memory.h"

#include <bit>

#include "spatten/base/error.h"

namespace spatten::sim {

MemoryStats& MemoryStats::operator+=(const MemoryStats& other) {
  std::vector<std::uint64_t> values;
  each(other, [&](const char*, std::uint64_t value, const char*, const char*) { values.push_back(value); });
  std::size_t i = 0;
  each(*this, [&](const char*, std::uint64_t& value, const char*, const char*) { value += values[i++]; });
  return *this;
}

double MemoryEnergy::of(const MemoryStats& stats) const {
  return static_cast<double>(stats.activates) * activate_pj + static_cast<double>(stats.reads) * read_pj +
         static_cast<double>(stats.writes) * write_pj + static_cast<double>(stats.refreshes) * refresh_pj;
}

Memory::Memory(MemoryFacts facts, std::vector<std::unique_ptr<MemoryChannel>> channels)
    : facts_(std::move(facts)),
      channels_(std::move(channels)),
      offset_bits_(static_cast<unsigned>(std::countr_zero(facts_.access_bytes))),
      channel_bits_(static_cast<unsigned>(std::countr_zero(facts_.channels))) {
  SPATTEN_CHECK(std::has_single_bit(facts_.channels) && std::has_single_bit(facts_.access_bytes));
  SPATTEN_CHECK(channels_.size() == facts_.channels);
}

MemoryStats Memory::stats() const {
  MemoryStats sum;
  for (const auto& channel : channels_) sum += channel->stats();
  return sum;
}

}  // namespace spatten::sim

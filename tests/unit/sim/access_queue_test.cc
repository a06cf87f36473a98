// SPDX-License-Identifier: Apache-2.0
// The queue of waiting accesses against a plain list of them: a random life of it, with gaps that have to be closed.
#include "spatten/sim/memory/access_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/sim/memory/dram_spec.h"
#include "support/slow_build.h"

namespace spatten::sim {
namespace {

DramTables tables() {
  return DramTables(load_dram_spec(std::string(SPATTEN_SOURCE_DIR) + "/configs/memory/hbm2-r21.json"));
}

/// The same by search.
class PlainQueue {
 public:
  std::vector<WaitingAccess> waiting;  // oldest first
  std::vector<std::int64_t> open = std::vector<std::int64_t>(kMaxBanks, -1);

  bool hits(const WaitingAccess& a) const { return open[a.bank] == a.row; }
};

std::vector<std::uint64_t> orders(AccessQueue& queue, AccessQueue::Set set) {
  std::vector<std::uint64_t> out;
  for (; set != 0; set &= set - 1) out.push_back(queue.at(AccessQueue::oldest(set)).order);
  return out;
}

template <class Wanted>
std::vector<std::uint64_t> orders(const PlainQueue& plain, Wanted wanted) {
  std::vector<std::uint64_t> out;
  for (const WaitingAccess& a : plain.waiting) {
    if (wanted(a)) out.push_back(a.order);
  }
  return out;
}

void expect_same(AccessQueue& queue, const PlainQueue& plain, const DramTables& tables) {
  ASSERT_EQ(queue.size(), plain.waiting.size());
  ASSERT_EQ(orders(queue, queue.hits()), orders(plain, [&](const auto& a) { return plain.hits(a); }));
  ASSERT_EQ(orders(queue, queue.others()), orders(plain, [&](const auto& a) { return !plain.hits(a); }));
  for (std::uint32_t bank = 0; bank < tables.organization().all_banks(); ++bank) {
    const auto in = [&](DramLevel level) {
      return orders(plain, [&, shift = tables.shift(level)](const auto& a) { return std::uint32_t{a.bank} >> shift == bank >> shift; });
    };
    ASSERT_EQ(orders(queue, queue.of_bank(bank)), in(DramLevel::kBank));
    ASSERT_EQ(orders(queue, queue.of_group_of(bank)), in(DramLevel::kBankGroup));
    ASSERT_EQ(orders(queue, queue.of_pseudo_channel_of(bank)), in(DramLevel::kPseudoChannel));
  }
}

TEST(AccessQueue, IsAListInTheOrderOfArrival) {
  const DramTables timing = tables();
  const std::uint32_t banks = timing.organization().all_banks();
  for (std::uint64_t seed = 0; seed < (kSlowBuild ? 4 : 20); ++seed) {
    Random random(seed);
    AccessQueue queue(timing);
    PlainQueue plain;
    const std::size_t limit = seed % 2 == 0 ? AccessQueue::kPlaces : 16;
    for (std::uint64_t order = 0; order < 300; ++order) {
      const auto bank = static_cast<std::uint32_t>(random.below(banks));
      const auto row = static_cast<std::uint32_t>(random.below(3));
      switch (random.below(5)) {
        case 0:
          if (plain.waiting.empty()) break;
          {
            const auto at = static_cast<std::ptrdiff_t>(random.below(plain.waiting.size()));
            AccessQueue::Set set = queue.hits() | queue.others();
            for (std::ptrdiff_t i = 0; i < at; ++i) set &= set - 1;
            queue.remove(AccessQueue::oldest(set));
            plain.waiting.erase(plain.waiting.begin() + at);
          }
          break;
        case 1:
          plain.open[bank] >= 0 ? queue.bank_closed(bank) : queue.bank_opened(bank, row);
          plain.open[bank] = plain.open[bank] >= 0 ? -1 : std::int64_t{row};
          break;
        default:
          if (plain.waiting.size() == limit) break;
          const bool is_write = random.below(2) == 0;
          const WaitingAccess access{order, 0, row, static_cast<std::uint8_t>(bank), is_write, false};
          queue.push(access, order * 32, plain.hits(access));
          plain.waiting.push_back(access);
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(queue, plain, timing)) << "seed " << seed << " step " << order;
    }
    for (const WaitingAccess& a : plain.waiting)
      EXPECT_EQ(queue.holds_write(a.order * 32, a.bank), a.is_write);
  }
}

}  // namespace
}  // namespace spatten::sim

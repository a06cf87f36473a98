// SPDX-License-Identifier: Apache-2.0
// Which bank and row a byte address of a channel means: consecutive bits above the access, in the order of the spec.
#pragma once

#include <bit>
#include <cstdint>

#include "spatten/sim/memory/dram_spec.h"

namespace spatten::sim {

class AddressMap {
 public:
  struct Place {
    std::uint32_t bank;  // of the channel: (pseudo-channel, group, bank) with the bank lowest
    std::uint32_t row;
  };

  explicit AddressMap(const DramSpec& spec) {
    const DramOrganization& o = spec.organization;
    auto shift = static_cast<unsigned>(std::countr_zero(spec.access_bytes));
    const auto take = [&shift](Bits& bits, std::uint32_t count) {
      bits = {shift, count - 1};
      shift += static_cast<unsigned>(std::countr_zero(count));
    };
    Bits column;
    for (const AddressPart part : spec.address_map) {
      switch (part) {
        case AddressPart::kColumn:
          take(column, o.columns);
          break;
        case AddressPart::kPseudoChannel:
          take(pseudo_channel_, o.pseudo_channels);
          break;
        case AddressPart::kBankGroup:
          take(group_, o.bank_groups);
          break;
        case AddressPart::kBank:
          take(bank_, o.banks);
          break;
        case AddressPart::kRow:
          take(row_, o.rows);
          break;
      }
    }
    group_bits_ = static_cast<unsigned>(std::countr_zero(o.bank_groups));
    bank_bits_ = static_cast<unsigned>(std::countr_zero(o.banks));
  }

  /// Bits above the device are ignored.
  Place operator()(std::uint64_t address) const {
    const std::uint32_t group = pseudo_channel_.of(address) << group_bits_ | group_.of(address);
    return {group << bank_bits_ | bank_.of(address), row_.of(address)};
  }

 private:
  struct Bits {
    unsigned shift = 0;
    std::uint32_t mask = 0;
    std::uint32_t of(std::uint64_t address) const { return static_cast<std::uint32_t>(address >> shift) & mask; }
  };
  Bits pseudo_channel_, group_, bank_, row_;
  unsigned group_bits_ = 0, bank_bits_ = 0;
};

}  // namespace spatten::sim

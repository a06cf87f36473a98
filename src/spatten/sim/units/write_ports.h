// SPDX-License-Identifier: Apache-2.0
// The two write ports of an SRAM of two banks (published RTL: Buffer, MultiBankRAM). Lines of one matrix alternate
// between the banks, port by port, and never meet. Two heads that lie interleaved are written line by line side by
// side; the lines of both have the same number and so the same bank, one port waits, and after a few lines both stand
// still for a cycle.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "spatten/sim/core/cycles.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

/// Lines that go into an SRAM: `lines` of this row's group, in order; of two interleaved heads, `lines` of each.
struct SramWrite {
  Row* row = nullptr;
  Stream stream = Stream::kKey;
  std::uint32_t lines = 0;
  bool last = false;
};

class WritePorts {
 public:
  static constexpr std::uint32_t kPorts = 2;
  struct Line {
    Row* row = nullptr;
    Stream stream = Stream::kKey;
    std::uint32_t bank = 0;
    std::uint32_t lines = 0;  ///< 0 where the last pair of lines has only one
    bool last = false;
  };

  bool idle() const { return !busy_; }
  /// Notes that both ports wrote to their own banks, without going through the registers.
  void passed_by() { granted_ = {0, 1}; }

  /// One cycle. Offers `write`, if any; true when both ports have taken it. `stored(port, line)` is called for lines
  /// that are given to a bank in this cycle.
  template <class F>
  bool step(const SramWrite* write, F&& stored) {
    for (std::uint32_t bank = 0; bank < kPorts; ++bank) grant(bank, stored);
    bool taken = write != nullptr;
    busy_ = false;
    for (std::uint32_t port = 0; port < kPorts; ++port) {
      advance(port);
      if (write && !has_it_[port] && !ports_[port].data) {
        ports_[port].data = line_of(*write, port);
        has_it_[port] = true;
      }
      taken = taken && has_it_[port];
      busy_ = busy_ || ports_[port].data || ports_[port].skid || ports_[port].request;
      ended_[port] = ended_[port] || (ports_[port].data && ports_[port].data->last && !ports_[port].skid);
    }
    if (taken) {
      has_it_ = {};
      if (write->row->fused == 2) ++line_;
      if (write->last) line_ = 0;
    }
    return taken;
  }
  /// Whether both ports begin the last line of a matrix in the next cycle at the latest; once per matrix.
  bool take_end() {
    if (!ended_[0] || !ended_[1]) return false;
    ended_ = {};
    return true;
  }

 private:
  struct Port {
    std::optional<Line> data, skid, request;  // registers in the order of the path; skid is passed by when empty
  };
  Line line_of(const SramWrite& write, std::uint32_t port) const;
  void advance(std::uint32_t port);
  template <class F>
  void grant(std::uint32_t bank, F&& stored) {
    for (std::uint32_t turn = 1; turn <= kPorts; ++turn) {
      const std::uint32_t port = (granted_[bank] + turn) % kPorts;
      std::optional<Line>& request = ports_[port].request;
      if (!request || request->bank != bank) continue;
      stored(*request);
      request.reset();
      granted_[bank] = port;
      return;
    }
  }

  std::array<Port, kPorts> ports_;
  std::array<std::uint32_t, kPorts> granted_{1, 1};  // by bank: the port served last
  std::array<bool, kPorts> has_it_{}, ended_{};
  std::uint32_t line_ = 0;  // of the interleaved matrix being written
  bool busy_ = false;
};

}  // namespace spatten::sim

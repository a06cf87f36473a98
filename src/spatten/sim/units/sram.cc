// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/sram.h"

#include <algorithm>

namespace spatten::sim {

// From the converter to the RAM cell: five registers (published RTL).
constexpr Cycles kWriteLatency = 5;

Sram::Sram(Role role, const Spec& spec, std::uint32_t vectors_per_line)
    : Unit(role == Role::kKey ? "key_sram" : "value_sram"), write(*this, 8, kWriteLatency), read(*this, 4, 1), out(*this),
      role_(role), spec_(spec), vectors_per_line_(vectors_per_line) {}

void Sram::accept_writes(Cycles now) {
  while (write.front(now)) {
    const SramWrite w = write.pop(now);
    if (w.stream == Stream::kKeyLsb) {
      w.row->lsb_lines_written += w.lines;
      stats_.lsb_lines_written += w.lines;
    } else {
      (role_ == Role::kKey ? w.row->key_lines_written : w.row->value_lines_written) += w.lines;
      stats_.lines_written += std::uint64_t{w.lines} * w.row->fused;
    }
  }
}

// Lines of this row that are there. Interleaved heads are written together, line by line.
std::uint32_t Sram::written(const Row& row) const {
  if (role_ == Role::kValue) return row.group->value_lines_written;
  return row.second_pass ? row.lsb_lines_written : row.group->key_lines_written;
}

Tick Sram::tick(Cycles now) {
  accept_writes(now);
  while (read.front(now)) {
    Row* row = read.pop(now);
    // The request reached the port one cycle after it was sent; issue_latency counts from the sending.
    reads_.push_back({row, now - 1 + spec_.issue_latency, 0});
  }
  const Cycles next_write = write.next_ready();
  const Cycles next_read = read.next_ready();
  const Cycles arrivals = std::min(next_write, next_read);
  if (reads_.empty()) return {Why::kIdle, arrivals};

  Read& r = reads_.front();
  if (!waited_) next_issue_ = std::max(next_issue_, r.earliest);
  if (next_issue_ > now) return {Why::kBusy, std::min(arrivals, next_issue_)};
  if (written(*r.row) <= r.index) {  // asked in vain at next_issue_; asked again every retry_cycles
    waited_ = true;
    return {Why::kMemory, arrivals};
  }
  if (waited_) {  // written in this cycle: the first read of the polling that sees it
    waited_ = false;
    const Cycles tries = (now - next_issue_ + spec_.retry_cycles - 1) / spec_.retry_cycles;
    stats_.retries += tries;
    next_issue_ += tries * spec_.retry_cycles;
    if (next_issue_ > now) return {Why::kBusy, std::min(arrivals, next_issue_)};
  }
  if (!out.has_room(now)) return {Why::kNoRoom, arrivals};
  const std::uint32_t per_line = line_elements(vectors_per_line_, r.row->head_dim);
  const std::uint32_t left = elements(*r.row) - r.index * per_line;
  const bool last = left <= per_line;
  out.push({r.row, r.index, std::min(left, per_line), r.index == 0, last, false}, now);
  ++stats_.lines_read;
  ++r.index;
  next_issue_ = now + 1;
  if (last) reads_.pop_front();
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

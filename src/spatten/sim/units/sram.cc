// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/sram.h"

#include <algorithm>

namespace spatten::sim {

namespace {

// Published RTL: two registers between converter and write port, three from there to the cells, of which the request
// register is the second; one from the request to the cells.
constexpr Cycles kWriteLatency = 2, kStoreLatency = 3, kRequestLatency = 1;
// Published RTL: from a read that succeeds until its place in the queue of reads is used again.
constexpr Cycles kQueueLatency = 5;

}  // namespace

Sram::Sram(Role role, const Spec& spec, std::uint32_t vectors_per_line)
    : Unit(role == Role::kKey ? "key_sram" : "value_sram"),
      write(*this, 3, kWriteLatency),
      read(*this, spec.read_ahead > 0 ? 1 : 8, 1),
      out(*this),
      written(*this),
      role_(role),
      spec_(spec),
      vectors_per_line_(vectors_per_line) {}

void Sram::count(const WritePorts::Line& line) {
  if (line.stream == Stream::kKeyLsb) {
    line.row->lsb_lines_written += line.lines;
    stats_.lsb_lines_written += line.lines;
  } else {
    (role_ == Role::kKey ? line.row->key_lines_written : line.row->value_lines_written) += line.lines;
    stats_.lines_written += line.lines;
  }
}

// Lines of one matrix run straight through; only those of interleaved heads, and what comes close behind them, go
// through the ports register by register.
void Sram::take_writes(Cycles now) {
  while (!stored_.empty() && stored_.front().from <= now) {
    count(stored_.front().line);
    stored_.pop_front();
  }
  const SramWrite* w = write.front(now);
  if (!w && ports_.idle()) return;
  bool ended = false;
  Row* row = w ? w->row : nullptr;
  if (ports_.idle() && (w->row->fused == 1 || w->stream == Stream::kKeyLsb)) {
    stored_.push_back({{w->row, w->stream, 0, w->lines, w->last}, now + kStoreLatency});
    ports_.passed_by();
    ended = w->last;
    write.pop(now);
  } else {
    const bool taken = ports_.step(w, [&](const WritePorts::Line& line) {
      row = line.row;
      stored_.push_back({line, now + kRequestLatency});
    });
    if (taken) write.pop(now);
    ended = ports_.take_end();
  }
  if (ended && written.connected()) written.push(row, now);
}

// Lines of this row that are there. Interleaved heads are written side by side, other groups share one matrix.
std::uint32_t Sram::lines_there(const Row& row) const {
  if (row.second_pass && role_ == Role::kKey) return row.lsb_lines_written;
  const Row& owner = row.fused == 2 ? row : *row.group;
  return role_ == Role::kKey ? owner.key_lines_written : owner.value_lines_written;
}

// One read is made of the request per cycle while the queue has a place. With a short queue, a long request stays at
// the port until its first lines have been read.
void Sram::take_request(Cycles now) {
  if (heard_ && leave_ <= now && reads_done_ + spec_.read_ahead >= reads_made_) {
    read.pop(now);
    heard_ = false;
    leave_ = kNever;
  }
  while (!heard_ && read.front(now)) {
    Row* row = *read.front(now);
    const std::uint32_t lines = (elements(*row) + per_line(*row) - 1) / per_line(*row);
    // The request reached the port one cycle after it was sent; issue_latency counts from the sending.
    reads_.push_back({row, now - 1 + spec_.issue_latency, 0});
    reads_made_ += lines;
    if (spec_.read_ahead == 0 || lines == 1) {
      read.pop(now);
      continue;
    }
    heard_ = true;
    leave_ = now + lines - 2;  // so that the port has room when the last read is made
    if (leave_ <= now) take_request(now);
  }
}

Tick Sram::tick(Cycles now) {
  take_writes(now);
  take_request(now);
  const Cycles next_write = std::max(write.next_ready(), now + 1);
  const Cycles next_read = heard_ ? kNever : read.next_ready();
  const bool leaves = heard_ && reads_done_ + spec_.read_ahead >= reads_made_;
  Cycles arrivals = std::min({next_write, next_read, leaves ? std::max(leave_, now + 1) : kNever});
  if (!ports_.idle()) arrivals = now + 1;
  if (!stored_.empty()) arrivals = std::min(arrivals, stored_.front().from);
  if (reads_.empty()) return {Why::kIdle, arrivals};

  Read& r = reads_.front();
  if (!waited_) next_issue_ = std::max(next_issue_, r.earliest);
  if (next_issue_ > now) return {Why::kBusy, std::min(arrivals, next_issue_)};
  if (lines_there(*r.row) <= r.index) {  // asked in vain at next_issue_; asked again every retry_cycles
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
  const std::uint32_t left = elements(*r.row) - r.index * per_line(*r.row);
  const bool last = left <= per_line(*r.row);
  out.push({r.row, r.index, std::min(left, per_line(*r.row)), r.index == 0, last, false}, now);
  ++stats_.lines_read;
  ++r.index;
  if (++reads_done_ + spec_.read_ahead == reads_made_ && heard_) leave_ = std::max(leave_, now + kQueueLatency - 1);
  next_issue_ = now + 1;
  if (last) reads_.pop_front();
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

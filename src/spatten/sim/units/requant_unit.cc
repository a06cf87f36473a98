// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/requant_unit.h"

#include <algorithm>

#include "spatten/sim/units/adder_tree.h"
#include "spatten/sim/units/datapath.h"

namespace spatten::sim {
namespace {

constexpr Cycles kFifoLatency = 2;  // from pushing to popping (published RTL)

}  // namespace

RequantUnit::RequantUnit(const Spec& spec, const Shape& shape, Datapath* datapath)
    : Unit("requant"), in(*this, 2, 1), out(*this), decisions(*this), spec_(spec), shape_(shape), datapath_(datapath) {}

// The maximum of a line is a tree of comparators; the maxima of some rows may wait while later rows arrive.
bool RequantUnit::take(Cycles now) {
  const Line* next = in.front(now);
  if (!next || held_ >= shape_.lines * shape_.lanes || (next->last && decided_.size() >= spec_.decided_rows)) return false;
  const Line line = in.pop(now);
  stats_.compares += line.elements;
  fifo_.push_back(line);
  held_ += line_elements(shape_.lanes, line.row->head_dim);
  if (line.last) {
    Row& row = *line.row;
    if (datapath_ && row.data && !row.second_pass) row.replay = datapath_->wants_lsb(row);
    const bool replay = row.replay && !row.second_pass;
    decided_.push_back({replay, now + AdderTree::layers(shape_.lanes) + 1});
    ++stats_.rows;
    if (replay) ++stats_.replays;
  }
  return true;
}

bool RequantUnit::drain(Cycles now) {
  if (decided_.empty() || decided_.front().drain_from > now || !out.has_room(now)) return false;
  if (!announced_) {
    if (!decisions.has_room(now)) return false;
    decisions.push({fifo_.front().row, decided_.front().replay}, now);
    announced_ = true;
  }
  Line line = fifo_.front();
  fifo_.pop_front();
  held_ -= line_elements(shape_.lanes, line.row->head_dim);
  line.replay_pending = decided_.front().replay;
  out.push(line, now);
  if (line.last) {
    decided_.pop_front();
    announced_ = false;
  }
  return true;
}

Tick RequantUnit::tick(Cycles now) {
  const bool drained = drain(now);
  const bool took = take(now);
  const bool waits = !decided_.empty() && decided_.front().drain_from > now;
  Cycles wake = drained || took ? now + 1 : kNever;
  if (waits) wake = std::min(wake, decided_.front().drain_from);
  if (in.next_ready() > now) wake = std::min(wake, in.next_ready());
  if (drained || took || waits) return {Why::kBusy, wake};
  if (fifo_.empty()) return {Why::kIdle, wake};
  return {decided_.empty() ? Why::kNoInput : Why::kNoRoom, wake};
}

ReorderBuffer::ReorderBuffer(std::uint32_t lines) : Unit("reorder"), in(*this, 3, 1), out(*this), importance(*this), lines_(lines) {}

void ReorderBuffer::pass(const Line& line, Cycles now) {
  out.push(line, now);
  ++stats_.lines;
  if (line.last && importance.connected()) importance.push(line.row, now);
}

bool ReorderBuffer::accept(Cycles now, bool& passed) {
  const Line* next = in.front(now);
  if (!next) return false;
  const Row& row = *next->row;
  if (next->replay_pending) {
    ++stats_.thrown_lines;
    if (in.pop(now).last) ++replays_asked_;
    return true;
  }
  if (!row.second_pass) {
    if (fifo_.size() >= lines_) return false;
    const Line line = in.pop(now);
    fifo_.push_back({line, now + kFifoLatency, replays_asked_});
    if (line.last) replays_asked_ = 0;
    return true;
  }
  // A replayed row passes by the rows that wait for it.
  if (passed || lock_ == Lock::kFifo || !out.has_room(now)) return false;
  const Line line = in.pop(now);
  pass(line, now);
  passed = true;
  lock_ = line.last ? Lock::kNone : Lock::kReplay;
  if (line.last) ++replays_done_;
  return true;
}

Tick ReorderBuffer::tick(Cycles now) {
  bool passed = false;
  if (!fifo_.empty() && lock_ != Lock::kReplay && fifo_.front().ready <= now &&
      fifo_.front().replays_before <= replays_done_ && out.has_room(now)) {
    const Line line = fifo_.front().line;
    fifo_.pop_front();
    pass(line, now);
    passed = true;
    lock_ = line.last ? Lock::kNone : Lock::kFifo;
    if (line.last) replays_done_ = 0;
  }
  const bool accepted = accept(now, passed);
  Cycles wake = passed || accepted ? now + 1 : kNever;
  if (!fifo_.empty() && fifo_.front().ready > now) wake = std::min(wake, fifo_.front().ready);
  if (in.next_ready() > now) wake = std::min(wake, in.next_ready());
  if (passed || accepted) return {Why::kBusy, wake};
  if (fifo_.empty()) return {Why::kIdle, wake};
  if (fifo_.front().replays_before > replays_done_) return {Why::kOrder, wake};
  return {fifo_.front().ready > now ? Why::kBusy : Why::kNoRoom, wake};
}

}  // namespace spatten::sim

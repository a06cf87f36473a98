// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/softmax_unit.h"

#include <algorithm>

#include "spatten/sim/units/datapath.h"

namespace spatten::sim {

SoftmaxUnit::SoftmaxUnit(const Spec& spec, std::uint32_t in_latency, std::uint32_t results, Datapath* datapath)
    : Unit("softmax"), in(*this, in_latency + 1, in_latency), out(*this), spec_(spec), results_(results),
      datapath_(datapath) {}

void SoftmaxUnit::take(Cycles now) {
  const Line line = in.pop(now);
  stats_.elements += line.elements;
  stats_.exponentials += line.elements;
  stats_.divisions += line.elements;
  held_ += line_elements(results_, line.row->head_dim);
  fifo_.push_back({line, spec_.latency_cycles == 0 ? now : kNever});
  if (!line.last) return;
  ++stats_.rows;
  if (datapath_) datapath_->normalise(*line.row);
  if (spec_.latency_cycles > 0) {
    for (std::size_t i = row_begin_; i < fifo_.size(); ++i) fifo_[i].ready = now + spec_.latency_cycles;
  }
  row_begin_ = fifo_.size();
}

Tick SoftmaxUnit::tick(Cycles now) {
  bool moved = false;
  const bool full = held_ >= std::max(1u, spec_.fifo_lines) * results_;
  if (in.front(now) && !full) {
    take(now);
    moved = true;
  }
  if (!fifo_.empty() && fifo_.front().ready <= now && out.has_room(now)) {
    out.push(fifo_.front().line, now);
    held_ -= line_elements(results_, fifo_.front().line.row->head_dim);
    fifo_.pop_front();
    if (row_begin_ > 0) --row_begin_;
    moved = true;
  }
  Cycles wake = moved ? now + 1 : kNever;
  if (in.next_ready() > now) wake = std::min(wake, in.next_ready());
  if (!fifo_.empty() && fifo_.front().ready > now) wake = std::min(wake, fifo_.front().ready);
  if (moved) return {Why::kBusy, wake};
  if (fifo_.empty()) return {Why::kIdle, wake};
  if (fifo_.front().ready == kNever) return {Why::kNoInput, wake};
  return {fifo_.front().ready > now ? Why::kBusy : Why::kNoRoom, wake};
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/prob_v_unit.h"

#include <algorithm>

#include "spatten/sim/units/adder_tree.h"
#include "spatten/sim/units/datapath.h"

namespace spatten::sim {

ProbVUnit::ProbVUnit(const Shape& shape, Datapath* datapath)
    : Unit("prob_v"), probabilities(*this, shape.queue_lines, 2), values(*this, 6, 5), done(*this), writes(*this),
      importance(*this), datapath_(datapath) {}

std::uint32_t ProbVUnit::latency(std::uint32_t rows_per_line) { return 3 + AdderTree::layers(rows_per_line); }

Tick ProbVUnit::tick(Cycles now) {
  const Line* p = probabilities.front(now);
  const Line* v = values.front(now);
  if (!p || !v) {
    const Cycles wake = std::min(probabilities.next_ready() > now ? probabilities.next_ready() : kNever,
                                 values.next_ready() > now ? values.next_ready() : kNever);
    return {p ? Why::kMemory : in_row_ ? Why::kNoInput : Why::kIdle, wake};
  }
  SPATTEN_CHECK(p->row == v->row && p->index == v->index && p->last == v->last);
  Row& row = *p->row;
  const bool writes_output = writes.connected() && row.output_accesses > 0;
  if (p->last && (!done.has_room(now) || (writes_output && !writes.has_room(now)))) return {Why::kNoRoom, kNever};
  const Line line = probabilities.pop(now);
  values.pop(now);
  in_row_ = !line.last;
  ++stats_.lines;
  stats_.multiplies += std::uint64_t{line.elements} * row.head_dim;
  stats_.adds += std::uint64_t{line.elements} * row.head_dim;
  if (datapath_ && row.data) datapath_->weigh(line);
  if (line.last) {
    ++stats_.rows;
    if (datapath_ && row.data) datapath_->finish(row);
    done.push(&row, now);
    if (writes_output) writes.push({row.output_address, row.output_accesses}, now);
    if (importance.connected()) importance.push(&row, now);
  }
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

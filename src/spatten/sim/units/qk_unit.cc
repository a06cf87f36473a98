// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/qk_unit.h"

#include "spatten/sim/units/datapath.h"

namespace spatten::sim {

QkUnit::QkUnit(const Spec&, bool queries_arrive, Datapath* datapath)
    : Unit("qk"), keys(*this, 6, 5), query(*this, 8, 1), scores(*this), key_done(*this), queries_arrive_(queries_arrive),
      datapath_(datapath) {}

// The register for the query is loaded once per row; a replay finds it loaded again from the controller's copy.
bool QkUnit::query_there(const Row& row, Cycles now) {
  if (!queries_arrive_ || row.second_pass || loaded_ == &row) return true;
  Row** next = query.front(now);
  if (!next || *next != &row) return false;
  query.pop(now);
  loaded_ = &row;
  return true;
}

Tick QkUnit::tick(Cycles now) {
  const Line* line = keys.front(now);
  if (!line) return {in_row_ ? Why::kNoInput : Why::kIdle, keys.next_ready()};
  if (!query_there(*line->row, now)) return {Why::kNoInput, query.next_ready() > now ? query.next_ready() : kNever};
  if (!scores.has_room(now) || (line->last && !key_done.has_room(now))) return {Why::kNoRoom, kNever};
  const Line taken = keys.pop(now);
  ++stats_.lines;
  stats_.multiplies += std::uint64_t{taken.elements} * taken.row->head_dim;
  stats_.adds += std::uint64_t{taken.elements} * (taken.row->head_dim - 1);
  if (datapath_) datapath_->score(taken);
  scores.push(taken, now);
  if (taken.last) key_done.push(taken.row, now);
  in_row_ = !taken.last;
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

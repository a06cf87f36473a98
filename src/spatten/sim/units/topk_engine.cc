// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/topk_engine.h"

#include <algorithm>

#include "spatten/sim/units/datapath.h"

namespace spatten::sim {
namespace {

constexpr Cycles kFifoLatency = 2;  // from pushing to popping (published RTL)

}  // namespace

TopKEngine::TopKEngine(const Spec& spec, std::uint32_t results_per_line, Datapath* datapath)
    : Unit("topk"), in(*this, 4, 3), out(*this), passes(*this), filtered(*this), spec_(spec), per_line_(results_per_line),
      datapath_(datapath) {}

bool TopKEngine::take(Cycles now) {
  const Line* next = in.front(now);
  if (!next || !next->row->select_values || held_ >= spec_.fifo_lines * per_line_) return false;
  const Line line = in.pop(now);
  if (line.first) {
    if (datapath_ && line.row->data) datapath_->select(*line.row);
    line.row->in_topk = true;
    ++rows_inside_;
    ++stats_.rows;
    stats_.passes += line.row->select_passes;
    stats_.compares += 2 * line.row->select_compares + line.row->keys;
    stats_.fifo_writes += line.row->keys + (line.row->select_passes > 0 ? line.row->keys + line.row->select_packed : 0);
  }
  held_ += line_elements(per_line_, line.row->head_dim);
  fifo_.push_back({line, now + kFifoLatency});
  if (line.last) complete_.emplace_back(line.row, now + kFifoLatency);
  return true;
}

bool TopKEngine::bypass(Cycles now) {
  const Line* next = in.front(now);
  if (!next || next->row->select_values || rows_inside_ != 0 || !out.has_room(now)) return false;
  const Line line = in.pop(now);
  if (line.first) ++stats_.bypassed_rows;
  out.push(line, now);
  return true;
}

// The delay element counts from the arrival of the row's first line, the engine from that of its last one: the first pass
// reads all of it.
void TopKEngine::select(Cycles now) {
  if (spec_.hold == Hold::kSelectionAndStream) {
    if (!selected_.empty() || fifo_.empty() || fifo_.front().ready > now || head_row_ == fifo_.front().line.row) return;
    head_row_ = fifo_.front().line.row;
    selected_.push_back({fifo_.front().line.row, now + head_row_->select_cycles});
    pack_passes(*head_row_, now);
    return;
  }
  while (!complete_.empty() && complete_.front().second <= now) {
    const auto [row, since] = complete_.front();
    complete_.pop_front();
    engine_free_ = std::max(engine_free_, since) + row->select_cycles;
    selected_.push_back({row, engine_free_});
    pack_passes(*row, now);
  }
}

// Either array sees every element; what it does not keep is a zero to its eliminator.
void TopKEngine::pack_passes(const Row& row, Cycles now) {
  if (row.select_cycles > 0) passes.push({row.select_cycles, row.select_packed, 2 * row.select_compares - row.select_packed}, now);
}

// The oldest line leaves the FIFO; true when it is its row's last.
bool TopKEngine::drop_line() {
  const Line line = fifo_.front().line;
  held_ -= line_elements(per_line_, line.row->head_dim);
  fifo_.pop_front();
  return line.last;
}

// One line of the filtered row per cycle. The delay element also lets the lines that are not kept go by, one per cycle.
bool TopKEngine::emit(Cycles now) {
  if (selected_.empty() || selected_.front().from > now) return false;
  Row* row = selected_.front().row;
  const std::uint32_t left = row->values - std::min(row->values, emitted_);
  const bool streams = spec_.hold == Hold::kSelectionAndStream;
  if (streams && (fifo_.empty() || fifo_.front().ready > now)) return false;
  const std::uint32_t per_line = line_elements(per_line_, row->head_dim), elements = std::min(left, per_line);
  if (left > 0) {
    if (!out.has_room(now)) return false;
    out.push({row, emitted_ / per_line, elements, emitted_ == 0, elements == left, false}, now);
    stats_.kept += elements;
    emitted_ += elements;
  }
  bool done = emitted_ >= row->values;
  if (streams) {
    done = drop_line();
  } else if (done) {
    while (!drop_line()) {
    }
  }
  filtered.push({1, elements, done ? row->keys - row->values : 0}, now);
  if (done) leave(*row);
  return true;
}

void TopKEngine::leave(Row& row) {
  selected_.pop_front();
  emitted_ = 0;
  head_row_ = nullptr;
  row.in_topk = false;
  --rows_inside_;
}

Tick TopKEngine::tick(Cycles now) {
  select(now);
  const bool emitted = emit(now);
  const bool took = take(now) || bypass(now);
  Cycles wake = emitted || took ? now + 1 : kNever;
  if (in.next_ready() > now) wake = std::min(wake, in.next_ready());
  if (!fifo_.empty() && fifo_.front().ready > now) wake = std::min(wake, fifo_.front().ready);
  if (!complete_.empty()) wake = std::min(wake, std::max(now + 1, complete_.front().second));
  if (!selected_.empty() && selected_.front().from > now) wake = std::min(wake, selected_.front().from);
  if (emitted || took || (!selected_.empty() && selected_.front().from > now)) return {Why::kBusy, wake};
  if (fifo_.empty()) return {in.front(now) ? Why::kNoRoom : Why::kIdle, wake};
  return {selected_.empty() ? Why::kNoInput : Why::kNoRoom, wake};
}

}  // namespace spatten::sim

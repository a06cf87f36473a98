// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/controller.h"

#include <algorithm>

namespace spatten::sim {
namespace {

constexpr Cycles kAcceptLatency = 2;   // allocation and one register (published RTL)
constexpr Cycles kDecideLatency = 2;   // from the decision to the second pass
constexpr Cycles kSelectLatency = 1;   // allocation of value lines
constexpr Cycles kWrittenLatency = 3;  // a group's last value line has left the write register

}  // namespace

void Controller::Ring::give(const Row* group, std::uint32_t lines) {
  held.emplace_back(group, lines);
  used += lines;
}

void Controller::Ring::free(const Row* group) {
  for (auto& entry : held) {
    if (entry.first == group) entry.first = nullptr;
  }
  while (!held.empty() && held.front().first == nullptr) {
    used -= held.front().second;
    held.pop_front();
  }
}

Controller::Controller(const Spec& spec, const Shape& shape, std::uint32_t output_latency, RowSource& rows)
    : Unit("controller"), key_lines(*this), value_lines(*this), key_reads(*this), value_reads(*this), key_done(*this, 2, 1),
      decisions(*this, 4, kDecideLatency), selected(*this, 3, kSelectLatency), probabilities(*this),
      value_written(*this, 16, kWrittenLatency), outputs(*this, output_latency + 1, output_latency), selections(*this),
      selection_done(*this, 2, 1), spec_(spec), shape_(shape), rows_(rows) {
  key_ring_.capacity = shape.key_lines;
  value_ring_.capacity = shape.value_lines;
  key_ring_.allocations = value_ring_.allocations = shape.allocations;
}

bool Controller::take_answers(Cycles now) {
  bool moved = false;
  while (key_done.front(now)) {
    SPATTEN_CHECK(key_done.pop(now) != nullptr);
    keys_multiplied_ = true;
    moved = true;
  }
  while (decisions.front(now)) {
    const Decision d = decisions.pop(now);
    --undecided_;
    if (d.replay) {
      replays_.push_back(d.row);
    } else if (d.row->last_part) {
      key_ring_.free(d.row->group);
    }
    moved = true;
  }
  while (value_written.front(now)) {
    value_written.pop(now);
    --values_under_way_;
    moved = true;
  }
  while (selection_done.front(now)) {
    rows_.release(selection_done.pop(now));
    selection_pending_ = false;
    --rows_inside_;
    moved = true;
  }
  return moved;
}

bool Controller::finish_rows(Cycles now) {
  bool moved = false;
  while (outputs.front(now)) {
    if ((*outputs.front(now))->selection_cycles > 0 && !selections.has_room(now)) break;
    Row* row = outputs.pop(now);
    row->response = last_response_ = now;
    if (row->last_part) value_ring_.free(row->group);
    LayerTimes& layer = layers_[row->layer_slot];
    layer.last_response = now;
    ++layer.rows;
    ++stats_.rows;
    if (on_response_) on_response_(*row);
    if (row->selection_cycles > 0) {
      selections.push(row, now);
    } else {
      rows_.release(row);
      --rows_inside_;
    }
    moved = true;
  }
  return moved;
}

bool Controller::accept(Cycles now) {
  if (accepted_) return false;
  if (!refused_ && !source_empty_) {
    refused_ = rows_.next();
    source_empty_ = refused_ == nullptr;
  }
  Row* row = refused_;
  if (!row) return false;
  if (selection_pending_) return false;  // its keys are those that the selection keeps
  if (row->part == 0) {
    if (!key_ring_.fits(row->key_alloc_lines)) return false;
    if (row->values_with_keys && !value_ring_.fits(row->value_alloc_lines)) return false;
    key_ring_.give(row, row->key_alloc_lines);
    if (row->values_with_keys) value_ring_.give(row, row->value_alloc_lines);
  }
  refused_ = nullptr;
  accepted_ = row;
  accepted_ready_ = now + kAcceptLatency;
  row->accept = now;
  first_accept_ = std::min(first_accept_, now);
  if (layers_.size() <= row->layer_slot) layers_.resize(row->layer_slot + 1);
  LayerTimes& layer = layers_[row->layer_slot];
  layer.first_accept = std::min(layer.first_accept, now);
  ++rows_inside_;
  if (row->selection_cycles > 0) selection_pending_ = true;
  return true;
}

bool Controller::may_start() const {
  return undecided_ + spec_.rows_reserved <= spec_.rows_under_way;
}

// The next row for the key side: one that comes round again goes first.
bool Controller::start(Cycles now) {
  if (active_) {
    const bool done = next_key_ == kNoKeys && read_sent_ && query_left_ == 0 && (spec_.overlap_keys || keys_multiplied_);
    if (!done) return false;
    active_ = nullptr;
  }
  Row* row = nullptr;
  if (!replays_.empty()) {
    row = replays_.front();
    replays_.pop_front();
    row->second_pass = true;
    ++stats_.replays;
  } else if (accepted_ && accepted_ready_ <= now && may_start()) {
    row = accepted_;
    accepted_ = nullptr;
  } else {
    return false;
  }
  active_ = row;
  ++undecided_;
  read_sent_ = keys_multiplied_ = false;
  query_left_ = spec_.fetch_queries && !row->second_pass ? 1 : 0;
  next_key_ = row->second_pass || row->part == 0 ? 0 : kNoKeys;
  if (row->values_with_keys && row->part == 0 && !row->second_pass) values_along_.push_back(row);
  return true;
}

bool Controller::fetch(Cycles now) {
  if (!active_) return false;
  bool moved = false;
  if (!read_sent_ && key_reads.has_room(now)) {
    key_reads.push(active_, now);
    read_sent_ = true;
    moved = true;
  }
  if (!key_lines.has_room(now)) return moved;
  if (query_left_ > 0) {
    key_lines.push({active_, Stream::kQuery, 0, 1, true}, now);
    query_left_ = 0;
    return true;
  }
  if (next_key_ == kNoKeys) return moved;
  const bool low = active_->second_pass;
  const MatrixSlice& matrix = low ? active_->key_lsb : active_->key;
  const std::uint32_t count = std::min(shape_.lanes, matrix.vectors - next_key_);
  const bool last = next_key_ + count == matrix.vectors;
  key_lines.push({active_, low ? Stream::kKeyLsb : Stream::kKey, next_key_, count, last}, now);
  next_key_ = last ? kNoKeys : next_key_ + count;
  return true;
}

void Controller::fetch_values_along(Cycles now, bool& moved) {
  if (values_along_.empty() || !value_lines.has_room(now)) return;
  Row* row = values_along_.front();
  const std::uint32_t count = std::min(shape_.lanes, row->value.vectors - next_value_);
  const bool last = next_value_ + count == row->value.vectors;
  value_lines.push({row, Stream::kValue, next_value_, count, last}, now);
  if (next_value_ == 0) ++values_under_way_;
  next_value_ = last ? 0 : next_value_ + count;
  if (last) values_along_.pop_front();
  moved = true;
}

bool Controller::send_gathered(Cycles now) {
  if (!gathered_full_ || !value_lines.has_room(now)) return false;
  value_lines.push(gathered_, now);
  gathered_full_ = false;
  gathered_.first += gathered_.count;
  gathered_.count = 0;
  return true;
}

// A line of kept probabilities: it waits at prob x V while its values are fetched, `lanes` ids at a time.
bool Controller::take_selected(Cycles now) {
  const Line* next = selected.front(now);
  if (!next || !probabilities.has_room(now)) return false;
  Row* row = next->row;
  const bool fetches = row->part == 0 && !row->values_with_keys;
  if (fetches && gathered_full_) return false;
  if (next->first) {
    if (!value_reads.has_room(now)) return false;
    if (fetches) {
      if (values_under_way_ >= spec_.value_writes || !value_ring_.fits(row->value_alloc_lines)) return false;
      value_ring_.give(row, row->value_alloc_lines);
      ++values_under_way_;
      gathered_ = {row, Stream::kValue, 0, 0, false};
    }
    value_reads.push(row, now);
  }
  const Line line = selected.pop(now);
  probabilities.push(line, now);
  if (fetches) {
    gathered_.count += line.elements;
    gathered_.last = line.last;
    if (line.last || gathered_.count + shape_.results_per_line > shape_.lanes) {
      gathered_full_ = true;
      send_gathered(now);
    }
  }
  return true;
}

Tick Controller::tick(Cycles now) {
  bool moved = take_answers(now);
  moved |= finish_rows(now);
  moved |= send_gathered(now);
  moved |= take_selected(now);
  moved |= start(now);
  moved |= fetch(now);
  fetch_values_along(now, moved);
  moved |= accept(now);
  Cycles wake = moved ? now + 1 : kNever;
  if (accepted_ && accepted_ready_ > now) wake = std::min(wake, accepted_ready_);
  for (const Cycles ready : {key_done.next_ready(), decisions.next_ready(), selected.next_ready(), value_written.next_ready(),
                             outputs.next_ready(), selection_done.next_ready()}) {
    if (ready > now) wake = std::min(wake, ready);
  }
  if (moved) return {Why::kBusy, wake};
  if (rows_inside_ == 0 && source_empty_) return {Why::kIdle, wake};
  return {Why::kOrder, wake};
}

std::string Controller::holding() const {
  if (refused_ && rows_inside_ == 0) return "a row that does not fit";
  return rows_inside_ == 0 ? "" : std::to_string(rows_inside_) + " rows";
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/controller.h"

#include <algorithm>

namespace spatten::sim {
namespace {

// Registers between the stages (published RTL).
constexpr Cycles kAcceptLatency = 2;       // allocation, then the stage in front of the key side
constexpr Cycles kDecideLatency = 2;       // from the decision to the second pass
constexpr Cycles kSelectLatency = 1;       // allocation of value lines
constexpr Cycles kKeyReleaseLatency = 3;   // from a row's decision until its lines can be given away
constexpr Cycles kValueReleaseLatency = 5; // from a row's output until its lines can be given away

}  // namespace

bool Controller::Ring::fits(std::uint32_t lines, Cycles now) {
  while (!held.empty() && held.front().free_from <= now) {
    used -= held.front().lines;
    held.pop_front();
  }
  return used + lines <= capacity && held.size() < allocations;
}

void Controller::Ring::give(const Row* group, std::uint32_t lines) {
  held.push_back({group, lines, kNever});
  used += lines;
}

void Controller::Ring::free(const Row* group, Cycles from) {
  for (Held& entry : held) {
    if (entry.group == group) entry.free_from = from;
  }
}

Controller::Controller(const Spec& spec, const Shape& shape, std::uint32_t output_latency, RowSource& rows)
    : Unit("controller"), key_lines(*this), value_lines(*this), key_reads(*this), value_reads(*this), key_done(*this, 2, 1),
      decisions(*this, 4, kDecideLatency), selected(*this, 2, kSelectLatency), probabilities(*this),
      value_written(*this, 16, 1), weights_done(*this, 2, 1), outputs(*this, output_latency + 1, output_latency), selections(*this),
      selection_done(*this, 2, 1), spec_(spec), shape_(shape), rows_(rows) {
  key_ring_.capacity = shape.key_lines;
  key_ring_.allocations = shape.key_allocations;
  value_ring_.capacity = shape.value_lines;
  value_ring_.allocations = shape.value_allocations;
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
      key_ring_.free(d.row->group, now + kKeyReleaseLatency);
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
  while (weights_done.front(now)) {
    respond(weights_done.pop(now), now);
    moved = true;
  }
  while (outputs.front(now)) {
    if ((*outputs.front(now))->selection_cycles > 0 && !selections.has_room(now)) break;
    Row* row = outputs.pop(now);
    if (row->last_part) value_ring_.free(row->group, now + kValueReleaseLatency);
    respond(row, now);
    moved = true;
  }
  return moved;
}

void Controller::respond(Row* row, Cycles now) {
  row->response = last_response_ = now;
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
  if (row->part == 0 && !row->weights_only) {
    if (!key_ring_.fits(row->key_alloc_lines, now)) return false;
    // A group that takes its value lines now must not take those of older ones, behind which its rows wait.
    if (row->values_with_keys && (values_owed_ > 0 || !value_ring_.fits(row->value_alloc_lines, now))) return false;
    key_ring_.give(row, row->key_alloc_lines);
    if (row->values_with_keys) {
      value_ring_.give(row, row->value_alloc_lines);
    } else {
      ++values_owed_;
    }
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

// All that is started must find room in the reorder buffer: a row that is sent round again comes behind it.
bool Controller::may_start(const Row& row) const {
  const bool room = unselected_lines_ == 0 || unselected_lines_ + score_lines(row) <= shape_.reorder_lines;
  return room && undecided_ + spec_.rows_reserved <= spec_.rows_under_way;
}

// Which row is next on the key side: one that comes round again goes before a new one, but a choice that was made stays.
void Controller::choose_next(Cycles now) {
  if (next_) return;
  if (!replays_.empty()) {
    next_ = replays_.front();
    replays_.pop_front();
  } else if (accepted_ && accepted_ready_ <= now && may_start(*accepted_)) {
    next_ = accepted_;
  }
}

bool Controller::start(Cycles now) {
  choose_next(now);
  if (active_) {
    const bool done = next_key_ == kNoKeys && read_sent_ && query_left_ == 0 && (spec_.overlap_keys || keys_multiplied_);
    if (!done) return false;
    active_ = nullptr;
  }
  if (!next_) return false;
  active_ = next_;
  next_ = nullptr;
  const bool attends = !active_->weights_only;
  if (active_ == accepted_) {
    accepted_ = nullptr;
    if (attends) unselected_lines_ += score_lines(*active_);
  } else {
    active_->second_pass = true;
    ++stats_.replays;
  }
  if (attends) ++undecided_;
  read_sent_ = keys_multiplied_ = !attends;
  query_left_ = spec_.fetch_queries && !active_->second_pass && attends ? 1 : 0;
  next_key_ = active_->second_pass || active_->part == 0 ? 0 : kNoKeys;
  if (active_->values_with_keys && active_->part == 0 && !active_->second_pass) values_along_.push_back(active_);
  choose_next(now);
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
  const Stream stream = active_->weights_only ? Stream::kWeights : low ? Stream::kKeyLsb : Stream::kKey;
  key_lines.push({active_, stream, next_key_, count, last}, now);
  next_key_ = last ? kNoKeys : next_key_ + count;
  return true;
}

void Controller::fetch_values_along(Cycles now, bool& moved) {
  // One matrix at a time on the way to the fetcher.
  const bool others_open = gathered_full_ || gathered_.first > 0;
  if (values_along_.empty() || !value_lines.has_room(now) || (next_value_ == 0 && others_open)) return;
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
  if (!gathered_full_ || !value_lines.has_room(now) || next_value_ != 0) return false;
  value_lines.push(gathered_, now);
  gathered_full_ = false;
  gathered_.first = gathered_.last ? 0 : gathered_.first + gathered_.count;
  gathered_.count = 0;
  return true;
}

// Adds the ids of a line to the next fetch. While two fetches wait, one line is taken ahead.
bool Controller::gather(const Line& line, Cycles now) {
  if (gathered_full_ || (gathered_.count > 0 && !value_lines.has_room(now))) return false;
  if (line.first) gathered_ = {line.row, Stream::kValue, 0, 0, false};
  gathered_.count += line.elements;
  gathered_.last = line.last;
  if (line.last || gathered_.count + shape_.results_per_line > shape_.lanes) {
    gathered_full_ = true;
    send_gathered(now);
  }
  return true;
}

// A line of kept probabilities goes four ways, each as soon as it can: its values are fetched, `lanes` ids at a time, their
// lines reserved for writing and asked for, and the line itself waits for them at prob x V. The next line comes when all
// four have it.
bool Controller::hand_out(Cycles now) {
  const Line* line = selected.front(now);
  if (!line) return false;
  Row* row = line->row;
  const bool fetches = row->part == 0 && !row->values_with_keys, begins = line->first;
  Handed& h = handed_;
  if (!h.placed) {
    if (begins && fetches) {
      if (!value_ring_.fits(row->value_alloc_lines, now)) return false;
      value_ring_.give(row, row->value_alloc_lines);
      --values_owed_;
    }
    h = {true, !begins, false, !fetches, !(begins && fetches)};
  }
  const Handed before = h;
  if (!h.read && value_reads.has_room(now)) {
    value_reads.push(row, now);
    h.read = true;
  }
  if (!h.queued && probabilities.has_room(now)) {
    probabilities.push(*line, now);
    h.queued = true;
  }
  if (!h.fetched) h.fetched = gather(*line, now);
  if (!h.reserved && values_under_way_ < spec_.value_writes) {
    ++values_under_way_;
    h.reserved = true;
  }
  const bool moved = h.read != before.read || h.queued != before.queued || h.fetched != before.fetched || h.reserved != before.reserved;
  if (h.read && h.queued && h.fetched && h.reserved) {
    if (line->last) unselected_lines_ -= score_lines(*row);
    selected.pop(now);
    h = {};
    return true;
  }
  return moved;
}

Tick Controller::tick(Cycles now) {
  bool moved = take_answers(now);
  moved |= finish_rows(now);
  moved |= send_gathered(now);
  moved |= hand_out(now);
  moved |= start(now);
  moved |= fetch(now);
  fetch_values_along(now, moved);
  moved |= accept(now);
  Cycles wake = moved ? now + 1 : kNever;
  if (accepted_ && accepted_ready_ > now) wake = std::min(wake, accepted_ready_);
  for (const Cycles ready : {key_ring_.next_free(), value_ring_.next_free(), key_done.next_ready(), decisions.next_ready(),
                             selected.next_ready(), value_written.next_ready(), weights_done.next_ready(), outputs.next_ready(),
                             selection_done.next_ready()}) {
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

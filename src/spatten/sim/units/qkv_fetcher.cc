// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/qkv_fetcher.h"

#include <algorithm>
#include <bit>

namespace spatten::sim {
namespace {

// From taking a line to the address FIFOs, two registers; from there to the lane's register, one FIFO (published RTL).
constexpr Cycles kSplitLatency = 2, kFifoLatency = 2;
constexpr std::uint32_t kSplitRegisters = 2;
// From sending a dummy to having it back: the registers and FIFOs that it shares with real accesses.
constexpr Cycles kDummyLatency = 5;

LaneMask low_lanes(std::uint32_t n) { return n >= 64 ? ~LaneMask{0} : (LaneMask{1} << n) - 1; }

}  // namespace

QkvFetcher::QkvFetcher(const Spec& spec, std::uint32_t access_bytes)
    : Unit("fetcher"),
      key_lines(*this, 3, 2),
      value_lines(*this, 2, 2),
      data(*this, spec.lanes, spec.data_fifo),
      accesses(*this),
      sets(*this),
      spec_(spec),
      access_bytes_(access_bytes),
      mask_(std::bit_ceil(std::uint64_t{spec.address_fifo} + spec.outstanding + 4) - 1),
      sets_(mask_ + 1),
      addresses_(sets_.size() * spec.lanes),
      sent_(spec.lanes),
      all_lanes_(low_lanes(spec.lanes)) {}

InPort<FetchLine>* QkvFetcher::choose(Cycles now) {
  if (locked_) return locked_->front(now) ? locked_ : nullptr;
  InPort<FetchLine>* order[] = {value_turn_ ? &value_lines : &key_lines, value_turn_ ? &key_lines : &value_lines};
  for (InPort<FetchLine>* port : order) {
    if (port->front(now)) {
      value_turn_ = port == &key_lines;
      locked_ = port;
      return port;
    }
  }
  return nullptr;
}

// Access a of the line is access a % f of its vector a / f; set j holds accesses j * lanes and up.
void QkvFetcher::fill_set(std::uint64_t number, const FetchLine& line, Cycles now) {
  Set& s = set(number);
  const Row& row = *line.row;
  const MatrixSlice& matrix = line.stream == Stream::kQuery    ? row.query
                              : line.stream == Stream::kKeyLsb ? row.key_lsb
                              : line.stream == Stream::kValue  ? row.value
                                                               : row.key;
  const std::uint32_t f = matrix.accesses, begin = fragment_ * spec_.lanes;
  const std::uint32_t n = std::min(spec_.lanes, line.count * f - begin);
  std::uint32_t vector = line.first + begin / f, part = begin % f;
  for (std::uint32_t k = 0; k < n; ++k) {
    address(number, k) = matrix.address(vector, part, access_bytes_);
    if (++part == f) part = 0, ++vector;
  }
  s.enabled = low_lanes(n);
  s.at_fifos = now + kSplitLatency;
  s.dummies_back = 0;
  s.what = {line.row, line.stream, n, line.last && begin + n == line.count * f};
  stats_.accesses += n;
  stats_.dummy_accesses += spec_.lanes - n;
  stats_.bytes[static_cast<std::size_t>(line.stream)] += std::uint64_t{n} * access_bytes_;
}

bool QkvFetcher::split(Cycles now) {
  InPort<FetchLine>* port = choose(now);
  if (!port) return false;
  if (made_ - entered_ >= kSplitRegisters) return false;
  const FetchLine& line = *port->front(now);
  fill_set(made_, line, now);
  const Set& s = set(made_++);
  const bool line_done = s.what.accesses + fragment_ * spec_.lanes ==
                         line.count * (line.stream == Stream::kQuery    ? line.row->query.accesses
                                       : line.stream == Stream::kKeyLsb ? line.row->key_lsb.accesses
                                       : line.stream == Stream::kValue  ? line.row->value.accesses
                                                                        : line.row->key.accesses);
  if (!line_done) {
    ++fragment_;
    return true;
  }
  fragment_ = 0;
  ++stats_.line_requests;
  if (line.last) locked_ = nullptr;
  port->pop(now);
  return true;
}

// All address FIFOs take a set together, so the slowest lane decides. The port behind a lane holds one access more than
// the register that stands there in the published RTL, its FIFO therefore one less.
bool QkvFetcher::enter(Cycles now) {
  if (entered_ == made_ || set(entered_).at_fifos > now) return false;
  const std::uint64_t depth = std::max(1u, spec_.address_fifo - 1);
  if (entered_ - slowest_ >= depth) slowest_ = *std::min_element(sent_.begin(), sent_.end());
  if (entered_ - slowest_ >= depth) return false;
  Set& s = set(entered_++);
  s.sendable = now + kFifoLatency;
  if (s.enabled != all_lanes_) ++partial_sets_;
  backlog_ = all_lanes_;
  return true;
}

// Every lane sends its next access, or drops it where the lane has none in the set.
bool QkvFetcher::send(Cycles now) {
  bool moved = false;
  const LaneMask room = accesses.room(now);
  while (sendable_ < entered_ && set(sendable_).sendable <= now) ++sendable_;
  const std::uint64_t end = std::min(sendable_, collected_ + spec_.outstanding);
  for_each_lane(partial_sets_ == 0 ? backlog_ & room : backlog_, [&](std::uint32_t lane) {
    const std::uint64_t number = sent_[lane];
    if (number >= end) return;
    Set& s = set(number);
    const LaneMask bit = LaneMask{1} << lane;
    if (s.enabled & bit) {
      if (!(room & bit)) return;
      accesses.push(lane, {address(number, lane), number}, now);
    } else {
      s.dummies_back = std::max(s.dummies_back, now + kDummyLatency);
    }
    if (++sent_[lane] == entered_) backlog_ &= ~bit;
    moved = true;
  });
  return moved;
}

bool QkvFetcher::collect(Cycles now) {
  if (collected_ == made_ || !sets.has_room(now)) return false;
  const Set& s = set(collected_);
  if ((s.enabled & data.ready(now)) != s.enabled) return false;
  if (s.enabled != all_lanes_) {  // dummies must have gone all the way, too
    for (std::uint32_t lane = static_cast<std::uint32_t>(std::popcount(s.enabled)); lane < spec_.lanes; ++lane) {
      if (sent_[lane] <= collected_) return false;
    }
    if (s.dummies_back > now) {
      wake_at(s.dummies_back);
      return false;
    }
    --partial_sets_;
  }
  for_each_lane(s.enabled, [&](std::uint32_t lane) { data.pop(lane, now); });
  sets.push(s.what, now);
  ++collected_;
  return true;
}

Tick QkvFetcher::tick(Cycles now) {
  const bool collected = collect(now);
  const bool sent = send(now);
  const bool entered = enter(now);
  const bool split_one = split(now);
  if (collected || sent || entered || split_one) return {Why::kBusy, now + 1};
  // Whatever is there and did not move waits for a lane, for data or for room, which wake the unit.
  Cycles wake = kNever;
  for (const Cycles ready :
       {key_lines.next_ready(), value_lines.next_ready(), entered_ != made_ ? set(entered_).at_fifos : kNever}) {
    if (ready > now) wake = std::min(wake, ready);
  }
  for_each_lane(backlog_, [&](std::uint32_t lane) {
    const Cycles sendable = set(sent_[lane]).sendable;
    if (sendable > now) wake = std::min(wake, sendable);
  });
  if (made_ == collected_) return {Why::kIdle, wake};
  return {sets.has_room(now) ? Why::kMemory : Why::kNoRoom, wake};
}

std::string QkvFetcher::holding() const {
  return made_ == collected_ ? std::string() : std::to_string(made_ - collected_) + " sets of accesses";
}

}  // namespace spatten::sim

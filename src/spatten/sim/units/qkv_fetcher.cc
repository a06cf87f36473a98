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
    : Unit("fetcher"), key_lines(*this, 3, 2), value_lines(*this, 2, 2), data(*this, spec.lanes, spec.data_fifo),
      accesses(*this), sets(*this), spec_(spec), access_bytes_(access_bytes),
      sets_(std::bit_ceil(std::size_t{spec.address_fifo} + spec.outstanding + 4)), sent_(spec.lanes),
      dummies_ready_(sets_.size()) {
  for (Set& s : sets_) s.addresses.resize(spec.lanes);
}

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
void QkvFetcher::fill_set(Set& s, const FetchLine& line, Cycles now) {
  const Row& row = *line.row;
  const MatrixSlice& matrix = line.stream == Stream::kQuery    ? row.query
                              : line.stream == Stream::kKeyLsb ? row.key_lsb
                              : line.stream == Stream::kValue  ? row.value
                                                               : row.key;
  const std::uint32_t f = matrix.accesses, begin = fragment_ * spec_.lanes;
  const std::uint32_t n = std::min(spec_.lanes, line.count * f - begin);
  std::uint32_t vector = line.first + begin / f, part = begin % f;
  for (std::uint32_t k = 0; k < n; ++k) {
    s.addresses[k] = matrix.address(vector, part, access_bytes_);
    if (++part == f) part = 0, ++vector;
  }
  s.enabled = low_lanes(n);
  s.at_fifos = now + kSplitLatency;
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
  Set& s = set(made_);
  fill_set(s, line, now);
  dummies_ready_[made_ & (sets_.size() - 1)] = 0;
  ++made_;
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

// All address FIFOs take a set together, so the slowest lane decides. The port behind a lane holds one access more than the
// register that stands there in the published RTL, its FIFO therefore one less.
bool QkvFetcher::enter(Cycles now) {
  if (entered_ == made_ || set(entered_).at_fifos > now) return false;
  const std::uint64_t slowest = *std::min_element(sent_.begin(), sent_.end());
  if (entered_ - slowest >= std::max(1u, spec_.address_fifo - 1)) return false;
  set(entered_).sendable = now + kFifoLatency;
  ++entered_;
  backlog_ = low_lanes(spec_.lanes);
  return true;
}

bool QkvFetcher::send(Cycles now) {
  bool moved = false;
  const LaneMask room = accesses.room(now);
  for_each_lane(backlog_, [&](std::uint32_t lane) {
    const std::uint64_t number = sent_[lane];
    Set& s = set(number);
    if (s.sendable > now || number - collected_ >= spec_.outstanding) return;
    const LaneMask bit = LaneMask{1} << lane;
    if (s.enabled & bit) {
      if (!(room & bit)) return;
      accesses.push(lane, {s.addresses[lane], lane}, now);
    } else {
      Cycles& ready = dummies_ready_[number & (sets_.size() - 1)];
      ready = std::max(ready, now + kDummyLatency);
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
  if (s.enabled != low_lanes(spec_.lanes)) {  // dummies must have gone all the way, too
    for (std::uint32_t lane = static_cast<std::uint32_t>(std::popcount(s.enabled)); lane < spec_.lanes; ++lane) {
      if (sent_[lane] <= collected_) return false;
    }
    const Cycles ready = dummies_ready_[collected_ & (sets_.size() - 1)];
    if (ready > now) {
      wake_at(ready);
      return false;
    }
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
  const bool split_one = split(now) || entered;
  Cycles wake = std::min(key_lines.next_ready(), value_lines.next_ready());
  if (wake <= now) wake = split_one || sent ? now + 1 : kNever;  // a line that found no room waits for a lane to move
  if (entered_ != made_) {
    const Cycles at = set(entered_).at_fifos;
    if (at > now) wake = std::min(wake, at);
  }
  if (backlog_ != 0) {
    if (sent || collected) wake = now + 1;
    for_each_lane(backlog_, [&](std::uint32_t lane) {
      const Cycles sendable = set(sent_[lane]).sendable;
      if (sendable > now) wake = std::min(wake, sendable);
    });
  }
  if (collected || sent || split_one) wake = std::min(wake, now + 1);
  if (collected || sent || split_one) return {Why::kBusy, wake};
  if (made_ == collected_) return {Why::kIdle, wake};
  return {sets.has_room(now) ? Why::kMemory : Why::kNoRoom, wake};
}

std::string QkvFetcher::holding() const {
  return made_ == collected_ ? std::string() : std::to_string(made_ - collected_) + " sets of accesses";
}

}  // namespace spatten::sim

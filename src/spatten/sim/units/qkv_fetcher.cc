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
  s.dummies = all_lanes_ & ~s.enabled;
  s.at_fifos = now + kSplitLatency;
  s.dummies_sent = s.dummies_back = 0;
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
  return true;
}

// Sets that have passed the FIFOs may be sent, up to `outstanding`.
void QkvFetcher::open_sets(Cycles now) {
  while (passed_ < entered_ && set(passed_).sendable <= now) ++passed_;
  const std::uint64_t open = std::min(passed_, collected_ + spec_.outstanding);
  if (open == open_) return;
  dummies_ |= ~backlog_ & set(open_).dummies;
  backlog_ = all_lanes_;
  open_ = open;
}

// Every lane sends its next access, or a dummy where it has none in the set.
bool QkvFetcher::send(Cycles now) {
  open_sets(now);
  const LaneMask dummies = dummies_, sent = backlog_ & ~dummies & accesses.room(now);
  for_each_lane(sent, [&](std::uint32_t lane) { accesses.next(lane) = {address(sent_[lane], lane), sent_[lane]}; });
  accesses.push(sent, now);
  for_each_lane(dummies, [&](std::uint32_t lane) {
    Set& s = set(sent_[lane]);
    s.dummies_sent |= LaneMask{1} << lane;
    s.dummies_back = now + kDummyLatency;
  });
  for_each_lane(sent | dummies, [&](std::uint32_t lane) {
    const std::uint64_t next = ++sent_[lane];
    const LaneMask bit = LaneMask{1} << lane, goes_on = next != open_ ? bit : 0;
    backlog_ = (backlog_ & ~bit) | goes_on;
    dummies_ = (dummies_ & ~bit) | (goes_on & set(next).dummies);
  });
  return (sent | dummies) != 0;
}

bool QkvFetcher::collect(Cycles now) {
  if (collected_ == made_ || !sets.has_room(now)) return false;
  const Set& s = set(collected_);
  if ((s.enabled & data.ready(now)) != s.enabled) return false;
  if (s.dummies_sent != s.dummies) return false;
  if (s.dummies_back > now) {  // they go all the way, too
    wake_at(s.dummies_back);
    return false;
  }
  data.pop(s.enabled, now);
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
       {key_lines.next_ready(), value_lines.next_ready(), entered_ != made_ ? set(entered_).at_fifos : kNever,
        passed_ != entered_ ? set(passed_).sendable : kNever}) {
    if (ready > now) wake = std::min(wake, ready);
  }
  if (made_ == collected_) return {Why::kIdle, wake};
  return {sets.has_room(now) ? Why::kMemory : Why::kNoRoom, wake};
}

std::string QkvFetcher::holding() const {
  return made_ == collected_ ? std::string() : std::to_string(made_ - collected_) + " sets of accesses";
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Up to 64 registered queues side by side, e.g. the 32 lanes of the fetcher or the 16 channels of a crossbar: like
// core/port.h with latency 1, but all lanes are asked, filled and emptied at once, as bit masks. At most one push and one
// pop per lane and cycle.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "spatten/base/error.h"
#include "spatten/sim/core/unit.h"

namespace spatten::sim {

using LaneMask = std::uint64_t;

/// Calls f(lane) for every lane of the mask, lowest first.
template <class F>
void for_each_lane(LaneMask mask, F&& f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<std::uint32_t>(std::countr_zero(mask)));
}

/// A receiver that knows, when a cycle begins, which lanes it will take from in that cycle whatever they hold. A full
/// lane of these has room: its item leaves as the next one comes, as in a register whose `ready` is combinational.
class LaneDrain {
 public:
  virtual LaneMask leaving(Cycles now) = 0;

 protected:
  ~LaneDrain() = default;
};

/// What both ends see of the lanes: which hold something that has arrived, which have room.
class LaneStates {
 public:
  explicit LaneStates(Unit& receiver) : receiver_(receiver) {}
  /// Lanes whose oldest item has arrived.
  LaneMask ready(Cycles now) const { return occupied_ & ~(pushed_at_ == now ? fresh_ : 0); }
  bool empty() const { return occupied_ == 0; }
  /// A lane that was full when the cycle began has no room in this cycle.
  LaneMask room(Cycles now) const { return ~(full_ | (popped_at_ == now ? emptied_ : 0)); }
  void set_sender(Unit& sender) {
    SPATTEN_CHECK(sender_ == nullptr);
    sender_ = &sender;
  }

 protected:
  /// Notes that an item came into each of `lanes`, which makes those of `full` full.
  void pushed(LaneMask lanes, LaneMask full, Cycles now) {
    if (pushed_at_ != now) pushed_at_ = now, fresh_ = 0;
    fresh_ |= lanes & ~occupied_;
    occupied_ |= lanes;
    full_ = full;
    receiver_.wake_at(now + 1);
  }
  /// Notes that an item left each of `lanes`, after which those of `occupied` and `full` are so. Wakes a sender that found
  /// no room.
  void popped(LaneMask lanes, LaneMask occupied, LaneMask full, Cycles now) {
    if (popped_at_ != now) popped_at_ = now, emptied_ = 0;
    emptied_ |= full_ & lanes;
    if (sender_ && (full_ & lanes) != 0) sender_->wake_at(now + 1);
    occupied_ = occupied;
    full_ = full;
  }

  LaneMask occupied_ = 0, full_ = 0;

 private:
  Unit& receiver_;
  Unit* sender_ = nullptr;
  LaneMask fresh_ = 0, emptied_ = 0;
  Cycles pushed_at_ = kNever, popped_at_ = kNever;
};

/// Lanes of one or two items.
template <class T>
class LaneIn : public LaneStates {
 public:
  /// With a `drain` the capacity is one, and one more may pass the item on its way out.
  LaneIn(Unit& owner, std::uint32_t lanes, std::uint32_t capacity, LaneDrain* drain = nullptr)
      : LaneStates(owner), capacity_(capacity), drain_(drain) {
    SPATTEN_CHECK(lanes > 0 && lanes <= 64 && (capacity == 1 || (capacity == 2 && !drain)));
  }
  /// Lanes that hold more than their capacity, because one of a drain was not taken from after all.
  LaneMask crowded() const { return capacity_ == 1 ? double_ : 0; }
  const T& front(std::uint32_t lane) const { return items_[lane][oldest_ >> lane & 1]; }
  /// The oldest item of each of the lanes leaves.
  void pop(LaneMask lanes, Cycles now) {
    if (lanes == 0) return;
    const LaneMask occupied = occupied_ & (~lanes | double_);
    double_ &= ~lanes;
    oldest_ ^= lanes;
    popped(lanes, occupied, capacity_ == 1 ? occupied : double_, now);
  }

  // For the sender, see LaneOutOf.
  LaneMask room(Cycles now) const {
    const LaneMask room = LaneStates::room(now);
    return ~room != 0 && drain_ ? room | drain_->leaving(now) : room;
  }
  T& next(std::uint32_t lane) { return items_[lane][(oldest_ ^ occupied_) >> lane & 1]; }
  void push(LaneMask lanes, Cycles now) {
    if (lanes == 0) return;
    double_ |= occupied_ & lanes;
    pushed(lanes, capacity_ == 1 ? occupied_ | lanes : double_, now);
  }

 private:
  std::uint32_t capacity_;
  LaneDrain* drain_;
  LaneMask double_ = 0;  // lanes with two items
  LaneMask oldest_ = 0;  // per lane: which of its two places the oldest item has, or the next one gets
  std::array<std::array<T, 2>, 64> items_{};
};

/// Lanes whose items carry nothing: they are counted.
class LaneCountIn : public LaneStates {
 public:
  LaneCountIn(Unit& owner, std::uint32_t lanes, std::uint32_t capacity)
      : LaneStates(owner), lanes_(lanes), capacity_(capacity) {
    SPATTEN_CHECK(lanes > 0 && lanes <= 64 && capacity > 0 && capacity < 65535);
  }
  /// One item of each of the lanes leaves.
  void pop(LaneMask lanes, Cycles now) {
    if (lanes == 0) return;
    LaneMask occupied = 0;
    for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
      counts_[lane] = static_cast<std::uint16_t>(counts_[lane] - (lanes >> lane & 1));
      occupied |= LaneMask{counts_[lane] > 0} << lane;
    }
    popped(lanes, occupied, full_ & ~lanes, now);
  }
  void push(LaneMask lanes, Cycles now) {
    if (lanes == 0) return;
    LaneMask full = full_;
    for_each_lane(lanes, [&](std::uint32_t lane) { full |= LaneMask{++counts_[lane] >= capacity_} << lane; });
    pushed(lanes, full, now);
  }

 private:
  std::uint32_t lanes_, capacity_;
  std::array<std::uint16_t, 64> counts_{};
};

/// The sender's end of a LaneIn or LaneCountIn.
template <class In>
class LaneOutOf {
 public:
  explicit LaneOutOf(Unit& owner) : owner_(owner) {}
  LaneMask room(Cycles now) const { return in_->room(now); }
  /// Where the next item of a lane goes; written before the lane is pushed.
  auto& next(std::uint32_t lane) { return in_->next(lane); }
  void push(LaneMask lanes, Cycles now) { in_->push(lanes, now); }

 private:
  template <class I>
  friend void connect(LaneOutOf<I>& out, I& in);
  Unit& owner_;
  In* in_ = nullptr;
};
template <class T>
using LaneOut = LaneOutOf<LaneIn<T>>;
using LaneCountOut = LaneOutOf<LaneCountIn>;

template <class In>
void connect(LaneOutOf<In>& out, In& in) {
  SPATTEN_CHECK(out.in_ == nullptr);
  in.set_sender(out.owner_);
  out.in_ = &in;
}

}  // namespace spatten::sim

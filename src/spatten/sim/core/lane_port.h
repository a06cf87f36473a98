// SPDX-License-Identifier: Apache-2.0
// Up to 64 registered queues side by side, e.g. the 32 lanes of the fetcher or the 16 channels of a crossbar: like
// core/port.h with latency 1, but all lanes are asked at once, as bit masks. At most one push and one pop per lane and
// cycle.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "spatten/base/error.h"
#include "spatten/sim/core/unit.h"

namespace spatten::sim {

using LaneMask = std::uint64_t;

template <class T>
class LaneOut;

/// A receiver that knows, when a cycle begins, which lanes it will take from in that cycle whatever they hold. A full
/// lane of these has room: its item leaves as the next one comes, as in a register whose `ready` is combinational.
class LaneDrain {
 public:
  virtual LaneMask leaving(Cycles now) = 0;

 protected:
  ~LaneDrain() = default;
};

template <class T>
class LaneIn {
 public:
  /// With a `drain`, a lane holds `capacity` items and one more that passes the oldest on its way out.
  LaneIn(Unit& owner, std::uint32_t lanes, std::uint32_t capacity, LaneDrain* drain = nullptr)
      : owner_(owner),
        drain_(drain),
        lanes_(lanes),
        capacity_(capacity),
        ring_(std::bit_ceil(capacity + (drain ? 1 : 0))),
        slots_(std::size_t{lanes} * ring_) {
    SPATTEN_CHECK(lanes > 0 && lanes <= 64 && capacity > 0 && capacity < 65535);
  }
  std::uint32_t lanes() const { return lanes_; }
  /// Lanes whose oldest item has arrived.
  LaneMask ready(Cycles now) const { return occupied_ & ~(pushed_at_ == now ? fresh_ : 0); }
  bool empty() const { return occupied_ == 0; }
  /// Lanes that hold more than their capacity, because one of a drain was not taken from after all.
  LaneMask crowded() const { return crowded_; }
  T& front(std::uint32_t lane) { return slots_[lane * ring_ + heads_[lane]]; }
  const T& front(std::uint32_t lane) const { return slots_[lane * ring_ + heads_[lane]]; }
  T pop(std::uint32_t lane, Cycles now) {
    T value = front(lane);
    heads_[lane] = static_cast<std::uint16_t>((heads_[lane] + 1u) & (ring_ - 1));
    const LaneMask bit = LaneMask{1} << lane;
    if (popped_at_ != now) popped_at_ = now, emptied_ = 0;
    emptied_ |= full_ & bit;
    const std::uint32_t left = --sizes_[lane];
    if (left < capacity_) full_ &= ~bit;
    if (left <= capacity_) crowded_ &= ~bit;
    if (left == 0) occupied_ &= ~bit;
    if (sender_) sender_->wake_at(now + 1);
    return value;
  }

 private:
  friend class LaneOut<T>;
  template <class U>
  friend void connect(LaneOut<U>& out, LaneIn<U>& in);
  /// A lane that was full when the cycle began has no room in this cycle.
  LaneMask room(Cycles now) const {
    const LaneMask full = full_ | (popped_at_ == now ? emptied_ : 0);
    return full != 0 && drain_ ? ~full | drain_->leaving(now) : ~full;
  }
  void push(std::uint32_t lane, const T& value, Cycles now) {
    const LaneMask bit = LaneMask{1} << lane;
    if (pushed_at_ != now) pushed_at_ = now, fresh_ = 0;
    if (sizes_[lane] == 0) fresh_ |= bit;
    slots_[lane * ring_ + ((std::uint32_t{heads_[lane]} + sizes_[lane]) & (ring_ - 1))] = value;
    occupied_ |= bit;
    const std::uint32_t size = ++sizes_[lane];
    if (size >= capacity_) full_ |= bit;
    if (size > capacity_) crowded_ |= bit;
    owner_.wake_at(now + 1);
  }

  Unit& owner_;
  LaneDrain* drain_;
  Unit* sender_ = nullptr;
  std::uint32_t lanes_, capacity_, ring_;
  LaneMask occupied_ = 0, full_ = 0, crowded_ = 0, fresh_ = 0, emptied_ = 0;
  Cycles pushed_at_ = kNever, popped_at_ = kNever;
  std::array<std::uint16_t, 64> heads_{}, sizes_{};
  std::vector<T> slots_;
};

template <class T>
class LaneOut {
 public:
  explicit LaneOut(Unit& owner) : owner_(owner) {}
  LaneMask room(Cycles now) const { return in_->room(now); }
  void push(std::uint32_t lane, const T& value, Cycles now) { in_->push(lane, value, now); }

 private:
  template <class U>
  friend void connect(LaneOut<U>& out, LaneIn<U>& in);
  Unit& owner_;
  LaneIn<T>* in_ = nullptr;
};

template <class T>
void connect(LaneOut<T>& out, LaneIn<T>& in) {
  SPATTEN_CHECK(out.in_ == nullptr && in.sender_ == nullptr);
  out.in_ = &in;
  in.sender_ = &out.owner_;
}

/// Calls f(lane) for every lane of the mask, lowest first.
template <class F>
void for_each_lane(LaneMask mask, F&& f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<std::uint32_t>(std::countr_zero(mask)));
}

}  // namespace spatten::sim

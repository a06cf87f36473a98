// SPDX-License-Identifier: Apache-2.0
// A registered queue between two units. What is pushed in cycle t can be seen from t + latency on, and room that a pop makes
// in cycle t can be used from t + 1 on; both hold whichever of the two units is ticked first. The storage belongs to the
// receiving unit (InPort), the sender holds an OutPort, and connect() accepts only equal types.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "spatten/base/error.h"
#include "spatten/sim/core/unit.h"

namespace spatten::sim {

template <class T>
class OutPort;

template <class T>
class InPort {
 public:
  /// `capacity` items at most, those on their way included; `latency` >= 1 cycles.
  InPort(Unit& owner, std::uint32_t capacity, Cycles latency)
      : owner_(owner), capacity_(capacity), latency_(latency), mask_(std::bit_ceil(capacity) - 1), ring_(mask_ + 1) {
    SPATTEN_CHECK(capacity > 0 && latency > 0);
  }

  /// The oldest item, or nullptr when none has arrived. Valid until pop().
  T* front(Cycles now) { return size_ != 0 && ring_[head_].ready <= now ? &ring_[head_].value : nullptr; }
  /// Wakes a sender that found no room.
  T pop(Cycles now) {
    if (sender_ && !has_room(now)) sender_->wake_at(now + 1);
    T value = std::move(ring_[head_].value);
    head_ = (head_ + 1) & mask_;
    --size_;
    popped_ = popped_at_ == now ? popped_ + 1 : 1;
    popped_at_ = now;
    return value;
  }
  /// When the oldest item arrives; kNever when there is none.
  Cycles next_ready() const { return size_ != 0 ? ring_[head_].ready : kNever; }
  bool empty() const { return size_ == 0; }
  std::uint32_t size() const { return size_; }

 private:
  friend class OutPort<T>;
  template <class U>
  friend void connect(OutPort<U>& out, InPort<U>& in);
  struct Slot {
    T value{};
    Cycles ready = 0;
  };
  bool has_room(Cycles now) const { return size_ + (popped_at_ == now ? popped_ : 0) < capacity_; }
  void push(T value, Cycles now) {
    Slot& slot = ring_[(head_ + size_) & mask_];
    slot.value = std::move(value);
    slot.ready = now + latency_;
    ++size_;
    owner_.wake_at(now + latency_);
  }

  Unit& owner_;
  Unit* sender_ = nullptr;
  std::uint32_t capacity_, head_ = 0, size_ = 0, popped_ = 0;
  Cycles latency_, popped_at_ = kNever;
  std::uint32_t mask_;
  std::vector<Slot> ring_;
};

template <class T>
class OutPort {
 public:
  explicit OutPort(Unit& owner) : owner_(owner) {}
  bool has_room(Cycles now) const { return in_->has_room(now); }
  void push(T value, Cycles now) {
    SPATTEN_CHECK(in_->has_room(now));
    in_->push(std::move(value), now);
  }
  bool connected() const { return in_ != nullptr; }

 private:
  template <class U>
  friend void connect(OutPort<U>& out, InPort<U>& in);
  Unit& owner_;
  InPort<T>* in_ = nullptr;
};

/// One sender and one receiver per port.
template <class T>
void connect(OutPort<T>& out, InPort<T>& in) {
  SPATTEN_CHECK(out.in_ == nullptr && in.sender_ == nullptr);
  out.in_ = &in;
  in.sender_ = &out.owner_;
}

}  // namespace spatten::sim

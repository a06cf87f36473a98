// SPDX-License-Identifier: Apache-2.0
// Reads on their way back: each with the clock during which its data arrive. Those of one channel come out in the order
// of these clocks; with request_order the k-th data carry the tag of the k-th read that was accepted (the pairing of
// the authors' bridge).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "spatten/sim/core/cycles.h"
#include "spatten/sim/memory/dram_spec.h"

namespace spatten::sim {

/// First in, first out; grows by doubling.
template <class T>
class Ring {
 public:
  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }
  T& operator[](std::size_t i) { return items_[(head_ + i) & mask_]; }
  const T& operator[](std::size_t i) const { return items_[(head_ + i) & mask_]; }
  const T& front() const { return items_[head_ & mask_]; }
  const T& back() const { return items_[(tail_ - 1) & mask_]; }
  void push(const T& item) {
    if (size() > mask_) grow();
    items_[tail_++ & mask_] = item;
  }
  T pop() { return items_[head_++ & mask_]; }

 private:
  void grow() {
    std::vector<T> larger(items_.size() * 2);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) larger[i] = (*this)[i];
    items_ = std::move(larger);
    mask_ = items_.size() - 1;
    head_ = 0;
    tail_ = count;
  }

  std::vector<T> items_ = std::vector<T>(16);
  std::size_t mask_ = 15, head_ = 0, tail_ = 0;
};

class ReturnQueue {
 public:
  explicit ReturnQueue(ReturnOrder order) : request_order_(order == ReturnOrder::kRequestOrder) {}

  void accepted(std::uint32_t tag) {
    if (request_order_) tags_.push(tag);
  }
  /// Data of read `tag` arrive during clock `done`.
  void add(std::uint32_t tag, Cycles done) {
    queue_.push({done, tag});
    for (std::size_t i = queue_.size() - 1; i > 0 && queue_[i - 1].done > done; --i)
      std::swap(queue_[i - 1], queue_[i]);
  }
  /// The first clock from `clock` on behind all of them: for a scheduler that hands over one read per clock, in order.
  Cycles free_clock(Cycles clock) const { return queue_.empty() ? clock : std::max(clock, queue_.back().done + 1); }

  /// The first clock in which there is something to take.
  Cycles next_take() const { return queue_.empty() ? kNever : queue_.front().done + 1; }
  /// The tag of the next data.
  std::uint32_t take() {
    const std::uint32_t own = queue_.pop().tag;
    return request_order_ ? tags_.pop() : own;
  }

  /// Reads whose data are not back when clock `next` begins.
  std::uint32_t under_way(Cycles next) const {
    std::size_t i = queue_.size();
    while (i > 0 && queue_[i - 1].done >= next) --i;
    return static_cast<std::uint32_t>(queue_.size() - i);
  }

 private:
  struct Read {
    Cycles done;
    std::uint32_t tag;
  };
  bool request_order_;
  Ring<Read> queue_;
  Ring<std::uint32_t> tags_;
};

}  // namespace spatten::sim

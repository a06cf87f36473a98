// SPDX-License-Identifier: Apache-2.0
// Reads on their way back: each with the clock during which its data arrive. Those of one channel come out in the order
// of these clocks; with request_order the k-th data carry the tag of the k-th read that was accepted (the pairing of
// the authors' bridge).
#pragma once

#include <cstdint>
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
  T& operator[](std::size_t i) { return items_[(head_ + i) & (items_.size() - 1)]; }
  const T& operator[](std::size_t i) const { return items_[(head_ + i) & (items_.size() - 1)]; }
  const T& front() const { return (*this)[0]; }
  void push(const T& item) {
    if (size() == items_.size()) grow();
    items_[tail_++ & (items_.size() - 1)] = item;
  }
  T pop() { return items_[head_++ & (items_.size() - 1)]; }

 private:
  void grow() {
    std::vector<T> larger(items_.size() * 2);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) larger[i] = (*this)[i];
    items_ = std::move(larger);
    head_ = 0;
    tail_ = count;
  }

  std::vector<T> items_ = std::vector<T>(64);
  std::size_t head_ = 0, tail_ = 0;
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
  Cycles last_done() const { return queue_.empty() ? 0 : queue_[queue_.size() - 1].done; }

  /// The tag of the next data; they must have been counted by arrive().
  std::uint32_t take() {
    --arrived_;
    const std::uint32_t own = queue_.pop().tag;
    return request_order_ ? tags_.pop() : own;
  }
  /// The first clock in which take() has an answer.
  Cycles next_take() const { return queue_.empty() ? kNever : queue_.front().done + 1; }

  bool all_arrived() const { return arrived_ == queue_.size(); }
  /// How many more data are back after clock `now`, and the clock of the last of them; clocks must not go back.
  std::uint32_t arrive(Cycles now, Cycles& last) {
    std::uint32_t count = 0;
    for (; arrived_ < queue_.size() && queue_[arrived_].done <= now; ++arrived_, ++count) last = queue_[arrived_].done;
    return count;
  }

 private:
  struct Read {
    Cycles done;
    std::uint32_t tag;
  };
  bool request_order_;
  Ring<Read> queue_;
  Ring<std::uint32_t> tags_;
  std::size_t arrived_ = 0;  // of queue_, from the front
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/live.h"

#include "spatten/base/error.h"

namespace spatten::trace {

LiveQueue::LiveQueue(std::size_t capacity) : capacity_(capacity) { SPATTEN_CHECK(capacity >= 1); }

void LiveQueue::begin(const Header& header) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) throw Cancelled();
  SPATTEN_CHECK(!begun_);
  header_ = header;
  begun_ = true;
  changed_.notify_all();
}

void LiveQueue::write(const Record& record) {
  std::unique_lock lock(mutex_);
  SPATTEN_CHECK(begun_ && !ended_);
  changed_.wait(lock, [&] { return cancelled_ || records_.size() < capacity_; });
  if (cancelled_) throw Cancelled();
  records_.push_back(record);
  changed_.notify_all();
}

void LiveQueue::end() {
  const std::lock_guard lock(mutex_);
  if (cancelled_) throw Cancelled();
  SPATTEN_CHECK(begun_);
  ended_ = true;
  changed_.notify_all();
}

const Header& LiveQueue::header() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return cancelled_ || begun_; });
  if (cancelled_) throw Cancelled();
  return header_;  // never written again after begin()
}

bool LiveQueue::next(Record& out) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return cancelled_ || ended_ || !records_.empty(); });
  if (cancelled_) throw Cancelled();
  if (records_.empty()) return false;
  out = std::move(records_.front());
  records_.pop_front();
  changed_.notify_all();
  return true;
}

void LiveQueue::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

}  // namespace spatten::trace

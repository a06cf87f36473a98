// SPDX-License-Identifier: Apache-2.0
// A bounded queue between a run and a simulator in two threads: a sink on one side, a source on the other. It blocks the
// writer when full and the reader when empty, so both sides in one thread would wait for ever.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "spatten/trace/source.h"

namespace spatten::trace {

class LiveQueue final : public Sink, public Source {
 public:
  /// `capacity` >= 1 records are held at most.
  explicit LiveQueue(std::size_t capacity);

  // The writer's side.
  void begin(const Header& header) override;
  void write(const Record& record) override;
  void end() override;

  // The reader's side. header() waits for begin().
  const Header& header() const override;
  bool next(Record& out) override;

  /// From any thread: every waiting and later call of both sides throws Cancelled. For a side that stops early.
  void cancel();

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Header header_;
  std::deque<Record> records_;
  bool begun_ = false, ended_ = false, cancelled_ = false;
};

}  // namespace spatten::trace

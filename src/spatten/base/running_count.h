// SPDX-License-Identifier: Apache-2.0
// How far work has come that several threads do in pieces, told to one listener: for progress.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace spatten {

class RunningCount {
 public:
  /// `tell` may be empty; it is called from any thread, one at a time, with numbers that only grow. It must outlive
  /// this.
  explicit RunningCount(const std::function<void(std::uint64_t)>& tell) : tell_(tell) {}

  /// So many of a piece that is under way.
  void inside(std::uint64_t count) { update(0, count); }
  /// So many more, of whole pieces.
  void done(std::uint64_t count) { update(count, 0); }

 private:
  void update(std::uint64_t done, std::uint64_t inside) {
    if (!tell_) return;
    const std::lock_guard lock(mutex_);
    done_ += done;
    if (done_ + inside <= told_) return;
    told_ = done_ + inside;
    tell_(told_);
  }

  const std::function<void(std::uint64_t)>& tell_;
  std::mutex mutex_;
  std::uint64_t done_ = 0, told_ = 0;
};

}  // namespace spatten

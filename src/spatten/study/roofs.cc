// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/roofs.h"

#include <algorithm>
#include <numeric>

namespace spatten {
namespace {

constexpr std::size_t kPieceElements = 1 << 15;  // 256 KB: long enough to stream, short enough to share out evenly

}  // namespace

ReadRoofWorkload::ReadRoofWorkload(std::size_t bytes, ThreadPool& threads)
    : memory_(bytes / sizeof(std::uint64_t)), sums_((memory_.size() + kPieceElements - 1) / kPieceElements), threads_(threads) {
  std::iota(memory_.data(), memory_.data() + memory_.size(), std::uint64_t{0});
}

void ReadRoofWorkload::run() {
  threads_.parallel_for(sums_.size(), [this](std::size_t piece, std::size_t) {
    const std::size_t first = piece * kPieceElements, count = std::min(kPieceElements, memory_.size() - first);
    sums_[piece] = std::accumulate(memory_.data() + first, memory_.data() + first + count, std::uint64_t{0});
  });
}

std::uint64_t ReadRoofWorkload::sum() const { return std::accumulate(sums_.begin(), sums_.end(), std::uint64_t{0}); }

}  // namespace spatten

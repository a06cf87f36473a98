// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/allocate.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace spatten {
namespace {
constexpr std::size_t kCacheLine = 64, kLargePage = std::size_t{2} << 20;
}

void* allocate_aligned(std::size_t bytes) {
  const bool large = bytes >= kLargePage;
  void* data = nullptr;
  if (posix_memalign(&data, large ? kLargePage : kCacheLine, bytes) != 0) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  // A wish: where it is refused, pages are small and nothing else changes. A rest below 2 MiB keeps small pages.
  if (large) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return data;
}

}  // namespace spatten

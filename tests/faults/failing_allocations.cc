// SPDX-License-Identifier: Apache-2.0
#include "faults/failing_allocations.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

namespace spatten {
namespace {

constexpr std::uint64_t kNever = UINT64_MAX;
std::atomic<std::uint64_t> first_failure{kNever}, last_failure{kNever}, seen{0}, failures{0};

bool fails() {
  if (first_failure.load() == kNever) return false;
  const std::uint64_t number = ++seen;
  const bool failed = number >= first_failure.load() && number <= last_failure.load();
  if (failed) ++failures;
  return failed;
}

void* allocate(std::size_t bytes) {
  void* data = fails() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

void* allocate(std::size_t bytes, std::align_val_t alignment) {
  void* data = nullptr;
  if (!fails()) data = std::aligned_alloc(static_cast<std::size_t>(alignment), (bytes + static_cast<std::size_t>(alignment)) / static_cast<std::size_t>(alignment) * static_cast<std::size_t>(alignment));
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

FailingAllocations::FailingAllocations(std::uint64_t first, Mode mode) {
  seen = failures = 0;
  last_failure = mode == Mode::kOnce ? first : kNever - 1;
  first_failure = first;
}
FailingAllocations::~FailingAllocations() { first_failure = kNever; }
bool FailingAllocations::happened() const { return failures > 0; }

}  // namespace spatten

// The other forms of the standard library call these.
void* operator new(std::size_t bytes) { return spatten::allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return spatten::allocate(bytes, alignment); }
void* operator new[](std::size_t bytes) { return spatten::allocate(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return spatten::allocate(bytes, alignment); }
void operator delete(void* data) noexcept { std::free(data); }
void operator delete(void* data, std::size_t) noexcept { std::free(data); }
void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete(void* data, std::size_t, std::align_val_t) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete[](void* data, std::size_t) noexcept { std::free(data); }
void operator delete[](void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete[](void* data, std::size_t, std::align_val_t) noexcept { std::free(data); }

// By the linker's option --wrap, in place of the C library's.
extern "C" int __real_posix_memalign(void** data, std::size_t alignment, std::size_t bytes);
extern "C" int __wrap_posix_memalign(void** data, std::size_t alignment, std::size_t bytes) {
  return spatten::fails() ? ENOMEM : __real_posix_memalign(data, alignment, bytes);
}

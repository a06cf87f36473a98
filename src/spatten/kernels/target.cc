// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/target.h"

#include "spatten/kernels/simd.h"
#if defined(__SSE__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

#include <hwy/highway.h>

#include <atomic>

#include "spatten/base/error.h"
#include "spatten/base/nearest.h"

namespace spatten::kernels {
namespace {

/// What the CPU offers. Asked once, because Highway's answer also resets its choice.
std::int64_t supported() {
  static const std::int64_t targets = hwy::SupportedTargets();
  return targets;
}

/// Compiled in and offered by the CPU. Highway's lower bits are its better targets.
std::vector<std::int64_t> runnable() {
  std::vector<std::int64_t> targets;
  const std::int64_t both = supported() & HWY_TARGETS;
  for (int bit = 0; bit < 63; ++bit) {
    const std::int64_t target = std::int64_t{1} << bit;
    if ((both & target) != 0) targets.push_back(target);
  }
  return targets;
}

/// Beside Highway's mask of allowed targets, which lives as long as the process, too.
std::atomic<bool>& forced() {
  static std::atomic<bool> is_forced{false};
  return is_forced;
}

}  // namespace

std::vector<std::string> available_targets() {
  std::vector<std::string> names;
  for (const std::int64_t target : runnable()) names.emplace_back(hwy::TargetName(target));
  return names;
}

// Highway keeps one mask of allowed targets; a kernel runs the best of them. Only force_target narrows it.
std::string current_target() {
  hwy::ChosenTarget& chosen = hwy::GetChosenTarget();
  if (!chosen.IsInitialized()) chosen.Update(supported());
  for (const std::int64_t target : runnable()) {
    hwy::ChosenTarget probe;
    probe.Update(target);
    if (probe.GetIndex() == chosen.GetIndex()) return hwy::TargetName(target);
  }
  SPATTEN_CHECK(false);
  return "";
}

void force_target(std::string_view name) {
  if (name.empty()) {
    hwy::GetChosenTarget().Update(supported());
    forced() = false;
    return;
  }
  for (const std::int64_t target : runnable()) {
    if (name == hwy::TargetName(target)) {
      hwy::GetChosenTarget().Update(target);
      forced() = true;
      return;
    }
  }
  std::string known;
  for (const std::string& n : available_targets()) known += (known.empty() ? "" : ", ") + n;
  throw UsageError("", "", fmt::format("unknown instruction set \"{}\", this CPU runs {}", printable(name), known));
}

bool target_is_forced() { return forced(); }

#if (HWY_TARGETS & HWY_AVX3) != 0
namespace {
bool avx3_runs() {
  static const bool offered = available_targets().front().starts_with("AVX3");  // later Highways know more kinds of it
  return offered && !target_is_forced();
}
}  // namespace

bool runs_avx512_bf16() {
  static const bool offered = __builtin_cpu_supports("avx512bf16") != 0;
  return offered && avx3_runs();
}
bool runs_avx512_vnni() {
  static const bool offered = __builtin_cpu_supports("avx512vnni") != 0;
  return offered && avx3_runs();
}
#else
bool runs_avx512_bf16() { return false; }
bool runs_avx512_vnni() { return false; }
#endif

#if defined(__SSE__)
namespace {
constexpr unsigned kDefaultMode = 0x1F80;  // all exceptions masked, round to nearest, denormals kept
constexpr unsigned kModeBits = 0xFFC0;     // without the sticky exception flags
}  // namespace

FloatMode::FloatMode() : saved_(_mm_getcsr()) {
  if ((saved_ & kModeBits) != kDefaultMode) _mm_setcsr(kDefaultMode);
}
FloatMode::~FloatMode() {
  if ((saved_ & kModeBits) != kDefaultMode) _mm_setcsr(saved_);
}
#elif defined(__aarch64__)
FloatMode::FloatMode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  saved_ = static_cast<unsigned>(mode);
  if (saved_ != 0) asm volatile("msr fpcr, %0" ::"r"(std::uint64_t{0}));
}
FloatMode::~FloatMode() {
  if (saved_ != 0) asm volatile("msr fpcr, %0" ::"r"(std::uint64_t{saved_}));
}
#else
FloatMode::FloatMode() : saved_(static_cast<unsigned>(std::fegetround())) { std::fesetround(FE_TONEAREST); }
FloatMode::~FloatMode() { std::fesetround(static_cast<int>(saved_)); }
#endif

}  // namespace spatten::kernels

// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/error.h"
#include "support/on_every_target.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(Target);

TEST_P(Target, RunsTheForcedInstructionSet) { EXPECT_EQ(current_target(), GetParam()); }

TEST_P(Target, RunsNoExtensionsWhenForced) {
  EXPECT_FALSE(runs_avx512_bf16());
  EXPECT_FALSE(runs_avx512_vnni());
}

TEST(TargetChoice, TakesTheBestOneByDefault) {
  force_target("");
  EXPECT_EQ(current_target(), available_targets().front());
}

#if defined(__x86_64__)
TEST(TargetChoice, TakesTheExtensionsThatTheCpuHas) {
  force_target("");
  if (!available_targets().front().starts_with("AVX3")) GTEST_SKIP() << "no AVX-512 here";
  EXPECT_EQ(runs_avx512_bf16(), __builtin_cpu_supports("avx512bf16") != 0);
  EXPECT_EQ(runs_avx512_vnni(), __builtin_cpu_supports("avx512vnni") != 0);
}
#endif

TEST(TargetChoice, RefusesAnUnknownNameAndKeepsTheOld) {
  const std::string before = current_target();
  EXPECT_THROW(force_target("AVX9"), UsageError);
  EXPECT_EQ(current_target(), before);
}

#if defined(__SSE__)
TEST(FloatMode, SetsTheDefaultAndRestoresTheHosts) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040 | 0x2000);  // flush denormals, round down
  const unsigned host = _mm_getcsr();
  {
    const FloatMode mode;
    EXPECT_EQ(_mm_getcsr() & 0xE040, 0u);
  }
  EXPECT_EQ(_mm_getcsr() & 0xFFC0, host & 0xFFC0);
  _mm_setcsr(before);
}
#endif

}  // namespace
}  // namespace spatten::kernels

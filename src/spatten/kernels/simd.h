// SPDX-License-Identifier: Apache-2.0
// Included first by every source that holds SIMD code: which of Highway's targets are left out.
// Such a source is read once per target by <hwy/foreach_target.h>. Between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE
// it uses raw pointers and functions of its own only: an inline function of a standard header compiled there could be
// kept by the linker for the whole program, in code that this CPU cannot run.
#pragma once

// Tiles are arrays of vectors, so a vector needs a size that the compiler knows; NEON serves Arm, RISC-V runs scalar.
#define SPATTEN_SIZELESS_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#if defined(SPATTEN_FEW_TARGETS)
// Sanitizers make each target minutes of compile time: the widest and the baseline stand for the others, which every
// other build tests.
#define HWY_DISABLED_TARGETS (SPATTEN_SIZELESS_TARGETS | HWY_AVX3_DL | HWY_AVX2 | HWY_SSE4 | HWY_SSSE3)
#else
#define HWY_DISABLED_TARGETS SPATTEN_SIZELESS_TARGETS
#endif

#include <cstddef>
#include <cstdint>

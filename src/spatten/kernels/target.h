// SPDX-License-Identifier: Apache-2.0
// The instruction sets that the kernels are compiled for (Highway's targets) and which of them runs.
// Every kernel exists once per target; the best one that this CPU offers is taken at the first call. The environment
// is never read. All targets give the same result within rounding; one target gives the same bits on every run, for
// any number of threads and for any batch in which a row stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spatten::kernels {

/// Names of the targets that this CPU can run, the best first ("AVX3", "AVX2", "SSE4", "SSSE3", "EMU128").
std::vector<std::string> available_targets();

/// The one that runs now.
std::string current_target();

/// Runs `name` from now on, in the whole process, and no code of oneDNN, which chooses its instructions itself (gemm.h);
/// "" goes back to the best one. Not while kernels run. Throws UsageError when this CPU cannot run it.
void force_target(std::string_view name);

/// Whether a name is in force, be it that of the best target.
bool target_is_forced();

/// Whether kernels use these extensions of AVX-512, for which Highway has no target: where the CPU offers them beside its best
/// target, and no target is forced.
bool runs_avx512_bf16();
bool runs_avx512_vnni();

/// Puts this thread's floating-point mode into the IEEE default (round to nearest, denormals kept) and back again.
/// Kernels set it where they are entered: a host that flushes denormals or rounds otherwise gets the same results.
class FloatMode {
 public:
  FloatMode();
  ~FloatMode();
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  unsigned saved_;
};

}  // namespace spatten::kernels

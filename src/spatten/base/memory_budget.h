// SPDX-License-Identifier: Apache-2.0
// How much memory this process may still take, so that a load that cannot fit is refused before it starts and with the
// number that it needs: the least of RLIMIT_AS, the limits of the process's control groups (v1 and v2) and what the
// machine has left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spatten {

struct MemoryBudget {
  std::uint64_t bytes = 0;
  std::string source;  // "RLIMIT_AS", a path of a control group, "MemAvailable of /proc/meminfo"
};

/// Where the kernel tells; tests point it elsewhere.
struct MemoryRoots {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

/// The tightest limit that can be read; nothing when none can.
std::optional<MemoryBudget> memory_budget(const MemoryRoots& roots = {});

/// Throws Error "PLACE: expected N bytes of memory for WHAT, found M (SOURCE)" when `bytes` exceed the budget.
void require_memory(std::uint64_t bytes, std::string_view place, std::string_view what, const MemoryRoots& roots = {});

/// The most that this process has had in memory at once (VmHWM); nothing where the kernel does not tell.
std::optional<std::uint64_t> peak_memory_bytes(const MemoryRoots& roots = {});

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Synthetic memory traces by name: those on which the public DRAM simulators were measured (docs/validation.md), and
// the same with other seeds. Equal name and seed give equal bytes everywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spatten::sim {

struct DramWorkload {
  std::string name, text;
};

/// All of them, in the order of the documentation.
std::vector<DramWorkload> dram_workloads();

/// Writes a trace in pieces. Without a seed that of the published tables is taken. Throws UsageError with the nearest
/// name.
void write_dram_workload(const std::string& name, std::optional<std::uint64_t> seed,
                         const std::function<void(std::string_view)>& write);

/// The whole trace in memory.
std::string dram_workload(const std::string& name, std::optional<std::uint64_t> seed = {});

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/memory_budget.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <functional>

#include "spatten/base/error.h"

namespace spatten {
namespace {

/// These files are small, have no size and may be absent; one that cannot be read says nothing.
std::string contents(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{64} << 10;
  std::ifstream in(path);
  std::string text(kMostBytes, '\0');
  in.read(text.data(), kMostBytes);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// The number after optional blanks; nothing for "max" and for an empty text.
std::optional<std::uint64_t> number(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + start, text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

/// The number behind KEY at the start of a line.
std::optional<std::uint64_t> number_after(const std::string& text, const std::string& key) {
  const auto at = ("\n" + text).find("\n" + key);
  return at == std::string::npos ? std::nullopt : number(std::string_view(text).substr(at + key.size()));
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

class TightestBudget {
 public:
  void consider(std::optional<std::uint64_t> bytes, const std::string& source) {
    if (bytes && (!best_ || *bytes < best_->bytes)) best_ = MemoryBudget{*bytes, source};
  }
  const std::optional<MemoryBudget>& get() const { return best_; }

 private:
  std::optional<MemoryBudget> best_;
};

std::optional<std::uint64_t> address_space_left(const std::string& proc) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  const auto pages = number(contents(proc + "/self/statm"));
  return left(limit.rlim_cur, pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

std::optional<std::uint64_t> machine_left(const std::string& proc) {
  const std::string text = contents(proc + "/meminfo");
  const auto available = number_after(text, "MemAvailable:");
  if (!available) return std::nullopt;
  return (*available + number_after(text, "SwapFree:").value_or(0)) * 1024;  // kB in the file
}

/// What a group may still take: its limit less what it uses, where page cache counts as free.
std::optional<std::uint64_t> group_left(const std::string& folder, const char* limit_file, const char* usage_file) {
  const auto limit = number(contents(folder + limit_file));
  const auto used = number(contents(folder + usage_file));
  if (!limit || !used || *limit >= (std::uint64_t{1} << 60)) return std::nullopt;  // v1 writes "no limit" as 2^63 - 4096
  const std::string stat = contents(folder + "/memory.stat");
  const std::uint64_t cache =
      number_after(stat, "active_file ").value_or(0) + number_after(stat, "inactive_file ").value_or(0);
  return left(*limit, left(*used, cache));
}

/// Calls `use` for a group and its parents up to the root; a parent's limit holds for its children.
void each_parent(std::string group, const std::function<void(const std::string&)>& use) {
  for (;;) {
    use(group);
    if (group.empty() || group == "/") return;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

void consider_groups(const MemoryRoots& roots, TightestBudget& budget) {
  const std::string lines = contents(roots.proc + "/self/cgroup");  // "0::/path" or "N:controllers:/path"
  for (std::size_t start = 0; start < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', start), lines.size());
    const std::string line = lines.substr(start, end - start);
    start = end + 1;
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v2 = controllers == ",,", v1 = controllers.find(",memory,") != std::string::npos;
    if (!v1 && !v2) continue;
    each_parent(line.substr(second + 1), [&](const std::string& group) {
      const std::string folder = roots.cgroup + (v1 ? "/memory" : "") + group;
      budget.consider(v1 ? group_left(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes")
                         : group_left(folder, "/memory.max", "/memory.current"),
                      "control group " + folder);
    });
  }
}

}  // namespace

std::optional<MemoryBudget> memory_budget(const MemoryRoots& roots) {
  TightestBudget budget;
  budget.consider(address_space_left(roots.proc), "RLIMIT_AS");
  budget.consider(machine_left(roots.proc), "MemAvailable of " + roots.proc + "/meminfo");
  consider_groups(roots, budget);
  return budget.get();
}

void require_memory(std::uint64_t bytes, std::string_view place, std::string_view what, const MemoryRoots& roots) {
  const auto budget = memory_budget(roots);
  if (!budget || bytes <= budget->bytes) return;
  throw Error(place, "",
              fmt::format("expected {} bytes of memory for {}, found {} ({})", bytes, what, budget->bytes, budget->source));
}

std::optional<std::uint64_t> peak_memory_bytes(const MemoryRoots& roots) {
  const auto kilobytes = number_after(contents(roots.proc + "/self/status"), "VmHWM:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/dram_workload.h"

#include <algorithm>
#include <numeric>

#include "spatten/base/error.h"
#include "spatten/base/nearest.h"

namespace spatten::sim {
namespace {

constexpr std::uint64_t kLine = 32, kFootprint = std::uint64_t{1} << 32;

/// Splitmix64 with the range rule of the published traces, which differs from base/random.h.
class TraceRandom {
 public:
  explicit TraceRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return ((z ^ (z >> 31)) >> 11) % n;
  }
  /// `count` of 0 .. n-1 without repetition, ascending.
  std::vector<std::uint64_t> pick(std::uint64_t n, std::uint64_t count) {
    std::vector<std::uint64_t> all(n);
    std::iota(all.begin(), all.end(), 0);
    for (std::uint64_t i = 0; i < count; ++i) std::swap(all[i], all[i + below(n - i)]);
    all.resize(count);
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  std::uint64_t state_;
};

class Writer {
 public:
  explicit Writer(const std::function<void(std::string_view)>& write) : write_(write) { text_ = "#! q=16 g=0\n"; }
  /// One vector of consecutive lines.
  void vector(std::uint64_t address, std::uint64_t bytes, char operation = 'R') {
    for (std::uint64_t offset = 0; offset < bytes; offset += kLine)
      fmt::format_to(std::back_inserter(text_), "{:#x} {}\n", address + offset, operation);
    if (text_.size() > 1 << 16) flush();
  }
  void flush() {
    write_(text_);
    text_.clear();
  }

 private:
  const std::function<void(std::string_view)>& write_;
  std::string text_;
};

void seq_read(Writer& out, TraceRandom&) {
  for (std::uint64_t i = 0; i < 131072; ++i) out.vector(i * kLine, kLine);
}
void rand32(Writer& out, TraceRandom& random) {
  for (int i = 0; i < 65536; ++i) out.vector(random.below(kFootprint / 32) * 32, 32);
}
void rand64(Writer& out, TraceRandom& random) {
  for (int i = 0; i < 32768; ++i) out.vector(random.below(kFootprint / 64) * 64, 64);
}
/// The keys of 96 heads after pruning: half of 1024 rows of 64 bytes each.
void pruned50(Writer& out, TraceRandom& random) {
  for (std::uint64_t head = 0; head < 96; ++head) {
    for (const std::uint64_t row : random.pick(1024, 512)) out.vector(0x10000 * head + 64 * row, 64);
  }
}
void mix2r1w(Writer& out, TraceRandom& random) {
  for (std::uint64_t i = 0; i < 16384; ++i) {
    out.vector(random.below(kFootprint / 64) * 64, 64);
    out.vector(random.below(kFootprint / 64) * 64, 64);
    out.vector(kFootprint + 64 * i, 64, 'W');
  }
}
/// Channel 0, one bank, another row each time (of 16 channels and 1 KB rows).
void bankconflict(Writer& out, TraceRandom&) {
  for (std::uint64_t i = 0; i < 16384; ++i) out.vector(i % 4096 * 0x80000, kLine);
}

struct Entry {
  const char* name;
  const char* text;
  std::uint64_t seed;
  void (*write)(Writer&, TraceRandom&);
};

constexpr Entry kWorkloads[] = {
    {"seq_read", "131072 reads, one after the other", 0, seq_read},
    {"rand32", "65536 reads of 32 bytes anywhere in 4 GiB", 101, rand32},
    {"rand64", "32768 reads of 64 bytes anywhere in 4 GiB", 102, rand64},
    {"pruned50", "96 heads: half of 1024 rows of 64 bytes, in order", 103, pruned50},
    {"mix2r1w", "16384 times two random reads of 64 bytes and one 64-byte write of a stream", 104, mix2r1w},
    {"bankconflict", "16384 reads of one bank, another row each time", 0, bankconflict},
};

}  // namespace

std::vector<DramWorkload> dram_workloads() {
  std::vector<DramWorkload> out;
  for (const Entry& e : kWorkloads) out.push_back({e.name, e.text});
  return out;
}

void write_dram_workload(const std::string& name, std::optional<std::uint64_t> seed,
                         const std::function<void(std::string_view)>& write) {
  std::vector<std::string> known;
  for (const Entry& e : kWorkloads) {
    known.emplace_back(e.name);
    if (name != e.name) continue;
    Writer out(write);
    TraceRandom random(seed.value_or(e.seed));
    e.write(out, random);
    out.flush();
    return;
  }
  std::string list;
  for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
  throw UsageError("--generate", printable(name), fmt::format("expected one of {}{}", list, did_you_mean(name, known)));
}

std::string dram_workload(const std::string& name, std::optional<std::uint64_t> seed) {
  std::string out;
  write_dram_workload(name, seed, [&out](std::string_view piece) { out += piece; });
  return out;
}

}  // namespace spatten::sim

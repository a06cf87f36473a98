// SPDX-License-Identifier: Apache-2.0
// The authors' RTL (mit-han-lab/spatten): configs/hw/rtl-*.json against cycle counts measured on it. rtl_points.csv
// holds requests and streams of them; the iterations of the authors' own workloads are tested where those are
// (support/shared_data.h). Everything is exact but for a few streams of flagged rows, so the limits here are far below
// what was asked for (3 % or 4 cycles alone, 5 % in streams and iterations, 8 % there with Ramulator 2's timing).
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "spatten/base/file.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/memory.h"
#include "support/shared_data.h"

namespace spatten {
namespace {

const trace::Header kHeader;  // sources refer to it

const std::string kSource = SPATTEN_SOURCE_DIR;

sim::ChipSpec rtl(const std::string& size) { return sim::load_chip(kSource + "/configs/hw/rtl-" + size + ".json"); }

std::unique_ptr<sim::Memory> memory_of(const std::string& name, const sim::ChipSpec& chip) {
  const std::string file = name.starts_with("ideal") ? name : kSource + "/configs/memory/" + name + ".json";
  return sim::make_memory(file, {"channels=" + std::to_string(chip.channels)});
}

struct Point {
  std::string config, memory, text;
  std::uint32_t keys = 0, values = 0, bits = 0, low_bits = 0, top_k = 0, requests = 0, batch = 0;
  std::uint64_t cycles = 0;

  /// Accesses of 32 bytes: 8 bits need 2 per vector, 4 bits 1, two requests of 6 bits 3 for both; low bits 1 per key.
  std::uint64_t beats(std::uint32_t rounding) const {
    const auto rounded = [&](std::uint32_t count) {
      return std::uint64_t{(count + rounding - 1) / rounding * rounding};
    };
    const std::uint64_t vectors = (rounded(keys) + rounded(values)) * (batch > 0 ? requests / batch : requests);
    return vectors * bits / 4 + (low_bits ? rounded(keys) * requests : 0);
  }
};

std::uint32_t number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) ADD_FAILURE() << "not a number: " << text;
  return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<Point> load_points() {
  std::vector<Point> points;
  for (const std::string& line : split(read_file(kSource + "/tests/paper/rtl_points.csv", 1 << 20), '\n')) {
    if (line.empty() || line.front() == '#' || line.starts_with("config")) continue;
    const std::vector<std::string> f = split(line, ',');
    if (f.size() != 10) {
      ADD_FAILURE() << line;
      continue;
    }
    points.push_back({f[0], f[6], line, number(f[1]), number(f[2]), number(f[3]), number(f[4]), number(f[5]),
                      number(f[7]), number(f[8]), number(f[9])});
  }
  return points;
}

struct Measured {
  std::uint64_t cycles, beats;
};

Measured run(const Point& p, std::uint64_t shuffle) {
  sim::ChipSpec chip = rtl(p.config);
  chip.topk.enabled = p.top_k != 0;
  trace::Record record;
  record.context = record.keys = p.keys;
  record.values = p.values;
  record.head_dim = 64;
  record.key_msb_bits = record.value_bits = static_cast<std::uint8_t>(p.bits);
  record.key_lsb_bits = 4;
  record.lsb_rows = p.low_bits;
  std::vector<trace::Record> records;
  for (std::uint32_t i = 0; i < (p.batch > 0 ? p.requests / p.batch : p.requests); ++i) records.push_back(record);
  trace::MemorySource source(kHeader, records);
  sim::SimulationOptions options;
  options.batch = p.batch;
  options.row_times = true;
  options.shuffle_units = shuffle;
  const sim::Result r = sim::simulate(
      source, chip, [&] { return memory_of(p.memory, chip); }, options);
  return {r.row_times.back().response - r.row_times.front().accept, r.bytes.total() / 32};
}

bool alone(const Point& p) { return p.requests == (p.bits == 6 ? 2 : 1); }

TEST(PublishedRtl, TakesAsManyCyclesAsMeasured) {
  const std::vector<Point> points = load_points();
  ASSERT_GE(points.size(), 80u);
  std::size_t exact = 0;
  for (const Point& p : points) {
    SCOPED_TRACE(p.text);
    const Measured m = run(p, 0);
    EXPECT_EQ(m.beats, p.beats(rtl(p.config).rows.count_rounding));
    exact += m.cycles == p.cycles ? 1 : 0;
    if (alone(p) || p.batch > 0) {
      EXPECT_EQ(m.cycles, p.cycles);
    } else {
      EXPECT_NEAR(static_cast<double>(m.cycles), static_cast<double>(p.cycles), 0.01 * static_cast<double>(p.cycles));
    }
  }
  EXPECT_GE(exact * 100, points.size() * 95);
}

TEST(PublishedRtl, DoesNotDependOnTheOrderOfItsUnits) {
  const std::vector<Point> points = load_points();
  for (std::size_t i = 0; i < points.size(); i += 5) {
    SCOPED_TRACE(points[i].text);
    EXPECT_EQ(run(points[i], 0).cycles, run(points[i], i + 1).cycles);
  }
}

/// Iterations `first` .. `last` of one of the authors' workloads, and the cycles measured for some of them.
struct Workload {
  std::string csv, config, memory;
  std::uint32_t last;
  std::map<std::uint32_t, std::uint64_t> cycles;
  double tolerance;
};

class UpTo final : public trace::Source {
 public:
  UpTo(trace::Source& source, std::uint32_t last) : source_(source), last_(last) {}
  const trace::Header& header() const override { return source_.header(); }
  bool next(trace::Record& out) override {
    if (!source_.next(out) || out.step > last_) return false;
    if (out.step >= ends_.size()) ends_.resize(out.step + 1);
    ends_[out.step] = ++records_;
    return true;
  }
  /// Records up to the end of an iteration.
  std::size_t end(std::uint32_t step) const { return ends_.at(step); }

 private:
  trace::Source& source_;
  std::uint32_t last_;
  std::size_t records_ = 0;
  std::vector<std::size_t> ends_;
};

TEST(PublishedRtl, RunsIterationsOfTheAuthorsWorkloadsInTheMeasuredTime) {
  const std::string ptb = "summary-gpt2-medium-ptb-per0.csv", small = "summary-gpt2-small-wikitext2-per8.csv",
                    medium = "summary-gpt2-medium-wikitext2-per0-hp-step5+dedic+glob_p+local_p+hp+topk+quant.csv";
  if (!std::filesystem::exists(shared_data("official-workloads/" + small))) GTEST_SKIP() << "no workloads here";
  const std::vector<Workload> workloads{
      {ptb, "full", "ideal:1", 0, {{0, 211888}}, 0.001},
      {ptb, "full", "hbm2-r20", 0, {{0, 338633}}, 0.001},
      {medium, "full", "ideal:1", 3, {{0, 156884}, {2, 97738}}, 0.005},
      {medium, "full", "ideal:30:64", 3, {{0, 176725}, {2, 118043}}, 0.005},
      {medium, "full", "hbm2-r20", 1, {{0, 258045}}, 0.005},
      {small, "full", "ideal:1", 3, {{0, 46129}, {2, 15942}}, 0.005},
      {small, "full", "hbm2-r20", 3, {{0, 68789}, {2, 25287}}, 0.005},
      {small, "eighth", "ideal:1", 3, {{0, 270774}, {2, 80262}}, 0.005},
  };
  for (const Workload& w : workloads) {
    SCOPED_TRACE(w.csv + " on " + w.config + ", " + w.memory);
    const sim::ChipSpec chip = rtl(w.config);
    trace::AuthorsCsvSource csv(shared_data("official-workloads/" + w.csv));
    UpTo source(csv, w.last);
    sim::SimulationOptions options;
    options.row_times = true;
    const sim::Result r = sim::simulate(
        source, chip, [&] { return memory_of(w.memory, chip); }, options);
    for (const auto& [iteration, cycles] : w.cycles) {
      const sim::Cycles begin =
          iteration == 0 ? r.row_times.front().accept : r.row_times[source.end(iteration - 1) - 1].response;
      const sim::Cycles took = r.row_times[source.end(iteration) - 1].response - begin;
      EXPECT_NEAR(static_cast<double>(took), static_cast<double>(cycles), w.tolerance * static_cast<double>(cycles))
          << "iteration " << iteration;
    }
  }
}

}  // namespace
}  // namespace spatten

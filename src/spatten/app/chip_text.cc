// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/chip_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "spatten/app/pruning_story.h"
#include "spatten/app/quantities.h"

namespace spatten::app {
namespace {

constexpr std::size_t kNameColumns = 20, kTextColumns = 100;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

class Text {
 public:
  explicit Text(const Terminal& terminal) : terminal_(terminal), columns_(std::clamp<std::size_t>(terminal.width, 60, kTextColumns)) {}

  void heading(const std::string& text) { out_ += styled(text, Style::kCyan, terminal_.colour) + "\n"; }
  void bold(const std::string& text) { out_ += styled(text, Style::kBold, terminal_.colour) + "\n"; }
  void line(const std::string& text = "") { out_ += text + "\n"; }
  /// A name and a paragraph beside it.
  void row(const std::string& name, const std::string& text) {
    const std::string rest = wrapped(text, kNameColumns, columns_);
    out_ += pad_right("  " + name, kNameColumns) + rest.substr(std::min(rest.size(), kNameColumns));
  }
  void item(const std::string& text) {
    const std::string rest = wrapped(text, 4, columns_);
    out_ += "  - " + rest.substr(std::min<std::size_t>(rest.size(), 4));
  }
  std::string take() { return std::move(out_); }

 private:
  const Terminal& terminal_;
  std::size_t columns_;
  std::string out_;
};

std::string kinds_text(const cost::Joules& joules, const char* unit) {
  return fmt::format("logic {}, SRAM {}, DRAM {}", si(joules.logic, unit), si(joules.sram, unit), si(joules.dram, unit));
}

void add_figures(Text& text, const ChipRun& run) {
  const sim::Result& r = run.result;
  text.row("time", fmt::format("{} ({} cycles at {}), {} rows in {} heads", si(run.seconds(), "s"), grouped(r.cycles), si(run.clock_hz, "Hz"),
                               grouped(r.rows), grouped(r.records)));
  text.row("executed", fmt::format("{:.3f} TFLOPS: {} operations that the chip carried out, {} of its peak of {:.2f}", run.tflops_executed(),
                                   count_text(run.ops_executed()), percent(share(run.tflops_executed() * 1e12, run.peak_ops_per_second)),
                                   run.peak_ops_per_second / 1e12));
  text.row("dense-equivalent", fmt::format("{:.3f} TOPS: {} operations that the same work takes without pruning", run.tops_dense_equivalent(),
                                           count_text(run.ops_dense_equivalent())));
  if (r.fc_cycles > 0) {
    text.row("FC layers", fmt::format("{} of the time ({}) and {} of the executed operations; attention takes {}", percent(ratio(r.fc_cycles, r.cycles)),
                                      si(run.fc_seconds(), "s"), percent(ratio(r.fc_ops, run.ops_executed())), si(run.seconds() - run.fc_seconds(), "s")));
  }
  text.row("DRAM", fmt::format("{} at {:.1f} GB/s, {} of the {:.0f} GB/s of {}", bytes_text(run.dram_bytes()), run.bytes_per_second() / 1e9,
                               percent(run.bandwidth_ratio()), run.memory.peak_bytes_per_second / 1e9, run.memory_name));
  std::string streams;
  for (const auto& [name, bytes] : stream_bytes(r.bytes)) streams += fmt::format("{}{} {}", streams.empty() ? "" : ", ", name, bytes_text(bytes));
  if (!streams.empty()) text.row("  streams", streams);
  if (r.lsb_rows > 0) text.row("low bits", fmt::format("{} rows fetched them ({} of all)", grouped(r.lsb_rows), percent(ratio(r.lsb_rows, r.rows))));
  text.row("energy", fmt::format("{}: {}", si(run.energy.total.total(), "J"), kinds_text(run.energy.total, "J")));
  text.row("power", fmt::format("{}: {}", si(run.energy.watts().total(), "W"), kinds_text(run.energy.watts(), "W")));
  text.row("area", fmt::format("{:.2f} mm2", run.area.total_mm2));
}

void add_units(Text& text, const ChipRun& run) {
  const auto cycles = static_cast<double>(run.result.cycles);
  text.heading(fmt::format("{:<20}{:>8}{:>8}{:>9}  {}", "unit", "busy", "idle", "stalled", "mostly"));
  for (const sim::UnitResult& u : run.result.units) {
    const auto of_all = [&](sim::Cycles part) { return fmt::format("{:.1f} %", 100 * share(static_cast<double>(part), cycles)); };
    text.line(fmt::format("{:<20}{:>8}{:>8}{:>9}  {}", u.name, of_all(u.activity.busy()), of_all(u.activity.idle()), of_all(u.activity.stalled()),
                          main_stall(u.activity)));
  }
}

void add_blocks(Text& text, const ChipRun& run) {
  const double total = run.energy.total.total();
  text.heading(fmt::format("{:<20}{:>10}{:>10}{:>8}{:>10}", "block", "energy", "power", "share", "area"));
  for (std::size_t i = 0; i < run.energy.blocks.size(); ++i) {
    const double joules = run.energy.blocks[i].joules.total(), mm2 = run.area.blocks[i].mm2;
    text.line(fmt::format("{:<20}{:>10}{:>10}{:>8}{:>10}", run.energy.blocks[i].title, si(joules, "J"), si(share(joules, run.seconds()), "W"),
                          fmt::format("{:.1f} %", 100 * share(joules, total)), mm2 > 0 ? fmt::format("{:.2f} mm2", mm2) : "-"));
  }
}

}  // namespace

const char* why_words(sim::Why why) {
  switch (why) {
    case sim::Why::kBusy: return "busy";
    case sim::Why::kIdle: return "idle";
    case sim::Why::kNoInput: return "waits for data";
    case sim::Why::kNoRoom: return "the next unit is full";
    case sim::Why::kMemory: return "waits for DRAM";
    case sim::Why::kOrder: return "waits for its turn";
  }
  return "";
}

std::optional<sim::Why> longest_stall(const sim::Activity& activity) {
  constexpr std::array kReasons = {sim::Why::kMemory, sim::Why::kNoInput, sim::Why::kNoRoom, sim::Why::kOrder};
  const auto longest = std::max_element(kReasons.begin(), kReasons.end(), [&](sim::Why a, sim::Why b) { return activity.spent(a) < activity.spent(b); });
  return activity.spent(*longest) == 0 ? std::nullopt : std::optional(*longest);
}

std::string main_stall(const sim::Activity& activity) {
  const std::optional<sim::Why> why = longest_stall(activity);
  return why ? why_words(*why) : "";
}

std::vector<std::pair<std::string, std::uint64_t>> stream_bytes(const sim::StreamBytes& bytes) {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  const std::vector<std::pair<std::string, std::uint64_t>> all = {{"queries", bytes.query},      {"keys", bytes.key_msb},
                                                                  {"key low bits", bytes.key_lsb}, {"values", bytes.value},
                                                                  {"outputs", bytes.output},     {"weights", bytes.weights}};
  for (const auto& stream : all) {
    if (stream.second > 0) out.push_back(stream);
  }
  return out;
}

std::string chip_line(const ChipRun& run) {
  return fmt::format("{} ({} cycles), {} of DRAM, {}", si(run.seconds(), "s"), grouped(run.result.cycles), bytes_text(run.dram_bytes()),
                     si(run.energy.total.total(), "J"));
}

std::string chip_text(const ChipRun& run, const Terminal& terminal) {
  Text text(terminal);
  text.bold(fmt::format("{} on {}", one_line(run.workload), one_line(run.chip_name)));
  if (run.result.partial) text.line("  PARTIAL: the run was interrupted; everything below counts up to that point");
  add_figures(text, run);
  text.line();
  add_units(text, run);
  text.line();
  add_blocks(text, run);
  if (!run.result.assumptions.empty()) {
    text.line();
    text.heading("assumptions");
    for (const std::string& a : run.result.assumptions) text.item(a);
  }
  return text.take();
}

}  // namespace spatten::app

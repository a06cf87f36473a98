// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/spec.h"

#include <bit>
#include <optional>

#include "spatten/base/fields.h"

namespace spatten::sim {
namespace {

/// The rules of a chip's knobs, each told at the knob's place in the file, or where it would stand.
class Knobs {
 public:
  explicit Knobs(const JsonNode& chip) : chip_(chip) {}

  void range(const std::string& knob, double value, double low, double high) const {
    if (!(value >= low && value <= high)) fail(knob, fmt::format("expected {} to {}, found {}", low, high, value));
  }
  void power_of_two(const std::string& knob, std::uint32_t value) const {
    if (!std::has_single_bit(value)) fail(knob, fmt::format("expected a power of two, found {}", value));
  }
  [[noreturn]] void fail(const std::string& knob, const std::string& message) const {
    const std::size_t dot = knob.find('.');
    std::optional<JsonNode> place = chip_.find(knob.substr(0, dot));
    if (place && dot != std::string::npos) {
      if (const auto inner = place->find(knob.substr(dot + 1))) inner->fail(message);
    } else if (place) {
      place->fail(message);
    }
    (place ? *place : chip_).fail(knob + ": " + message);
  }

 private:
  const JsonNode& chip_;
};

/// SRAM lines of the longest row.
std::uint32_t row_lines(const ChipSpec& chip) { return (chip.rows.max_keys + chip.results_per_line() - 1) / chip.results_per_line(); }

std::string row_lines_text(const ChipSpec& chip) {
  return fmt::format("the longest row, rows.max_keys {} at {} a line", chip.rows.max_keys, chip.results_per_line());
}

void check_arrays(const Knobs& knobs, const ChipSpec& chip) {
  knobs.range("clock_hz", chip.clock_hz, 1e6, 1e11);
  knobs.range("channels", chip.channels, 1, kMaxChannels);
  knobs.power_of_two("channels", chip.channels);
  knobs.range("array.multipliers", chip.array.multipliers, 64, 1 << 16);
  knobs.power_of_two("array.multipliers", chip.array.multipliers);
  knobs.range("qk.max_head_dim", chip.qk.max_head_dim, 64, chip.array.multipliers);
  knobs.power_of_two("qk.max_head_dim", chip.qk.max_head_dim);
  if (const std::uint32_t bits = chip.fc.weight_bits; bits != 0 && bits != 8 && bits != 12) {
    knobs.fail("fc.weight_bits", fmt::format("expected 0, 8 or 12, found {}", bits));
  }
}

void check_rows(const Knobs& knobs, const ChipSpec& chip) {
  const Controller::Spec& c = chip.controller;
  knobs.range("rows.count_rounding", chip.rows.count_rounding, 1, 1024);
  knobs.range("rows.max_keys", chip.rows.max_keys, 1, 1 << 20);
  knobs.range("controller.rows_under_way", c.rows_under_way, 1, 1 << 16);
  knobs.range("controller.rows_reserved", c.rows_reserved, 0, c.rows_under_way - 1);
  knobs.range("controller.value_writes", c.value_writes, 1, 1024);
}

void check_fetcher(const Knobs& knobs, const ChipSpec& chip) {
  const QkvFetcher::Spec& f = chip.fetcher;
  knobs.range("fetcher.lanes", f.lanes, 1, 64);
  if (f.lanes % chip.results_per_line() != 0) {
    knobs.fail("fetcher.lanes", fmt::format("expected a multiple of the {} vectors of an SRAM line (array.multipliers / 64), found {}",
                                            chip.results_per_line(), f.lanes));
  }
  knobs.range("fetcher.address_fifo", f.address_fifo, 1, 4096);
  knobs.range("fetcher.outstanding", f.outstanding, 1, 4096);
  knobs.range("fetcher.data_fifo", f.data_fifo, 1, 4096);
  if (f.outstanding > f.data_fifo) {
    knobs.fail("fetcher.outstanding", fmt::format("expected at most the {} answers that fetcher.data_fifo holds, or lanes would block each other, found {}",
                                                  f.data_fifo, f.outstanding));
  }
}

void check_sram(const Knobs& knobs, const std::string& key, const Sram::Spec& sram, const ChipSpec& chip) {
  knobs.range(key + ".lines", sram.lines, 2, 1 << 20);
  knobs.range(key + ".allocations", sram.allocations, 1, 4096);
  knobs.range(key + ".issue_latency", sram.issue_latency, 1, 1000);
  if (sram.read_latency != 5) {
    knobs.fail(key + ".read_latency", fmt::format("expected 5, as the pipeline of the array is built, found {}", sram.read_latency));
  }
  knobs.range(key + ".retry_cycles", sram.retry_cycles, 1, 1000);
  if (sram.lines < row_lines(chip)) {
    knobs.fail(key + ".lines", fmt::format("expected at least {} for {}, found {}", row_lines(chip), row_lines_text(chip), sram.lines));
  }
}

void check_row_units(const Knobs& knobs, const ChipSpec& chip) {
  knobs.range("softmax.latency_cycles", chip.softmax.latency_cycles, 0, 1 << 16);
  if (chip.softmax.latency_cycles > 0 && chip.softmax.fifo_lines < row_lines(chip)) {
    knobs.fail("softmax.fifo_lines", fmt::format("expected at least {} for {}, found {}", row_lines(chip), row_lines_text(chip), chip.softmax.fifo_lines));
  }
  knobs.range("requant.decided_rows", chip.requant.decided_rows, 1, 4096);
  knobs.range("topk.lanes", chip.topk.lanes, 1, 4096);
  knobs.range("topk.fifo_lines", chip.topk.fifo_lines, row_lines(chip), 1 << 20);
  knobs.range("topk.pass_overhead_cycles", chip.topk.pass_overhead_cycles, 0, 1000);
}

}  // namespace

void ChipSpec::validate(const JsonNode& node) const {
  const Knobs knobs(node);
  check_arrays(knobs, *this);
  check_rows(knobs, *this);
  check_fetcher(knobs, *this);
  check_sram(knobs, "key_sram", key_sram, *this);
  check_sram(knobs, "value_sram", value_sram, *this);
  check_row_units(knobs, *this);
}

ChipSpec load_chip(const std::string& path, const std::vector<std::string>& overrides) {
  const JsonFile file = JsonFile::load(path, {.bytes = 1 << 20});
  return read_overridden(file, overrides, [](const JsonNode& root) {
    ChipSpec chip;
    read_fields(root, chip);
    return chip;
  });
}

}  // namespace spatten::sim

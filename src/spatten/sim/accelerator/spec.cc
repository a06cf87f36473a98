// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/spec.h"

#include <bit>

#include "spatten/base/fields.h"

namespace spatten::sim {
namespace {

void expect_range(const JsonNode& node, std::vector<std::string> path, double value, double low, double high) {
  if (value >= low && value <= high) return;
  std::string knob;
  for (const std::string& key : path) knob += (knob.empty() ? "" : ".") + key;
  node.fail(fmt::format("{} is {}, expected {} to {}", knob, value, low, high));
}

void expect_power_of_two(const JsonNode& node, const char* knob, std::uint32_t value) {
  if (!std::has_single_bit(value)) node.fail(fmt::format("{} is {}, expected a power of two", knob, value));
}

}  // namespace

void ChipSpec::validate(const JsonNode& node) const {
  expect_range(node, {"clock_hz"}, clock_hz, 1e6, 1e11);
  expect_range(node, {"channels"}, channels, 1, kMaxChannels);
  expect_power_of_two(node, "channels", channels);
  expect_range(node, {"array", "multipliers"}, array.multipliers, 64, 1 << 16);
  expect_power_of_two(node, "array.multipliers", array.multipliers);
  expect_range(node, {"rows", "count_rounding"}, rows.count_rounding, 1, 1024);
  expect_range(node, {"rows", "max_keys"}, rows.max_keys, 1, 1 << 20);
  expect_range(node, {"controller", "rows_under_way"}, controller.rows_under_way, 1, 1 << 16);
  expect_range(node, {"controller", "rows_reserved"}, controller.rows_reserved, 0, controller.rows_under_way - 1);
  expect_range(node, {"controller", "value_writes"}, controller.value_writes, 1, 1024);
  expect_range(node, {"fetcher", "lanes"}, fetcher.lanes, 1, 64);
  if (fetcher.lanes % std::max(1u, results_per_line()) != 0) {
    node.fail(fmt::format("fetcher.lanes is {}, expected a multiple of the {} vectors of an SRAM line (array.multipliers / 64)",
                          fetcher.lanes, results_per_line()));
  }
  expect_range(node, {"fetcher", "address_fifo"}, fetcher.address_fifo, 1, 4096);
  expect_range(node, {"fetcher", "outstanding"}, fetcher.outstanding, 1, 4096);
  expect_range(node, {"fetcher", "data_fifo"}, fetcher.data_fifo, 1, 4096);
  if (fetcher.outstanding > fetcher.data_fifo) {
    node.fail(fmt::format("fetcher.outstanding is {}, more than the {} answers that fetcher.data_fifo holds: lanes would block each other",
                          fetcher.outstanding, fetcher.data_fifo));
  }
  for (const auto& [key, sram] : {std::pair{"key_sram", &key_sram}, std::pair{"value_sram", &value_sram}}) {
    expect_range(node, {key, "lines"}, sram->lines, 2, 1 << 20);
    expect_range(node, {key, "allocations"}, sram->allocations, 1, 4096);
    expect_range(node, {key, "issue_latency"}, sram->issue_latency, 1, 1000);
    if (sram->read_latency != 5) node.fail(fmt::format("{}.read_latency is {}, expected 5: the pipeline of the array is built so", key, sram->read_latency));
    expect_range(node, {key, "retry_cycles"}, sram->retry_cycles, 1, 1000);
    const std::uint64_t row_lines = (rows.max_keys + results_per_line() - 1) / results_per_line();
    if (sram->lines < row_lines) {
      node.fail(fmt::format("{}.lines is {}, too small for one row: rows.max_keys {} needs {} lines of {} vectors", key, sram->lines,
                            rows.max_keys, row_lines, results_per_line()));
    }
  }
  expect_range(node, {"qk", "max_head_dim"}, qk.max_head_dim, 64, array.multipliers);
  expect_power_of_two(node, "qk.max_head_dim", qk.max_head_dim);
  expect_range(node, {"softmax", "latency_cycles"}, softmax.latency_cycles, 0, 1 << 16);
  if (softmax.latency_cycles > 0) {
    const std::uint64_t row_lines = (rows.max_keys + results_per_line() - 1) / results_per_line();
    if (softmax.fifo_lines < row_lines) {
      node.fail(fmt::format("softmax.fifo_lines is {}, too small for one row of rows.max_keys {}: {} lines", softmax.fifo_lines,
                            rows.max_keys, row_lines));
    }
  }
  expect_range(node, {"requant", "decided_rows"}, requant.decided_rows, 1, 4096);
  expect_range(node, {"topk", "lanes"}, topk.lanes, 1, 4096);
  expect_range(node, {"topk", "fifo_lines"}, topk.fifo_lines,
               (rows.max_keys + results_per_line() - 1) / results_per_line(), 1 << 20);
  expect_range(node, {"topk", "pass_overhead_cycles"}, topk.pass_overhead_cycles, 0, 1000);
  if (fc.weight_bits != 0 && fc.weight_bits != 8 && fc.weight_bits != 12) {
    node.fail(fmt::format("fc.weight_bits is {}, expected 0, 8 or 12", fc.weight_bits));
  }
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

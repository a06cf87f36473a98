// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/chip_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "spatten/app/chart.h"
#include "spatten/app/chip_page_style.h"
#include "spatten/app/chip_text.h"
#include "spatten/app/page_style.h"
#include "spatten/app/pruning_page.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/quantities.h"
#include "spatten/base/json_tree.h"
#include "spatten/study/chip_json.h"

namespace spatten::app {
namespace {

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string section(const std::string& title, const std::string& lead, const std::string& body) {
  return fmt::format("<article><h2>{}</h2>\n<p class=\"soft\">{}</p>\n{}</article>\n", title, lead, body);
}

std::string figure(const char* name, const std::string& value, const std::string& small) {
  return fmt::format("<div>{}<b>{}</b><span>{}</span></div>\n", name, escape_html(value), escape_html(small));
}

std::string figures(const ChipRun& run) {
  const sim::Result& r = run.result;
  std::string out = "<div class=\"totals\">\n";
  out += figure("time", si(run.seconds(), "s"), fmt::format("{} cycles at {}, {} rows", grouped(r.cycles), si(run.clock_hz, "Hz"), grouped(r.rows)));
  out += figure("executed", fmt::format("{:.3f} TFLOPS", run.tflops_executed()),
                fmt::format("{} operations, {} of the peak", count_text(run.ops_executed()), percent(share(run.tflops_executed() * 1e12, run.peak_ops_per_second))));
  out += figure("dense-equivalent", fmt::format("{:.3f} TOPS", run.tops_dense_equivalent()),
                fmt::format("{} operations without pruning", count_text(run.ops_dense_equivalent())));
  if (r.fc_cycles > 0) {
    out += figure("FC layers", si(run.fc_seconds(), "s"), fmt::format("{} of the time, {} of the executed operations", percent(ratio(r.fc_cycles, r.cycles)),
                                                                       percent(ratio(r.fc_ops, run.ops_executed()))));
  }
  out += figure("DRAM", bytes_text(run.dram_bytes()), fmt::format("{:.1f} GB/s, {} of the peak", run.bytes_per_second() / 1e9, percent(run.bandwidth_ratio())));
  out += figure("energy", si(run.energy.total.total(), "J"), fmt::format("{} on average", si(run.energy.watts().total(), "W")));
  out += figure("area", fmt::format("{:.2f} mm\u00b2", run.area.total_mm2), "without the memory");
  return out + "</div>\n";
}

constexpr std::array kStates = {sim::Why::kBusy, sim::Why::kMemory, sim::Why::kNoInput, sim::Why::kNoRoom, sim::Why::kOrder, sim::Why::kIdle};
constexpr std::array kStalls = {sim::Why::kMemory, sim::Why::kNoInput, sim::Why::kNoRoom, sim::Why::kOrder};

std::vector<std::pair<std::string, std::string>> states_key(std::span<const sim::Why> states) {
  std::vector<std::pair<std::string, std::string>> key;
  for (const sim::Why why : states) key.emplace_back(std::string(sim::why_name(why)), why_words(why));
  return key;
}

std::string cycles_section(const ChipRun& run) {
  const auto cycles = static_cast<double>(run.result.cycles);
  std::vector<BarRow> rows;
  for (const sim::UnitResult& u : run.result.units) {
    BarRow row{u.name, fmt::format("{:.1f} % busy", 100 * share(static_cast<double>(u.activity.busy()), cycles)), {}};
    for (const sim::Why why : kStates) {
      const sim::Cycles spent = u.activity.spent(why);
      row.parts.push_back({std::string(sim::why_name(why)), fmt::format("{}: {} cycles", why_words(why), grouped(spent)), static_cast<double>(spent)});
    }
    rows.push_back(std::move(row));
  }
  return section("Where the cycles go", "Each bar is the whole run, seen by one unit, in the order of the data path.",
                 bar_chart(rows, cycles) + colour_key(states_key(kStates)));
}

/// What one unit did in one layer.
HeatCell stall_cell(const LayerShare& layer, const sim::Activity& a) {
  const auto whole = static_cast<double>(a.total());
  std::string words = fmt::format("layer {}: stalled {} of {} cycles", layer.layer, grouped(a.stalled()), grouped(a.total()));
  for (const sim::Why why : kStates) {
    if (a.spent(why) > 0) words += fmt::format(", {} {:.1f} %", why_words(why), 100 * share(static_cast<double>(a.spent(why)), whole));
  }
  const std::string colour(sim::why_name(longest_stall(a).value_or(sim::Why::kIdle)));
  return {colour, words, share(static_cast<double>(a.stalled()), whole)};
}

std::string stalls_section(const ChipRun& run) {
  constexpr std::size_t kMostLayers = 256;
  const char* title = "Stalls per layer";
  std::vector<LayerShare> layers = layer_shares(run.result);
  if (layers.empty()) return "";
  if (layers.front().units.empty()) return section(title, "Layers overlap on this chip (barrier is not \"layer\"): a cycle belongs to no single one, and there is no such account.", "");
  std::string lead = "Per cent of a layer's cycles in which a unit had work and could not go on, summed over the passes; the colour is the main reason, the pointer tells all.";
  if (layers.size() > kMostLayers) {
    layers.resize(kMostLayers);
    lead += fmt::format(" The first {} layers.", kMostLayers);
  }
  std::vector<std::string> columns;
  for (const LayerShare& l : layers) columns.push_back(std::to_string(l.layer));
  std::vector<HeatRow> rows;
  for (std::size_t i = 0; i < run.result.units.size(); ++i) {
    HeatRow row{run.result.units[i].name, main_stall(run.result.units[i].activity), {}};
    for (const LayerShare& l : layers) row.cells.push_back(stall_cell(l, l.units[i]));
    rows.push_back(std::move(row));
  }
  return section(title, lead, heat_map("unit \\ layer", columns, rows) + colour_key(states_key(kStalls)));
}

std::string joules_section(const ChipRun& run) {
  std::vector<BarRow> rows;
  std::string table;
  for (const cost::BlockEnergy& b : run.energy.blocks) {
    const cost::Joules& j = b.joules;
    const auto words = [](const char* kind, double joules) { return fmt::format("{}: {}", kind, si(joules, "J")); };
    rows.push_back({b.title, fmt::format("{}, {:.1f} %", si(share(j.total(), run.seconds()), "W"), 100 * share(j.total(), run.energy.total.total())),
                    {{"logic", words("logic", j.logic), j.logic}, {"sram", words("SRAM", j.sram), j.sram}, {"dram", words("DRAM", j.dram), j.dram}}});
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape_html(b.title), si(j.logic, "J"), si(j.sram, "J"),
                         si(j.dram, "J"), si(j.total(), "J"));
  }
  const cost::Joules& t = run.energy.total;
  table = fmt::format(
      "<div class=\"wide\"><table><thead><tr><th>block</th><th>logic</th><th>SRAM</th><th>DRAM</th><th>all</th></tr></thead><tbody>\n{}</tbody>"
      "<tfoot><tr><td>chip and memory</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr></tfoot></table></div>\n",
      table, si(t.logic, "J"), si(t.sram, "J"), si(t.dram, "J"), si(t.total(), "J"));
  return section("Where the joules go", "Events times the technology's table, and standing power times time.",
                 bar_chart(rows) + colour_key({{"logic", "logic"}, {"sram", "SRAM"}, {"dram", "DRAM"}}) + table);
}

std::string area_section(const ChipRun& run) {
  std::vector<BarRow> rows;
  for (std::size_t b = 0; b < run.area.blocks.size(); ++b) {
    if (run.area.blocks[b].mm2 <= 0) continue;
    BarRow row{run.area.blocks[b].title, fmt::format("{:.2f} mm\u00b2, {:.1f} %", run.area.blocks[b].mm2, 100 * share(run.area.blocks[b].mm2, run.area.total_mm2)), {}};
    const char* colours[] = {"logic", "sram", "no_room", "dram", "order"};
    std::size_t part = 0;
    for (const cost::AreaItem& i : run.area.items) {
      if (i.block == b) row.parts.push_back({colours[part++ % std::size(colours)], fmt::format("{}: {:.3f} mm\u00b2", i.part, i.mm2), i.mm2});
    }
    rows.push_back(std::move(row));
  }
  return section(fmt::format("Where the {:.2f} mm\u00b2 go", run.area.total_mm2), "Parts of a block have their names under the pointer.", bar_chart(rows));
}

std::string roofline_section(const ChipRun& run) {
  const Roofline r{.peak_ops_per_second = run.peak_ops_per_second,
                   .peak_bytes_per_second = run.memory.peak_bytes_per_second,
                   .operations_per_byte = run.operations_per_byte(),
                   .ops_per_second = run.tflops_executed() * 1e12};
  return section("Roofline", "What the multipliers and the memory allow, and what the run reached. Executed work only: pruned work counts nowhere here.",
                 roofline_svg(r));
}

std::vector<BarPart> stream_parts(const sim::StreamBytes& bytes) {
  std::vector<BarPart> parts = {{"no_room", "queries", static_cast<double>(bytes.query)},       {"busy", "keys", static_cast<double>(bytes.key_msb)},
                                {"no_input", "low bits of keys", static_cast<double>(bytes.key_lsb)}, {"logic", "values", static_cast<double>(bytes.value)},
                                {"memory", "outputs", static_cast<double>(bytes.output)},       {"dram", "weights", static_cast<double>(bytes.weights)}};
  for (BarPart& p : parts) p.words += ": " + bytes_text(static_cast<std::uint64_t>(p.value));
  return parts;
}

std::string time_section(const ChipRun& run) {
  const auto cycles = static_cast<double>(run.result.cycles);
  const bool with_bytes = knows_layer_bytes(run.result);
  std::vector<BarRow> rows;
  const auto add = [&](const std::string& name, sim::Cycles taken, std::uint64_t bytes, const std::string& words) {
    const auto spent = static_cast<double>(taken);
    const double seconds = spent / run.clock_hz, rate = share(static_cast<double>(bytes), seconds);
    const double moving = std::min(1.0, rate / run.memory.peak_bytes_per_second) * spent;
    BarRow row{name, fmt::format("{}, {:.1f} %", si(seconds, "s"), 100 * share(spent, cycles)), {}};
    if (with_bytes) row.parts.push_back({"dram", fmt::format("{:.1f} GB/s of DRAM", rate / 1e9), moving});
    row.parts.push_back({"order", words, with_bytes ? spent - moving : spent});
    rows.push_back(std::move(row));
  };
  for (const LayerShare& l : layer_shares(run.result)) {
    add(fmt::format("layer {}", l.layer), l.cycles, l.bytes.total(), fmt::format("{} cycles, {} rows", grouped(l.cycles), grouped(l.rows)));
  }
  if (rows.empty()) return "";
  if (run.result.fc_cycles > 0) add("FC layers", run.result.fc_cycles, run.result.bytes.weights, fmt::format("{} cycles", grouped(run.result.fc_cycles)));
  std::string lead = "From the last response of the layer before to its own, summed over the passes.", key;
  if (with_bytes) {
    lead += " Orange: the share of that time that its bytes take at the memory's peak.";
    key = colour_key({{"dram", "moving bytes at the peak"}, {"order", "everything else"}});
  }
  return section("Time per layer", lead, bar_chart(rows) + key);
}

std::string traffic_section(const ChipRun& run) {
  std::vector<BarRow> rows = {{"whole run", bytes_text(run.dram_bytes()), stream_parts(run.result.bytes)}};
  std::string out = bar_chart(rows);
  if (knows_layer_bytes(run.result)) {
    rows.clear();
    for (const LayerShare& l : layer_shares(run.result)) rows.push_back({fmt::format("layer {}", l.layer), bytes_text(l.bytes.total()), stream_parts(l.bytes)});
    out += "<p></p>" + bar_chart(rows);
  }
  return section("DRAM traffic", "What crossed the memory interface, whole accesses.",
                 out + colour_key({{"no_room", "queries"}, {"busy", "keys"}, {"no_input", "low bits of keys"}, {"logic", "values"}, {"memory", "outputs"}, {"dram", "weights"}}));
}

std::string assumptions_section(const ChipRun& run) {
  std::string list;
  for (const std::string& a : run.result.assumptions) list += fmt::format("<li>{}</li>\n", escape_html(a));
  list += fmt::format("<li>Energy and area: {}</li>\n", escape_html(run.technology_calibration));
  return section("Assumptions", "What stood in for values that the input lacks, and how energy and area were calibrated.", "<ul>\n" + list + "</ul>\n");
}

std::string details(const char* title, const Json& value) {
  return fmt::format("<details><summary>{}</summary><pre>{}</pre></details>\n", title, escape_html(dump_json(value, 2)));
}

std::string configuration_section(const ChipRun& run, const std::string& command) {
  Json counters = Json::object();
  for (const sim::UnitResult& u : run.result.units) {
    for (const auto& [name, count] : u.counters) counters[u.name][name] = count;
  }
  return section("The whole configuration", fmt::format("<code>{}</code>", escape_html(command)),
                 details("chip", run.chip) + details("memory", memory_json(run.memory)) + details("counters of all units", counters));
}

}  // namespace

std::string chip_page(const ChipRun& run, const std::string& command) {
  const std::string title = escape_html(one_line(run.workload));
  const std::string partial = run.result.partial ? "<article class=\"partial\">Partial: the run was interrupted. Everything below counts up to that point.</article>\n" : "";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>SpAtten: {0}</title>\n<style>{1}{2}</style></head>\n"
      "<body><main><h1>{0}</h1>\n<p class=\"soft\">on {3}, memory {4}, technology {5}</p>\n{6}{7}{8}{9}{10}{11}{12}{13}{14}</main></body></html>\n",
      title, kBaseStyle, kChipStyle, escape_html(run.chip_name), escape_html(run.memory_name), escape_html(run.technology_name), partial, figures(run),
      cycles_section(run), joules_section(run), roofline_section(run), time_section(run) + stalls_section(run) + traffic_section(run), area_section(run), assumptions_section(run),
      configuration_section(run, command));
}

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/chip_json.h"

#include "spatten/base/fields.h"

namespace spatten {
namespace {

Json joules_json(const cost::Joules& j) { return {{"logic", j.logic}, {"sram", j.sram}, {"dram", j.dram}, {"total", j.total()}}; }

Json stalls_json(const sim::Activity& a) {
  Json out = Json::object();
  for (const sim::Why why : {sim::Why::kNoInput, sim::Why::kNoRoom, sim::Why::kMemory, sim::Why::kOrder}) {
    out[std::string(sim::why_name(why))] = a.spent(why);
  }
  return out;
}

Json activity_json(const sim::Activity& a) {
  return {{"busy_cycles", a.busy()}, {"idle_cycles", a.idle()}, {"stalled_cycles", a.stalled()}, {"stall_reasons", stalls_json(a)}};
}

Json units_json(const sim::Result& result) {
  Json out = Json::object();
  for (const sim::UnitResult& u : result.units) {
    Json unit = activity_json(u.activity);
    for (const auto& [name, count] : u.counters) unit[unit.contains(name) ? "counted_" + name : name] = count;
    out[u.name] = std::move(unit);
  }
  return out;
}

/// What each unit did in one layer.
Json layer_units_json(const sim::Result& result, const LayerShare& layer) {
  Json out = Json::object();
  for (std::size_t i = 0; i < layer.units.size(); ++i) out[result.units[i].name] = activity_json(layer.units[i]);
  return out;
}

Json layers_json(const sim::Result& result) {
  const bool with_bytes = knows_layer_bytes(result);
  Json out = Json::array();
  for (const LayerShare& l : layer_shares(result)) {
    out.push_back({{"layer", l.layer}, {"cycles", l.cycles}, {"rows", l.rows}});
    if (with_bytes) out.back()["bytes"] = write_field(l.bytes);
    if (!l.units.empty()) out.back()["units"] = layer_units_json(result, l);
  }
  return out;
}

/// The part of it that the statistics have beside their steps; empty where layers overlap.
Json layer_activity_json(const sim::Result& result) {
  Json out = Json::array();
  for (const LayerShare& l : layer_shares(result)) {
    if (!l.units.empty()) out.push_back({{"layer", l.layer}, {"units", layer_units_json(result, l)}});
  }
  return out;
}

/// The part of the figures above that FC layers have.
Json fc_json(const ChipRun& run) {
  const sim::Result& r = run.result;
  return {{"cycles", r.fc_cycles},
          {"seconds", run.fc_seconds()},
          {"ops_executed", r.fc_ops},
          {"ops_dense_equivalent", r.fc_ops_dense_equivalent},
          {"weight_bytes", r.bytes.weights}};
}

Json blocks_json(const ChipRun& run) {
  Json out = Json::object();
  for (std::size_t i = 0; i < run.energy.blocks.size(); ++i) {
    out[run.energy.blocks[i].name] = {{"energy_joules", joules_json(run.energy.blocks[i].joules)}, {"area_mm2", run.area.blocks[i].mm2}};
  }
  return out;
}

}  // namespace

Json chip_summary_json(const ChipRun& run) {
  const sim::Result& r = run.result;
  return {{"cycles", r.cycles},
          {"seconds", run.seconds()},
          {"clock_hz", run.clock_hz},
          {"rows", r.rows},
          {"ops_executed", run.ops_executed()},
          {"ops_dense_equivalent", run.ops_dense_equivalent()},
          {"tflops_executed", run.tflops_executed()},
          {"tops_dense_equivalent", run.tops_dense_equivalent()},
          {"dram_bytes", run.dram_bytes()},
          {"dram_bandwidth_gb_s", run.bytes_per_second() / 1e9},
          {"bandwidth_ratio", run.bandwidth_ratio()},
          {"energy_joules", joules_json(run.energy.total)},
          {"power_watts", joules_json(run.energy.watts())},
          {"assumptions", r.assumptions}};
}

Json memory_json(const MemoryFigures& memory) {
  return {{"name", memory.name},
          {"channels", memory.channels},
          {"access_bytes", memory.access_bytes},
          {"clock_hz", memory.clock_hz},
          {"run_clock_hz", memory.run_clock_hz},
          {"peak_gb_s", memory.peak_bytes_per_second / 1e9},
          {"energy", write_field(memory.energy)}};
}

Json chip_json(const ChipRun& run) {
  const sim::Result& r = run.result;
  Json out = {{"id", run.workload}};
  out.update(chip_summary_json(run));
  out["area_mm2"] = run.area.total_mm2;
  out["units"] = units_json(r);
  out["partial"] = r.partial;
  out["records"] = r.records;
  out["lsb_rows"] = r.lsb_rows;
  out["bytes"] = write_field(r.bytes);
  out["layers"] = layers_json(r);
  out["fc"] = fc_json(run);
  out["blocks"] = blocks_json(run);
  out["chip"] = run.chip_name;
  out["memory"] = run.memory_name;
  out["technology"] = run.technology_name;
  return out;
}

Json chip_stats(const ChipRun& run) {
  const sim::Result& r = run.result;
  Json units = Json::object();
  for (const sim::UnitResult& u : r.units) {
    Json counters = Json::object();
    for (const auto& [name, count] : u.counters) counters[name] = count;
    units[u.name] = {{"activity", activity_json(u.activity)}, {"counters", std::move(counters)}};
  }
  Json energy = Json::array();
  for (const cost::EnergyItem& i : run.energy.items) {
    energy.push_back({{"what", i.what}, {"block", run.energy.blocks[i.block].name}, {"kind", enum_name(i.kind)}, {"joules", i.joules}});
  }
  Json area = Json::array();
  for (const cost::AreaItem& i : run.area.items) {
    area.push_back({{"part", i.part}, {"block", run.area.blocks[i.block].name}, {"mm2", i.mm2}});
  }
  const bool with_bytes = knows_layer_bytes(r);
  Json steps = Json::array();
  for (const sim::LayerResult& l : r.layers) {
    steps.push_back({{"step", l.step}, {"layer", l.layer}, {"first_accept", l.first_accept}, {"last_response", l.last_response}, {"rows", l.rows}});
    if (with_bytes) steps.back()["bytes"] = write_field(l.bytes);
  }
  return {{"version", kStatsVersion},
          {"workload", run.workload},
          {"partial", r.partial},
          {"cycles", r.cycles},
          {"rows", r.rows},
          {"records", r.records},
          {"lsb_rows", r.lsb_rows},
          {"ops_executed", run.ops_executed()},
          {"ops_dense_equivalent", run.ops_dense_equivalent()},
          {"fc", fc_json(run)},
          {"bytes", write_field(r.bytes)},
          {"units", std::move(units)},
          {"layers", std::move(steps)},
          {"layer_activity", layer_activity_json(r)},
          {"energy", std::move(energy)},
          {"area", std::move(area)},
          {"assumptions", r.assumptions},
          {"chip", run.chip},
          {"memory", memory_json(run.memory)},
          {"technology", run.technology_name}};
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A technology table (configs/tech, docs/formats/tech.md): what one event costs in energy, what a part leaks and how much
// silicon it takes, each number with its source, for a chip of a reference size. Data only; energy.h and area.h use it.
// Energy is counts times this table: what a run counts is in sim::Result, what DRAM events cost is in the memory's file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spatten/base/fields.h"

namespace spatten::cost {

/// The columns of the paper's Table II. DRAM energy comes from the memory's file, so no action of a table is kDram.
enum class Kind : std::uint8_t { kLogic, kSram, kDram };

inline std::vector<std::pair<Kind, std::string>> enum_names(Kind) {
  return {{Kind::kLogic, "logic"}, {Kind::kSram, "sram"}, {Kind::kDram, "dram"}};
}

/// A number grows with a field of the chip: times (field / reference) ^ power.
struct Scale {
  std::string key;
  double reference = 1;
  std::uint32_t power = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("key", s.key, "", "dotted key of the chip's file");
    f("reference", s.reference, "", "value of that key for which the number holds");
    f("power", s.power, "", "1: in proportion; 2: with the square (wires over the width of an array); up to 4");
  }
  void validate(const JsonNode& node) const;
};

/// A bar of the paper's Fig. 13, and the one factor that carries our estimate from parts to the measured block.
struct Block {
  std::string name, title;
  double energy_factor = 1, area_factor = 1;
  std::string source;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "as actions, leaks and areas refer to it");
    f("title", s.title, "", "as reports show it");
    f("energy_factor", s.energy_factor, "", "calibration: factor on every energy and leak of the block");
    f("area_factor", s.area_factor, "", "calibration: factor on every area of the block");
    f("source", s.source, "", "what it was calibrated on");
  }
  void validate(const JsonNode& node) const;
};

/// One event of one counter. A counter may have several: an SRAM read costs the array and the wires.
struct Action {
  std::string counter, block;
  Kind kind = Kind::kLogic;
  double pj = 0;
  std::vector<Scale> scales;
  std::string source;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("counter", s.counter, "", "UNIT.COUNTER of a run, e.g. qk.multiplies");
    f("block", s.block, "", "name of a block");
    f("kind", s.kind, "", "logic or sram");
    f("pj", s.pj, "pJ", "energy of one event");
    f("scales", s.scales, "", "how it grows with the chip");
    f("source", s.source, "", "where the number comes from");
  }
  void validate(const JsonNode& node) const;
};

/// Power that a part takes all the time: leakage and clock.
struct Leak {
  std::string part, block;
  Kind kind = Kind::kLogic;
  double milliwatts = 0;
  std::vector<Scale> scales;
  std::string source;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("part", s.part, "", "what leaks");
    f("block", s.block, "", "name of a block");
    f("kind", s.kind, "", "logic or sram");
    f("milliwatts", s.milliwatts, "mW", "at all times");
    f("scales", s.scales, "", "how it grows with the chip");
    f("source", s.source, "", "where the number comes from");
  }
  void validate(const JsonNode& node) const;
};

struct Area {
  std::string part, block;
  double mm2 = 0;
  std::vector<Scale> scales;
  std::string source;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("part", s.part, "", "what takes the silicon");
    f("block", s.block, "", "name of a block");
    f("mm2", s.mm2, "mm2", "at the reference size");
    f("scales", s.scales, "", "how it grows with the chip");
    f("source", s.source, "", "where the number comes from");
  }
  void validate(const JsonNode& node) const;
};

/// Off-chip memory: the per-event energies of the memory's file times one factor.
struct DramCost {
  std::string block;
  double energy_factor = 1;
  std::string source;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("block", s.block, "", "name of the block that DRAM energy is booked on");
    f("energy_factor", s.energy_factor, "", "calibration: factor on the energy of the memory's file");
    f("source", s.source, "", "what it was calibrated on");
  }
  void validate(const JsonNode& node) const;
};

struct TechnologyData {
  std::string description, source, calibration;
  std::vector<Block> blocks;
  std::vector<Action> actions;
  std::vector<Leak> leaks;
  std::vector<Area> areas;
  DramCost dram;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("description", s.description, "", "one line about the technology");
    f("source", s.source, "", "where the numbers come from");
    f("calibration", s.calibration, "", "on what load and figures the factors were set, once");
    f("blocks", s.blocks, "", "the parts of the report, in its order");
    f("actions", s.actions, "", "energy per event");
    f("leaks", s.leaks, "", "standing power");
    f("areas", s.areas, "", "silicon per part");
    f("dram", s.dram, "", "energy of the memory");
  }
};

/// A checked table and the document that it came from, so that a number that turns out wrong for a chip or a run is named
/// by file, line and key.
class Technology {
 public:
  /// Throws Error "FILE:LINE:/key: ...": unknown keys, negative numbers, a block that is not listed, one listed twice.
  static Technology load(const std::string& path);
  static Technology parse(std::string text, std::string name);

  const TechnologyData& data() const { return data_; }
  const std::string& name() const;

  /// Index of a block that exists (checked when the table was read).
  std::size_t block(std::string_view name) const;

  /// Fails at one entry, e.g. ("actions", 3, "counter", message).
  [[noreturn]] void fail(std::string_view list, std::size_t index, std::string_view key, std::string_view message) const;

  /// The product of an entry's scales for a chip given as JSON (write_field of its spec). Throws Error at the scale's key
  /// when the chip has no such number.
  double scale(std::string_view list, std::size_t index, const std::vector<Scale>& scales, const Json& chip) const;

 private:
  explicit Technology(JsonFile file);
  void check_blocks() const;
  template <class T>
  void check_entries(const char* list, const std::vector<T>& entries) const;

  std::shared_ptr<const JsonFile> file_;
  TechnologyData data_;
};

}  // namespace spatten::cost

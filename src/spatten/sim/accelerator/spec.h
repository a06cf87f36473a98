// SPDX-License-Identifier: Apache-2.0
// A chip as data: configs/hw/*.json holds one, and every field is a knob (`--set topk.lanes=8`). The units' own fields are
// listed in their headers. What the published RTL does otherwise than the paper's machine is a field here, too.
#pragma once

#include <string>
#include <vector>

#include "spatten/base/json.h"
#include "spatten/sim/accelerator/controller.h"
#include "spatten/sim/units/crossbar.h"
#include "spatten/sim/units/qk_unit.h"
#include "spatten/sim/units/qkv_fetcher.h"
#include "spatten/sim/units/softmax_unit.h"
#include "spatten/sim/units/sram.h"
#include "spatten/sim/units/topk_engine.h"

namespace spatten::sim {

/// How rows are made of a trace's records.
struct RowSpec {
  /// Where K and V lie: `cache`, one region per layer and head, as a model keeps them; `request_windows`, three fresh
  /// 64-KiB windows per row, as the authors' test driver does.
  enum class Addresses : std::uint8_t { kCache, kRequestWindows };
  /// Which vectors are read: the trace's survivors (or a seeded choice of as many), or the pattern in the index memory of
  /// the published RTL.
  enum class Ids : std::uint8_t { kSurvivors, kIndexMemory };
  /// As stored (4, 6, 8, 10, 12 bits, or 32 for fp32), or what the published RTL can do: 4, 6 and 8, keys of other widths as
  /// 8 bits and a second pass for 4 more.
  enum class Widths : std::uint8_t { kStored, kPublishedRtl };
  /// Passes of the quick-select where the trace has no probabilities: random ranks, or java.util.Random's values.
  enum class Pivots : std::uint8_t { kRanks, kJavaValues };

  std::uint32_t count_rounding = 1, max_keys = 1024;
  Addresses addresses = Addresses::kCache;
  Ids ids = Ids::kSurvivors;
  Widths widths = Widths::kStored;
  Pivots pivots = Pivots::kRanks;
  bool select_tokens = true;
  bool random_data = false;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("count_rounding", s.count_rounding, "key", "counts of keys and values are rounded up to a multiple; authors' driver: 8 or 32");
    f("max_keys", s.max_keys, "key", "longest row; paper: 1024");
    f("addresses", s.addresses, "", "where K and V lie");
    f("ids", s.ids, "", "which vectors are read");
    f("widths", s.widths, "", "which storage widths there are");
    f("pivots", s.pivots, "", "passes of a quick-select without probabilities");
    f("select_tokens", s.select_tokens, "", "token and head top-k take time at the end of a layer; absent in the published RTL");
    f("random_data", s.random_data, "", "scores are random numbers, as in the authors' runs: a row whose largest is 2047 is not fetched again");
  }
};

inline std::vector<std::pair<RowSpec::Addresses, std::string>> enum_names(RowSpec::Addresses) {
  return {{RowSpec::Addresses::kCache, "cache"}, {RowSpec::Addresses::kRequestWindows, "request_windows"}};
}
inline std::vector<std::pair<RowSpec::Ids, std::string>> enum_names(RowSpec::Ids) {
  return {{RowSpec::Ids::kSurvivors, "survivors"}, {RowSpec::Ids::kIndexMemory, "index_memory"}};
}
inline std::vector<std::pair<RowSpec::Widths, std::string>> enum_names(RowSpec::Widths) {
  return {{RowSpec::Widths::kStored, "stored"}, {RowSpec::Widths::kPublishedRtl, "published_rtl"}};
}
inline std::vector<std::pair<RowSpec::Pivots, std::string>> enum_names(RowSpec::Pivots) {
  return {{RowSpec::Pivots::kRanks, "ranks"}, {RowSpec::Pivots::kJavaValues, "java_values"}};
}

struct ArraySpec {
  std::uint32_t multipliers = 512;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("multipliers", s.multipliers, "multiplier", "12-bit multipliers of each of the two arrays (Q x K, prob x V); paper: 512");
  }
};

/// Layers other than attention, streamed through the arrays as matrix-vector products (SpAtten-e2e, HPCA'21 V-B).
struct FcSpec {
  std::uint32_t weight_bits = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("weight_bits", s.weight_bits, "bit", "0: FC layers run elsewhere; 8 or 12: their weights are streamed from DRAM");
  }
};

inline constexpr std::uint32_t kMaxChannels = 64;  ///< of memory, since the crossbars have so many lanes

struct ChipSpec {
  /// What waits for what between steps: `step`, a generated token is not begun before the last one is done; `layer`, nor a
  /// layer; `none`, rows of a whole trace stream back to back, as in the authors' driver.
  enum class Barrier : std::uint8_t { kNone, kStep, kLayer };

  std::string name, source, memory;
  double clock_hz = 1e9;
  Barrier barrier = Barrier::kStep;
  std::uint32_t channels = 16;
  ArraySpec array;
  RowSpec rows;
  Controller::Spec controller;
  QkvFetcher::Spec fetcher;
  CrossbarSpec crossbar;
  Sram::Spec key_sram, value_sram;
  QkUnit::Spec qk;
  SoftmaxUnit::Spec softmax;
  RequantUnit::Spec requant;
  TopKEngine::Spec topk;
  bool importance = true;
  FcSpec fc;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "name of the chip");
    f("source", s.source, "", "where its numbers come from");
    f("memory", s.memory, "", "memory when none is named: a file of configs/memory or ideal:LATENCY");
    f("clock_hz", s.clock_hz, "Hz", "core clock; the memory runs at the same");
    f("barrier", s.barrier, "", "what waits for what between steps and layers");
    f("channels", s.channels, "channel", "DRAM channels; no more than the memory has");
    f("array", s.array, "", "multiplier arrays");
    f("rows", s.rows, "", "how rows are made of records");
    f("controller", s.controller, "", "controller");
    f("fetcher", s.fetcher, "", "Q/K/V fetcher");
    f("crossbar", s.crossbar, "", "crossbar between the lanes and the channels");
    f("key_sram", s.key_sram, "", "K SRAM");
    f("value_sram", s.value_sram, "", "V SRAM");
    f("qk", s.qk, "", "Q x K");
    f("softmax", s.softmax, "", "softmax pipeline");
    f("requant", s.requant, "", "progressive-quantization decision");
    f("topk", s.topk, "", "top-k engine for local value pruning");
    f("importance", s.importance, "", "token and head importance accumulators are there");
    f("fc", s.fc, "", "FC layers end to end");
  }
  /// Throws Error at the knob's place, naming rule and value.
  void validate(const JsonNode& node) const;

  /// Keys or values per line at head dimension 64.
  std::uint32_t results_per_line() const { return array.multipliers / 64; }
  /// Keys or values that are read where `count` are asked for (rows.count_rounding).
  std::uint64_t rounded(std::uint64_t count) const { return (count + rows.count_rounding - 1) / rows.count_rounding * rows.count_rounding; }
  /// Lines of the K or V SRAM that so many vectors of a head take; they are written in twos.
  std::uint64_t sram_lines(std::uint64_t vectors, std::uint32_t head_dim) const {
    const std::uint64_t per_line = line_elements(results_per_line(), head_dim);
    return ((vectors + per_line - 1) / per_line + 1) / 2 * 2;
  }
};

inline std::vector<std::pair<ChipSpec::Barrier, std::string>> enum_names(ChipSpec::Barrier) {
  return {{ChipSpec::Barrier::kNone, "none"}, {ChipSpec::Barrier::kStep, "step"}, {ChipSpec::Barrier::kLayer, "layer"}};
}

/// Reads a chip's file; `overrides` are "KEY=VALUE" with dotted keys. Throws Error that names file, line and key.
ChipSpec load_chip(const std::string& path, const std::vector<std::string>& overrides = {});

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Bitwidth converter (HPCA'21 IV-D, Fig. 8 #6): cuts the stream of accesses into vectors, whatever their width, widens
// each value to 12 bits, and hands one line to each of the two write ports of the K or V SRAM per cycle. Two heads of 6
// bits that lie interleaved in 96 bytes come out as one line of each.
#pragma once

#include <cstdint>
#include <deque>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/qkv_fetcher.h"
#include "spatten/sim/units/write_ports.h"

namespace spatten::sim {

class BitwidthConverter final : public Unit {
 public:
  struct Stats {
    std::uint64_t lane_sets = 0, lines = 0, values = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lane_sets", s.lane_sets, "set", "sets of accesses taken from the lanes");
      f("lines", s.lines, "line", "lines written to the SRAMs");
      f("values", s.values, "value", "values widened");
    }
  };
  struct Shape {
    std::uint32_t lanes = 32;
    std::uint32_t vectors_per_line = 8;  ///< at head dimension 64; fewer when it is larger
    std::uint32_t multipliers = 512;
    std::uint32_t widest_bits = 8;  ///< of a stored value: two lines of them fit into the realigning buffer, twice
    std::uint32_t access_bytes = 32;
  };

  InPort<LaneSet> in;             // from the fetcher
  OutPort<SramWrite> key, value;  // to the SRAMs
  OutPort<Row*> query;            // to Q x K: the query of this row is there
  OutPort<Row*> weights_done;     // to the controller: the weights of this row have passed the arrays

  explicit BitwidthConverter(const Shape& shape);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return held_ == 0 ? "" : std::to_string(held_) + " accesses"; }

 private:
  struct Segment {
    Row* row;
    Stream stream;
    std::uint32_t accesses;  // not yet converted
    std::uint32_t vector_accesses;
    bool complete;  // the matrix has no more accesses
  };
  bool convert(Cycles now);
  void take(std::uint32_t held_before, Cycles now);
  bool emit(Segment& segment, Cycles now);

  Shape shape_;
  std::uint32_t capacity_, held_ = 0;  // accesses
  std::deque<Segment> segments_;
  Stats stats_;
};

}  // namespace spatten::sim

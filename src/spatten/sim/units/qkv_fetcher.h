// SPDX-License-Identifier: Apache-2.0
// Q/K/V fetcher (HPCA'21 IV-A, Fig. 8 #3): turns lines of ids into DRAM accesses on `lanes` lanes and collects the
// answers. One line is `lanes` ids, i.e. as many sets of `lanes` accesses as a vector has accesses. Lanes take a set
// together and give it back together (a lane past the end holds a dummy), in between each runs ahead on its own.
// Requests for K and for V wait in front of it; one is served to its end before the other (round-robin).
#pragma once

#include <array>
#include <vector>

#include "spatten/sim/core/lane_port.h"
#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

/// `count` vectors of one matrix of a row, from vector `first` on.
struct FetchLine {
  Row* row = nullptr;
  Stream stream = Stream::kKey;
  std::uint32_t first = 0, count = 0;
  bool last = false;  ///< of the matrix
};

/// One access on its way to DRAM, of the set that was split as number `set`.
struct LaneAccess {
  std::uint64_t address = 0, set = 0;
};

/// What the lanes give back together.
struct LaneSet {
  Row* row = nullptr;
  Stream stream = Stream::kKey;
  std::uint32_t accesses = 0;  ///< not dummies
  bool last = false;           ///< of the matrix
};

class QkvFetcher final : public Unit {
 public:
  struct Spec {
    std::uint32_t lanes = 32;
    std::uint32_t address_fifo = 64, outstanding = 64, data_fifo = 64;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lanes", s.lanes, "lane", "lanes side by side; paper: 32");
      f("address_fifo", s.address_fifo, "entry", "addresses that wait in a lane; paper: 64, published RTL: 16");
      f("outstanding", s.outstanding, "entry", "accesses of a lane under way, dummies included; published RTL: 64");
      f("data_fifo", s.data_fifo, "entry", "answers that wait in a lane; paper and published RTL: 64");
    }
  };
  struct Stats {
    std::uint64_t line_requests = 0, accesses = 0, dummy_accesses = 0;
    std::array<std::uint64_t, 5> bytes{};  // by Stream

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("line_requests", s.line_requests, "line", "lines of ids taken");
      f("accesses", s.accesses, "access", "DRAM accesses sent");
      f("dummy_accesses", s.dummy_accesses, "access", "lanes past the end of a line");
      f("query_bytes", s.bytes[0], "B", "queries asked for");
      f("key_bytes", s.bytes[1], "B", "keys asked for, first part");
      f("key_lsb_bytes", s.bytes[2], "B", "low bits of keys asked for");
      f("value_bytes", s.bytes[3], "B", "values asked for");
      f("weight_bytes", s.bytes[4], "B", "weights asked for");
    }
  };

  InPort<FetchLine> key_lines, value_lines;  // from the controller
  LaneCountIn data;                          // from the data crossbar; numbers, where there are any, are with the row
  LaneOut<LaneAccess> accesses;              // to the address crossbar
  OutPort<LaneSet> sets;                     // to the bitwidth converter

  QkvFetcher(const Spec& spec, std::uint32_t access_bytes);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override;
  const Stats& stats() const { return stats_; }

 private:
  /// A set on its way: lanes that really access DRAM, those that have a dummy and that have sent it, since when it may
  /// enter the FIFOs and be sent from them, and when its last dummy can be given back.
  struct Set {
    LaneSet what;
    LaneMask enabled = 0, dummies = 0, dummies_sent = 0;
    Cycles at_fifos = 0, sendable = 0, dummies_back = 0;
  };

  bool split(Cycles now);
  bool enter(Cycles now);
  void open_sets(Cycles now);
  bool send(Cycles now);
  bool collect(Cycles now);
  InPort<FetchLine>* choose(Cycles now);
  Set& set(std::uint64_t number) { return sets_[number & mask_]; }
  std::uint64_t& address(std::uint64_t number, std::uint32_t lane) {
    return addresses_[(number & mask_) * spec_.lanes + lane];
  }
  void fill_set(std::uint64_t number, const FetchLine& line, Cycles now);

  Spec spec_;
  std::uint32_t access_bytes_;
  Stats stats_;
  std::uint64_t mask_;  // sets are numbered and lie in a ring
  std::vector<Set> sets_;
  std::vector<std::uint64_t> addresses_;  // of the sets, lane by lane
  // Sets that have been split, that have entered the address FIFOs, that have passed them, that may be sent, that were
  // given back.
  std::uint64_t made_ = 0, entered_ = 0, passed_ = 0, open_ = 0, collected_ = 0;
  std::vector<std::uint64_t> sent_;                       // per lane: sets sent
  std::uint64_t slowest_ = 0;                             // sets that every lane has sent, at least
  LaneMask all_lanes_;
  LaneMask backlog_ = 0, dummies_ = 0;   // lanes that have not sent all open sets; of these, with a dummy next
  std::uint32_t fragment_ = 0;           // set of the line at hand
  InPort<FetchLine>* locked_ = nullptr;  // the request being served
  bool value_turn_ = false;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// K and V SRAM (HPCA'21 IV-D, V-C): `lines` lines of as many 12-bit values as there are multipliers, two banks, one bit
// plane per bit, so that low key bits can be merged in place. Groups of rows get their lines as a ring. Reading runs
// ahead of writing: a line that is not there yet is asked for again, `retry_cycles` later.
#pragma once

#include <cstdint>
#include <deque>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"
#include "spatten/sim/units/write_ports.h"

namespace spatten::sim {

class Sram final : public Unit {
 public:
  struct Spec {
    std::uint32_t lines = 256;
    std::uint32_t allocations = 16;
    std::uint32_t issue_latency = 4, read_latency = 5, retry_cycles = 1, read_ahead = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lines", s.lines, "line", "lines of `multipliers` 12-bit values, both halves of the double buffer; paper: 256");
      f("allocations", s.allocations, "group", "groups of rows that may hold lines at once; published RTL: 16");
      f("issue_latency", s.issue_latency, "cycle", "from a row's read request to its first read; published RTL: 4");
      f("read_latency", s.read_latency, "cycle", "from a read to the line at the multipliers; published RTL: 5");
      f("retry_cycles", s.retry_cycles, "cycle", "until a line that was not there is read again; published RTL: 5");
      f("read_ahead", s.read_ahead, "line",
        "reads that may wait beside the request they belong to, before the next request is heard; 0: any number; "
        "published RTL: 16");
    }
  };
  struct Stats {
    std::uint64_t lines_written = 0, lsb_lines_written = 0, lines_read = 0, retries = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lines_written", s.lines_written, "line", "lines written, all bit planes");
      f("lsb_lines_written", s.lsb_lines_written, "line", "lines of which only the low bit planes were written");
      f("lines_read", s.lines_read, "line", "lines read into the multipliers");
      f("retries", s.retries, "read", "reads that found a line not yet written");
    }
  };
  enum class Role { kKey, kValue };

  InPort<SramWrite> write;  // from the bitwidth converter
  InPort<Row*> read;        // from the controller: rows in the order of their lines
  OutPort<Line> out;        // to the multipliers
  OutPort<Row*> written;    // to the controller, if it asks: the last line of a group is on its way into the banks

  Sram(Role role, const Spec& spec, std::uint32_t vectors_per_line);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  const Stats& stats() const { return stats_; }
  std::string holding() const override { return reads_.empty() ? "" : std::to_string(reads_.size()) + " rows to read"; }

 private:
  struct Read {
    Row* row;
    Cycles earliest;
    std::uint32_t index;
  };
  /// A line given to a bank, and from when on it can be read.
  struct Stored {
    WritePorts::Line line;
    Cycles from;
  };
  void take_writes(Cycles now);
  void take_request(Cycles now);
  void count(const WritePorts::Line& line);
  std::uint32_t lines_there(const Row& row) const;
  std::uint32_t elements(const Row& row) const { return role_ == Role::kKey ? row.keys : row.values; }
  std::uint32_t per_line(const Row& row) const { return line_elements(vectors_per_line_, row.head_dim); }

  Role role_;
  Spec spec_;
  std::uint32_t vectors_per_line_;
  WritePorts ports_;
  std::deque<Stored> stored_;
  std::deque<Read> reads_;
  // The request at the port: it leaves when its reads have been made, which wait in a short queue until they succeed.
  bool heard_ = false;
  Cycles leave_ = kNever;
  std::uint64_t reads_made_ = 0,
                reads_done_ = 0;  // of all requests; the last made are those of the request at the port
  Cycles next_issue_ = 0;
  bool waited_ = false;  // the next line has been asked for in vain
  Stats stats_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The chip's controller (HPCA'21 IV-A): takes rows in, gives each its lines in the K and V SRAM, asks the fetcher for its keys
// and, once they are selected, for its values, sends flat rows round again, and takes the outputs.
//
// The key side holds one row at a time. With `overlap_keys` it goes on to the next row as soon as the fetch lines of one
// are sent; without, when the last key line of the row was multiplied, because the published RTL hands a row to its four
// consumers through a fork without queues.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "spatten/sim/accelerator/row_source.h"
#include "spatten/sim/core/port.h"
#include "spatten/sim/units/qkv_fetcher.h"
#include "spatten/sim/units/requant_unit.h"

namespace spatten::sim {

class Controller final : public Unit {
 public:
  struct Spec {
    bool overlap_keys = true, fetch_queries = true, write_outputs = true;
    std::uint32_t rows_under_way = 64, rows_reserved = 16, value_writes = 4;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("overlap_keys", s.overlap_keys, "", "fetch the keys of the next row while one is multiplied; published RTL: false");
      f("fetch_queries", s.fetch_queries, "", "read queries from DRAM; published RTL: false");
      f("write_outputs", s.write_outputs, "", "write attention outputs to DRAM; published RTL: false");
      f("rows_under_way", s.rows_under_way, "row", "rows between their start and the decision on their low bits; published RTL: 16");
      f("rows_reserved", s.rows_reserved, "row", "of these, kept free for rows that are sent round again; published RTL: 8");
      f("value_writes", s.value_writes, "row", "rows whose values may be under way to the V SRAM; published RTL: 1");
    }
  };
  struct Shape {
    std::uint32_t lanes = 32, results_per_line = 8;
    std::uint32_t key_lines = 256, key_allocations = 16, value_lines = 256, value_allocations = 16;
    std::uint32_t reorder_lines = 4096;  ///< of the buffer in which rows wait for one that is sent round again
  };
  struct Stats {
    std::uint64_t rows = 0, replays = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "row", "rows finished");
      f("replays", s.replays, "row", "rows sent round again for their low bits");
    }
  };
  /// Times of the rows of one layer.
  struct LayerTimes {
    Cycles first_accept = kNever, last_response = 0;
    std::uint64_t rows = 0;
  };

  OutPort<FetchLine> key_lines, value_lines;  // to the fetcher
  OutPort<Row*> key_reads, value_reads;       // to the SRAMs
  InPort<Row*> key_done;                      // from Q x K
  InPort<Decision> decisions;                 // from the progressive-quantization decision
  InPort<Line> selected;                      // from the local top-k
  OutPort<Line> probabilities;                // to prob x V
  InPort<Row*> value_written;                 // from the V SRAM
  InPort<Row*> weights_done;                  // from the converter
  InPort<Row*> outputs;                       // from prob x V
  OutPort<Row*> selections;                   // to the token top-k
  InPort<Row*> selection_done;                // from the token top-k

  Controller(const Spec& spec, const Shape& shape, std::uint32_t output_latency, RowSource& rows);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  const Stats& stats() const { return stats_; }
  std::string holding() const override;

  bool finished() const { return source_empty_ && rows_inside_ == 0; }
  std::uint64_t rows_inside() const { return rows_inside_; }
  Cycles first_accept() const { return first_accept_; }
  Cycles last_response() const { return last_response_; }
  const std::vector<LayerTimes>& layers() const { return layers_; }
  /// Called for each row when its output is there, before it is released.
  void on_response(std::function<void(const Row&)> f) { on_response_ = std::move(f); }

 private:
  /// Lines of one SRAM, handed out as a ring: what was given first is freed first.
  struct Ring {
    struct Held {
      const Row* group;
      std::uint32_t lines;
      Cycles free_from;  // kNever while in use
    };
    std::uint32_t capacity = 0, allocations = 0, used = 0;
    std::deque<Held> held;
    bool fits(std::uint32_t lines, Cycles now);
    Cycles next_free() const { return held.empty() ? kNever : held.front().free_from; }
    void give(const Row* group, std::uint32_t lines);
    void free(const Row* group, Cycles from);
  };
  /// Which of its consumers have the line at the door of the V side.
  struct Handed {
    bool placed = false, read = false, queued = false, fetched = false, reserved = false;
  };

  bool take_answers(Cycles now);
  bool finish_rows(Cycles now);
  void respond(Row* row, Cycles now);
  bool accept(Cycles now);
  void choose_next(Cycles now);
  bool start(Cycles now);
  bool fetch(Cycles now);
  void fetch_values_along(Cycles now, bool& moved);
  bool hand_out(Cycles now);
  bool gather(const Line& line, Cycles now);
  bool send_gathered(Cycles now);
  bool may_start(const Row& row) const;
  /// Lines of scores of a row.
  std::uint32_t score_lines(const Row& row) const {
    const std::uint32_t per_line = line_elements(shape_.results_per_line, row.head_dim);
    return (row.keys + per_line - 1) / per_line;
  }

  Spec spec_;
  Shape shape_;
  RowSource& rows_;
  Stats stats_;
  Ring key_ring_, value_ring_;

  Row* refused_ = nullptr;          // taken from the source, not yet accepted
  Row* accepted_ = nullptr;         // waits for the key side
  Cycles accepted_ready_ = 0;
  std::deque<Row*> replays_;
  Row* next_ = nullptr;             // chosen for the key side
  std::uint32_t undecided_ = 0;
  std::uint32_t unselected_lines_ = 0;  // of scores, of rows between their start and the end of their selection
  std::uint32_t values_owed_ = 0;   // groups inside that will ask for value lines when their top-k is done

  Row* active_ = nullptr;           // on the key side
  bool read_sent_ = false, keys_multiplied_ = false;
  static constexpr std::uint32_t kNoKeys = ~std::uint32_t{0};
  std::uint32_t query_left_ = 0, next_key_ = kNoKeys;
  std::deque<Row*> values_along_;   // groups whose values are fetched beside their keys
  std::uint32_t next_value_ = 0;

  Handed handed_;
  FetchLine gathered_;              // values of the row whose selection comes in
  bool gathered_full_ = false;
  std::uint32_t values_under_way_ = 0;

  bool selection_pending_ = false;
  bool source_empty_ = false;
  std::uint32_t rows_inside_ = 0;
  Cycles first_accept_ = kNever, last_response_ = 0;
  std::vector<LayerTimes> layers_;
  std::function<void(const Row&)> on_response_;
};

}  // namespace spatten::sim

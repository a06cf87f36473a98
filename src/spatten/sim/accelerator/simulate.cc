// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/simulate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "spatten/base/error.h"
#include "spatten/base/running_count.h"
#include "spatten/base/thread_pool.h"
#include "spatten/sim/accelerator/accelerator.h"
#include "spatten/sim/accelerator/fc_stream.h"
#include "spatten/sim/accelerator/fitting_source.h"
#include "spatten/sim/accelerator/fixed_datapath.h"
#include "spatten/sim/accelerator/segments.h"
#include "spatten/sim/accelerator/trace_rows.h"
#include "spatten/trace/summary.h"

namespace spatten::sim {
namespace {

/// Records of one segment at a time, from memory.
class Segment final : public trace::Source {
 public:
  Segment(const trace::Header& header, std::vector<trace::Record> records) : header_(header), records_(std::move(records)) {}
  const trace::Header& header() const override { return header_; }
  bool next(trace::Record& out) override {
    if (at_ == records_.size()) return false;
    out = std::move(records_[at_++]);
    return true;
  }
  void refill(std::vector<trace::Record> records) {
    records_ = std::move(records);
    at_ = 0;
  }

 private:
  trace::Header header_;
  std::vector<trace::Record> records_;
  std::size_t at_ = 0;
};

/// A record as the chip runs it: each row of generation stands for `batch` queries on the same K and V, if above 0.
trace::Record batched(const trace::Record& record, std::uint32_t batch) {
  trace::Record out = record;
  if (batch == 0 || record.rows != 1) return out;
  out.rows = batch;
  out.lsb_rows *= batch;
  out.values_total *= batch;
  out.causal = false;
  return out;
}

/// Passes records on and counts what the chip does of them: operations, and for the FC stream.
class CountedSource final : public trace::Source {
 public:
  CountedSource(trace::Source& source, FcStream& fc, std::uint32_t batch)
      : source_(source), run_(source.header(), {}), counter_(run_), fc_(fc), batch_(batch) {}
  const trace::Header& header() const override { return source_.header(); }
  bool next(trace::Record& out) override {
    if (!source_.next(out)) return false;
    run_.refill({batched(out, batch_)});
    trace::Record counted;
    counter_.next(counted);
    fc_.count(header(), counted);
    return true;
  }
  trace::Summary summary(bool cut_off = false) const { return counter_.summary(cut_off); }

 private:
  trace::Source& source_;
  Segment run_;
  trace::CountingSource counter_;
  FcStream& fc_;
  std::uint32_t batch_;
};

struct SegmentResult {
  Result result;
  std::set<std::string> assumptions;
};

bool stopped(const SimulationOptions& options) { return options.stop && options.stop->load(std::memory_order_relaxed); }

/// What a timeline shows beside the units. A DRAM that lags (send() in memory.h) counts what it moved a few cycles late.
void add_tracks(Accelerator& machine, const Memory& memory) {
  const auto moved = [&memory] { return (memory.stats().reads + memory.stats().writes) * memory.access_bytes(); };
  machine.engine().track("DRAM, bytes per cycle", [moved, before = moved()](Cycles elapsed) mutable {
    const std::uint64_t since = moved() - std::exchange(before, moved());
    return static_cast<double>(since) / static_cast<double>(elapsed);
  });
  machine.engine().track("rows in the chip", [&machine](Cycles) { return static_cast<double>(machine.controller().rows_inside()); });
}

SegmentResult run_segment(trace::Source& source, const ChipSpec& chip, Memory& memory, const SimulationOptions& options,
                          Timeline* timeline, RunningCount& progress) {
  TraceRows rows(source, chip, memory.access_bytes(), options.batch, options.operands, memory.capacity_bytes());
  std::optional<FixedDatapath> datapath;
  if (options.operands) datapath.emplace(chip, *options.operands);
  Accelerator machine(chip, memory, rows, datapath ? &*datapath : nullptr);
  if (options.shuffle_units > 0) machine.engine().shuffle(options.shuffle_units);
  if (options.stay_awake) machine.engine().stay_awake();
  machine.engine().draw(timeline);
  if (timeline) add_tracks(machine, memory);
  SegmentResult out;
  Result& r = out.result;
  machine.controller().on_response([&](const Row& row) {
    if (options.row_times) {
      if (r.row_times.size() <= row.id) r.row_times.resize(row.id + 1);
      r.row_times[row.id] = {row.accept, row.response};
    }
  });
  r.cycles = machine.run([&] {
    if (options.progress) progress.inside(machine.controller().stats().rows);
    r.partial = stopped(options);
    return !r.partial;
  });
  if (datapath) datapath->hand_out_importance();
  r.units = machine.units();
  r.bytes = machine.bytes();
  r.records = rows.records();
  const auto& times = machine.controller().layers();
  for (std::size_t i = 0; i < times.size(); ++i) {
    r.layers.push_back({rows.layers()[i].step, rows.layers()[i].layer, times[i].first_accept, times[i].last_response, times[i].rows, {}});
    r.rows += times[i].rows;
  }
  if (r.layers.size() == 1) r.layers.front().bytes = r.bytes;
  if (!r.layers.empty()) r.layers.back().last_response = r.cycles;
  out.assumptions = rows.assumptions();
  return out;
}

// What the units did in a segment that is one layer.
void add_layer_activity(Result& total, const Result& part) {
  if (part.layers.size() != 1) return;
  std::vector<Activity>& units = total.layer_activity[part.layers.front().layer];
  units.resize(part.units.size());
  for (std::size_t i = 0; i < units.size(); ++i) units[i].add(part.units[i].activity);
}

// Appends a segment that began when the one before it ended.
void append(Result& total, const Result& part) {
  for (LayerResult layer : part.layers) {
    layer.first_accept += total.cycles;
    layer.last_response += total.cycles;
    total.layers.push_back(layer);
  }
  for (const RowTime& row : part.row_times) total.row_times.push_back({row.accept + total.cycles, row.response + total.cycles});
  if (total.units.empty()) {
    total.units = part.units;
  } else {
    for (std::size_t i = 0; i < part.units.size(); ++i) {
      total.units[i].activity.add(part.units[i].activity);
      for (std::size_t k = 0; k < part.units[i].counters.size(); ++k) total.units[i].counters[k].second += part.units[i].counters[k].second;
    }
  }
  add_layer_activity(total, part);
  total.cycles += part.cycles;
  total.rows += part.rows;
  total.records += part.records;
  total.bytes.add(part.bytes);
  total.partial = total.partial || part.partial;
}

/// Segments that were read together, and for each the one of them that is simulated for it, or a result found earlier.
struct Batch {
  std::vector<std::vector<trace::Record>> records;
  std::vector<std::size_t> like;  // index of the first one that is alike
  std::vector<std::shared_ptr<const Result>> known;

  /// Those that have to be simulated.
  std::vector<std::size_t> unknown() const {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (!known[i] && like[i] == i) indices.push_back(i);
    }
    return indices;
  }
};

/// Runs a trace segment by segment, some side by side. An interrupted run ends with the last segment before which all are done,
/// and counts records up to there: it has read more of them.
class SegmentRunner {
 public:
  SegmentRunner(trace::Source& source, FcStream& fc, const ChipSpec& chip,
                const std::function<std::unique_ptr<Memory>()>& make_memory, const SimulationOptions& options)
      : source_(source), done_(source.header(), {}), counted_(done_, fc, options.batch), chip_(chip), make_memory_(make_memory),
        options_(options), progress_(options.progress), cutter_(source, chip.barrier), pool_(std::max(1u, options.threads)),
        reuse_(options.reuse_segments && !options.operands && !options.row_times) {}

  /// Returns what was counted of the records.
  trace::Summary run(Result& total, std::set<std::string>& assumptions) {
    while (!stopped(options_)) {
      // What is drawn is simulated in its order, one segment after the other.
      if (options_.timeline) options_.timeline->set_origin(total.cycles);
      const bool drawn = options_.timeline && options_.timeline->open(0);
      Batch batch = drawn ? read(1, false) : read(std::size_t{16} * pool_.size(), reuse_);
      if (batch.records.empty()) return counted_.summary();
      if (!add(batch, simulate(batch, drawn ? options_.timeline : nullptr), total, assumptions)) break;
    }
    total.partial = true;
    return total.records > 0 ? counted_.summary(true) : trace::Summary{};
  }

 private:
  Batch read(std::size_t size, bool reuse) {
    Batch batch;
    while (batch.records.size() < size) {
      std::vector<trace::Record> records = cutter_.next();
      if (records.empty()) break;
      batch.known.push_back(reuse ? results_.find(records) : nullptr);
      std::size_t like = batch.records.size();
      for (std::size_t i = 0; reuse && !batch.known.back() && i < batch.records.size(); ++i) {
        if (segments_alike(batch.records[i], records)) {
          like = i;
          break;
        }
      }
      batch.like.push_back(like);
      batch.records.push_back(std::move(records));
    }
    return batch;
  }

  /// One for each that is unknown, unless it was interrupted before.
  std::vector<std::optional<SegmentResult>> simulate(const Batch& batch, Timeline* timeline) {
    const std::vector<std::size_t> unknown = batch.unknown();
    std::vector<std::optional<SegmentResult>> found(batch.records.size());
    for (const auto& known : batch.known) {
      if (known) progress_.done(known->rows);
    }
    pool_.parallel_for(unknown.size(), [&](std::size_t index, std::size_t) {
      if (stopped(options_)) return;
      const std::size_t i = unknown[index];
      Segment segment(source_.header(), batch.records[i]);
      const std::unique_ptr<Memory> memory = make_memory_();
      found[i] = run_segment(segment, chip_, *memory, options_, timeline, progress_);
      if (!found[i]->result.partial) progress_.done(found[i]->result.rows * std::count(batch.like.begin(), batch.like.end(), i));
    });
    return found;
  }

  /// Until one that was interrupted, which counts only if it is the first of all; false: there was one.
  bool add(Batch& batch, const std::vector<std::optional<SegmentResult>>& found, Result& total, std::set<std::string>& assumptions) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      std::vector<trace::Record>& records = batch.records[i];
      if (batch.known[i]) {
        append(total, *batch.known[i]);
      } else {
        const std::optional<SegmentResult>& segment = found[batch.like[i]];
        if (!segment || (segment->result.partial && total.records > 0)) return false;
        append(total, retold(segment->result, records));
        assumptions.insert(segment->assumptions.begin(), segment->assumptions.end());
        if (segment->result.partial) {
          records.resize(std::min<std::size_t>(segment->result.records, records.size()));
          count(std::move(records));
          return false;
        }
        if (reuse_ && batch.like[i] == i) results_.keep(records, std::make_shared<const Result>(segment->result));
      }
      count(std::move(records));
    }
    return true;
  }

  void count(std::vector<trace::Record> records) {
    done_.refill(std::move(records));
    trace::Record record;
    while (counted_.next(record)) {
    }
  }

  trace::Source& source_;
  Segment done_;  // records that were simulated
  CountedSource counted_;
  const ChipSpec& chip_;
  const std::function<std::unique_ptr<Memory>()>& make_memory_;
  const SimulationOptions& options_;
  RunningCount progress_;
  SegmentCutter cutter_;
  SegmentResults results_;
  ThreadPool pool_;
  bool reuse_;
};

}  // namespace

Result simulate(trace::Source& records, const ChipSpec& chip, const std::function<std::unique_ptr<Memory>()>& make_memory,
                const SimulationOptions& options) {
  FittingSource source(records, chip);
  Result total;
  std::set<std::string> assumptions;
  FcStream fc(chip, make_memory);
  trace::Summary summary;
  if (chip.barrier == ChipSpec::Barrier::kNone) {
    const std::unique_ptr<Memory> memory = make_memory();
    CountedSource counted(source, fc, options.batch);
    RunningCount progress(options.progress);
    SegmentResult one = run_segment(counted, chip, *memory, options, options.timeline, progress);
    if (!one.result.partial) progress.done(one.result.rows);
    append(total, one.result);
    assumptions = std::move(one.assumptions);
    summary = counted.summary(total.partial);
  } else {
    summary = SegmentRunner(source, fc, chip, make_memory, options).run(total, assumptions);
  }
  if (total.partial && total.units.empty()) throw Cancelled();
  fc.add_to(total);
  total.lsb_rows = summary.lsb_rows;
  total.ops_executed = summary.ops_executed + summary.ops_recomputed;
  total.ops_dense_equivalent = summary.ops_dense_equivalent;
  total.assumptions.assign(assumptions.begin(), assumptions.end());
  return total;
}

}  // namespace spatten::sim

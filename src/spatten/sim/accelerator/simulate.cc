// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/simulate.h"

#include <algorithm>
#include <optional>
#include <set>

#include "spatten/base/thread_pool.h"
#include "spatten/sim/accelerator/accelerator.h"
#include "spatten/sim/accelerator/fc_stream.h"
#include "spatten/sim/accelerator/fixed_datapath.h"
#include "spatten/sim/accelerator/trace_rows.h"
#include "spatten/trace/summary.h"

namespace spatten::sim {
namespace {

/// Records of one segment, from memory.
class Segment final : public trace::Source {
 public:
  Segment(const trace::Header& header, std::vector<trace::Record> records) : header_(header), records_(std::move(records)) {}
  const trace::Header& header() const override { return header_; }
  bool next(trace::Record& out) override {
    if (at_ == records_.size()) return false;
    out = std::move(records_[at_++]);
    return true;
  }

 private:
  trace::Header header_;
  std::vector<trace::Record> records_;
  std::size_t at_ = 0;
};

/// Passes records on and tells the FC stream of each.
class FcSource final : public trace::Source {
 public:
  FcSource(trace::Source& source, FcStream& fc) : source_(source), fc_(fc) {}
  const trace::Header& header() const override { return source_.header(); }
  bool next(trace::Record& out) override {
    if (!source_.next(out)) return false;
    fc_.count(source_.header(), out);
    return true;
  }

 private:
  trace::Source& source_;
  FcStream& fc_;
};

struct SegmentResult {
  Result result;
  std::set<std::string> assumptions;
};

bool stopped(const SimulationOptions& options) { return options.stop && options.stop->load(std::memory_order_relaxed); }

SegmentResult run_segment(trace::Source& source, const ChipSpec& chip, Memory& memory, const SimulationOptions& options,
                          Timeline* timeline) {
  TraceRows rows(source, chip, memory.access_bytes(), options.batch, options.operands);
  std::optional<FixedDatapath> datapath;
  if (options.operands) datapath.emplace(chip, *options.operands);
  Accelerator machine(chip, memory, rows, datapath ? &*datapath : nullptr);
  if (options.shuffle_units > 0) machine.engine().shuffle(options.shuffle_units);
  machine.engine().draw(timeline);
  SegmentResult out;
  Result& r = out.result;
  machine.controller().on_response([&](const Row& row) {
    if (options.row_times) {
      if (r.row_times.size() <= row.id) r.row_times.resize(row.id + 1);
      r.row_times[row.id] = {row.accept, row.response};
    }
  });
  r.cycles = machine.run([&] {
    if (options.progress) options.progress(machine.controller().counters()[0].second);
    r.partial = stopped(options);
    return !r.partial;
  });
  r.units = machine.units();
  r.bytes = machine.bytes();
  r.records = rows.records();
  const auto& times = machine.controller().layers();
  for (std::size_t i = 0; i < times.size(); ++i) {
    r.layers.push_back({rows.layers()[i].step, rows.layers()[i].layer, times[i].first_accept, times[i].last_response, times[i].rows, {}});
    r.rows += times[i].rows;
  }
  out.assumptions = rows.assumptions();
  return out;
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
  total.cycles += part.cycles;
  total.rows += part.rows;
  total.records += part.records;
  total.bytes.add(part.bytes);
  total.partial = total.partial || part.partial;
}

bool same_segment(ChipSpec::Barrier barrier, const trace::Record& a, const trace::Record& b) {
  return a.step == b.step && (barrier == ChipSpec::Barrier::kStep || a.layer == b.layer);
}

/// Cuts a source where the chip must wait: the next segment's records, empty at the end.
class Cutter {
 public:
  Cutter(trace::Source& source, ChipSpec::Barrier barrier) : source_(source), barrier_(barrier) {}
  std::vector<trace::Record> next() {
    std::vector<trace::Record> records;
    trace::Record record;
    if (first_) records.push_back(*std::exchange(first_, std::nullopt));
    while (source_.next(record)) {
      if (!records.empty() && !same_segment(barrier_, records.back(), record)) {
        first_ = std::move(record);
        break;
      }
      records.push_back(std::move(record));
      record = {};
    }
    return records;
  }

 private:
  trace::Source& source_;
  ChipSpec::Barrier barrier_;
  std::optional<trace::Record> first_;
};

}  // namespace

Result simulate(trace::Source& source, const ChipSpec& chip, const std::function<std::unique_ptr<Memory>()>& make_memory,
                const SimulationOptions& options) {
  Result total;
  std::set<std::string> assumptions;
  FcStream fc(chip, make_memory);
  FcSource with_fc(source, fc);
  trace::CountingSource counter(with_fc);
  if (chip.barrier == ChipSpec::Barrier::kNone) {
    const std::unique_ptr<Memory> memory = make_memory();
    SegmentResult one = run_segment(counter, chip, *memory, options, options.timeline);
    append(total, one.result);
    assumptions = std::move(one.assumptions);
  } else {
    Cutter cutter(counter, chip.barrier);
    ThreadPool pool(std::max(1u, options.threads));
    bool more = true, first = true;
    while (more && !stopped(options)) {
      std::vector<Segment> segments;
      for (std::uint32_t i = 0; i < 8 * std::max(1u, options.threads) && more; ++i) {
        std::vector<trace::Record> records = cutter.next();
        more = !records.empty();
        if (more) segments.emplace_back(source.header(), std::move(records));
      }
      std::vector<SegmentResult> results(segments.size());
      pool.parallel_for(segments.size(), [&](std::size_t i, std::size_t) {
        const std::unique_ptr<Memory> memory = make_memory();
        results[i] = run_segment(segments[i], chip, *memory, options, first && i == 0 ? options.timeline : nullptr);
      });
      first = false;
      for (SegmentResult& r : results) {
        append(total, r.result);
        assumptions.merge(r.assumptions);
      }
    }
  }
  fc.add_to(total);
  const trace::Summary summary = counter.summary();
  total.lsb_rows = summary.lsb_rows;
  total.ops_executed = summary.ops_executed;
  total.ops_dense_equivalent = summary.ops_dense_equivalent;
  total.assumptions.assign(assumptions.begin(), assumptions.end());
  return total;
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/tally.h"

#include "spatten/study/trace_edits.h"

namespace spatten {

Tally& Tally::operator+=(const Tally& o) {
  seconds += o.seconds, fc_seconds += o.fc_seconds, rows += o.rows;
  ops_executed += o.ops_executed, ops_dense_equivalent += o.ops_dense_equivalent, fc_ops += o.fc_ops;
  dram_bytes += o.dram_bytes, weight_bytes += o.weight_bytes;
  joules += o.joules;
  return *this;
}

Tally Tally::scaled(double factor) const {
  Tally out = *this;
  out.seconds *= factor, out.fc_seconds *= factor, out.rows *= factor;
  out.ops_executed *= factor, out.ops_dense_equivalent *= factor, out.fc_ops *= factor;
  out.dram_bytes *= factor, out.weight_bytes *= factor;
  out.joules = joules.scaled(factor);
  return out;
}

Tally tally_of(const ChipRun& run) {
  const sim::Result& r = run.result;
  Tally t;
  t.seconds = run.seconds();
  t.fc_seconds = static_cast<double>(r.fc_cycles) / run.clock_hz;
  t.rows = static_cast<double>(r.rows);
  t.ops_executed = static_cast<double>(r.ops_executed);
  t.ops_dense_equivalent = static_cast<double>(r.ops_dense_equivalent);
  t.fc_ops = static_cast<double>(r.fc_ops);
  t.dram_bytes = static_cast<double>(r.bytes.total());
  t.weight_bytes = static_cast<double>(r.bytes.weights);
  t.joules = run.energy.total;
  return t;
}

Tally run_whole(trace::Source& source, const ChipSetup& setup) {
  return tally_of(run_on_chip(source, source.header().model, setup));
}

Tally run_sampled(const std::function<std::unique_ptr<trace::Source>()>& make_source, std::uint32_t tokens,
                  const ChipSetup& setup) {
  SPATTEN_CHECK(setup.chip.barrier != sim::ChipSpec::Barrier::kNone && tokens > 0);
  const auto run_steps = [&](const std::function<bool(std::uint32_t)>& wanted) {
    const auto source = make_source();
    ChosenSteps chosen(*source, wanted);
    return run_whole(chosen, setup);
  };
  Tally total = run_steps([](std::uint32_t step) { return step == 0; });
  if (tokens == 1) return total;
  const std::uint32_t last = tokens - 1;
  const Tally others = run_steps([last](std::uint32_t step) { return step == 1 || step == last; });
  total += others.scaled(last == 1 ? 1.0 : last / 2.0);
  return total;
}

}  // namespace spatten

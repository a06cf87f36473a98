// SPDX-License-Identifier: Apache-2.0
// One trace over many calls into a model: begins it once, numbers the forward passes through, ends it once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "spatten/layers/context.h"
#include "spatten/model/model.h"
#include "spatten/trace/sink.h"

namespace spatten::app {

enum class TraceFormat { kBinary, kAuthorsCsv };

/// A file sink of this format. Throws Error when the file cannot be created.
std::unique_ptr<trace::Sink> make_trace_sink(const std::string& path, TraceFormat format);

/// What is known before the run; `policy` may be null (dense).
trace::Header trace_header(const Model& model, const algo::Policy* policy, std::uint64_t seed);

class TraceRecorder final : private trace::Sink {
 public:
  TraceRecorder(std::unique_ptr<trace::Sink> sink, trace::Header header);

  /// Makes the next call record here, its first pass being the next one of the trace.
  void attach(RunOptions& run);
  /// Ends the file; throws Error when nothing was recorded.
  void finish();
  std::uint64_t records() const { return records_; }

 private:
  void begin(const trace::Header&) override {}  // a run inside the trace does not begin or end it
  void end() override {}
  void write(const trace::Record& record) override;

  std::unique_ptr<trace::Sink> sink_;
  trace::Header header_;
  std::uint32_t next_step_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/trace_recorder.h"

#include "spatten/base/fields.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/file_sink.h"

namespace spatten::app {

std::unique_ptr<trace::Sink> make_trace_sink(const std::string& path, TraceFormat format) {
  if (format == TraceFormat::kAuthorsCsv) return std::make_unique<trace::AuthorsCsvSink>(path);
  return std::make_unique<trace::FileSink>(path);
}

trace::Header trace_header(const Model& model, const algo::Policy* policy, std::uint64_t seed) {
  trace::Header header;
  header.model = model.folder;
  header.family = enum_name(model.config.family);
  header.policy = dump_json(algo::resolved(policy != nullptr ? *policy : algo::Policy()));
  header.layers = model.config.layers;
  header.heads = model.config.heads;
  header.head_dim = model.config.head_dim;
  header.hidden = model.config.hidden;
  header.ffn = model.config.ffn;
  header.vocab = model.config.vocab;
  header.seed = seed;
  return header;
}

TraceRecorder::TraceRecorder(std::unique_ptr<trace::Sink> sink, trace::Header header)
    : sink_(std::move(sink)), header_(std::move(header)) {}

void TraceRecorder::attach(RunOptions& run) {
  run.sink = this;
  run.first_step = next_step_;
}

void TraceRecorder::write(const trace::Record& record) {
  if (records_++ == 0) {
    if (record.stage == trace::Stage::kSummarization) header_.prompt_length = record.rows;
    sink_->begin(header_);
  }
  next_step_ = record.step + 1;
  sink_->write(record);
}

void TraceRecorder::finish() {
  if (records_ == 0) throw Error("trace", "", "expected a run with at least one pass, found none");
  sink_->end();
}

}  // namespace spatten::app

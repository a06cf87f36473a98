// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/trace_input.h"

#include "spatten/base/error.h"
#include "spatten/base/input_stream.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/file_source.h"

namespace spatten::app {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;

/// Appends up to a chunk; false at the end.
bool read_more(InputStream& in, std::string& bytes) {
  const std::size_t before = bytes.size();
  bytes.resize(before + kChunk);
  bytes.resize(before + in.read(bytes.data() + before, kChunk));
  return bytes.size() > before;
}

InputFile read_standard_input(const std::atomic<bool>* cancelled) {
  InputStream in("-", cancelled);
  std::string bytes;
  bool more = true;
  while (more && bytes.size() < kChunk && bytes.find('\n') == std::string::npos) more = read_more(in, bytes);
  InputFile begin = InputFile::from_memory(in.name(), bytes);
  if (!trace::is_trace_file(begin)) trace::AuthorsCsvSource::check_begin(std::move(begin));
  while (more) {
    more = read_more(in, bytes);
    if (bytes.size() > kMaxStandardInput) {
      throw Error(in.name(), "", fmt::format("expected at most {} bytes, found more; a file may be larger", kMaxStandardInput));
    }
  }
  return InputFile::from_memory(in.name(), std::move(bytes));
}

/// Hands records on until the run is cancelled.
class StoppableSource final : public trace::Source {
 public:
  StoppableSource(std::unique_ptr<trace::Source> source, const std::atomic<bool>* cancelled)
      : source_(std::move(source)), cancelled_(cancelled) {}
  const trace::Header& header() const override { return source_->header(); }
  bool next(trace::Record& out) override {
    if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) throw Cancelled();
    return source_->next(out);
  }

 private:
  std::unique_ptr<trace::Source> source_;
  const std::atomic<bool>* cancelled_;
};

}  // namespace

std::unique_ptr<trace::Source> open_trace(const std::string& path, const std::atomic<bool>* cancelled) {
  InputFile file = path == "-" ? read_standard_input(cancelled) : InputFile(path);
  if (trace::is_trace_file(file)) return std::make_unique<trace::FileSource>(std::move(file));
  return std::make_unique<trace::AuthorsCsvSource>(std::move(file), cancelled);
}

std::unique_ptr<trace::Source> open_stoppable_trace(const std::string& path, const std::atomic<bool>* cancelled) {
  return std::make_unique<StoppableSource>(open_trace(path, cancelled), cancelled);
}

}  // namespace spatten::app

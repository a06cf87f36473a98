// SPDX-License-Identifier: Apache-2.0
// Format: "Trace Event Format" (Google, the JSON form): one event a line, "X" is a slice, "C" a counter, "M" a name.
#include "spatten/base/json_tree.h"
#include "spatten/sim/core/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "spatten/base/error.h"
#include "spatten/base/json.h"

namespace spatten::sim {
namespace {

/// Colour names that both viewers know.
const char* colour_of(Why why) {
  switch (why) {
    case Why::kBusy: return "good";
    case Why::kMemory: return "terrible";
    case Why::kNoInput: return "bad";
    case Why::kNoRoom: return "yellow";
    case Why::kOrder: return "grey";
    case Why::kIdle: break;
  }
  return "white";
}

std::string quoted(const std::string& text) { return dump_json(Json(text)); }

/// Writes the separator between events.
class Events {
 public:
  Events(OutputFile& out, double clock_hz) : out_(out), clock_hz_(clock_hz) {}
  void add(const std::string& event) {
    out_.write(first_ ? "\n" : ",\n");
    out_.write(event);
    first_ = false;
  }
  double microseconds(Cycles cycles) const { return static_cast<double>(cycles) * 1e6 / clock_hz_; }

 private:
  OutputFile& out_;
  double clock_hz_;
  bool first_ = true;
};

}  // namespace

Timeline::Row& Timeline::row(std::uint32_t unit) {
  SPATTEN_CHECK(unit < kMaxUnits);
  if (unit >= rows_.size()) rows_.resize(unit + 1);
  return rows_[unit];
}

void Timeline::name(std::uint32_t unit, const std::string& text) { row(unit).name = text; }

/// Room for one more slice; without it the window ends at `at`.
bool Timeline::take_slice(Cycles at) {
  if (slices_ == window_.max_slices) {
    window_.to = std::min(window_.to, std::max(at, window_.from));
    return false;
  }
  ++slices_;
  return true;
}

void Timeline::record(std::uint32_t unit, Why why, Cycles begin, Cycles end) {
  begin = std::max(begin, window_.from);
  end = std::min(end, window_.to);
  if (begin >= end) return;
  std::vector<Slice>& slices = row(unit).slices;
  if (!slices.empty()) {
    Slice& last = slices.back();
    SPATTEN_CHECK(begin >= last.end);
    if (last.why == why && last.end == begin) {
      last.end = end;
      return;
    }
  }
  if (take_slice(begin)) slices.push_back({begin, end, why});
}

void Timeline::count(const std::string& track, Cycles at, double value) {
  SPATTEN_CHECK(std::isfinite(value));
  at += origin_;
  if (at < window_.from || at >= window_.to || !take_slice(at)) return;
  tracks_[track].emplace_back(at, value);
}

void Timeline::write(OutputFile& out, double clock_hz) const {
  out.write(fmt::format(
      "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"clock_hz\":{},\"from_cycle\":{},\"to_cycle\":{},\"slices\":{}}},\"traceEvents\":[",
      clock_hz, window_.from, window_.to, slices_));
  Events events(out, clock_hz);
  events.add(R"({"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"SpAtten"}})");
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& r = rows_[i];
    const std::size_t thread = i + 1;
    const std::string name = r.name.empty() ? fmt::format("unit {}", i) : r.name;
    events.add(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":{}}}}})", thread, quoted(name)));
    events.add(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}}}})", thread, thread));
    for (const Slice& s : r.slices) {
      if (s.begin >= window_.to) break;  // kept before the slices ran out
      events.add(fmt::format(R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":"{}","cname":"{}"}})", thread,
                             events.microseconds(s.begin), events.microseconds(std::min(s.end, window_.to) - s.begin), why_name(s.why), colour_of(s.why)));
    }
  }
  for (const auto& [name, samples] : tracks_) {
    for (const auto& [at, value] : samples) {
      if (at >= window_.to) break;
      events.add(fmt::format(R"({{"ph":"C","pid":1,"tid":0,"ts":{},"name":{},"args":{{"value":{}}}}})", events.microseconds(at), quoted(name), value));
    }
  }
  out.write("\n]}\n");
}

}  // namespace spatten::sim

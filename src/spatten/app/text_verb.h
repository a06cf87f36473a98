// SPDX-License-Identifier: Apache-2.0
// What classify, answer, embed, rerank and fill have in common: items come in, run together in batches, and results go out
// in order while more come. Memory is bounded by a batch.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <span>
#include <vector>

#include "spatten/app/inputs.h"
#include "spatten/app/progress.h"
#include "spatten/app/result_writer.h"
#include "spatten/app/session.h"

namespace spatten::app {

/// A batch ends before the text that would make it longer than this: about 4096 tokens.
inline constexpr std::size_t kBatchBytes = std::size_t{16} << 10;

/// Options and objects of one call of a verb, in the order in which they are made.
struct TextVerbContext {
  const CommonOptions& options;
  const Environment& environment;
  Session& session;
  ItemReader& reader;
  ResultWriter& writer;
  std::size_t batch_items;
};

std::size_t item_bytes(const Item& item);

/// Seconds since the clock's own start, for the library, which reads no clock.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds of `f()`.
template <class F>
double seconds_of(F&& f) {
  const double start = steady_seconds();
  f();
  return steady_seconds() - start;
}

/// `run(items, options)` gives one result per item; `write(item, result, seconds)` takes them in input order. When the
/// model refuses a batch its items run alone, so that the good ones before the bad one come out and the error has its place.
template <class Run, class Write>
void run_batch(Session& session, std::span<const Item> batch, const Run& run, const Write& write) {
  using Results = decltype(run(batch, session.run_options()));
  Results results;
  double seconds = 0;
  try {
    seconds = seconds_of([&] { results = run(batch, session.run_options()); });
  } catch (const UsageError&) {
    throw;
  } catch (const Error& e) {
    if (batch.size() == 1) throw Error(batch[0].place, "", e.what());
    for (std::size_t i = 0; i < batch.size(); ++i) run_batch(session, batch.subspan(i, 1), run, write);
    return;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) write(batch[i], results[i], seconds / static_cast<double>(batch.size()));
}

/// The end of a run that went well: its files appear, all of them or none.
inline void finish_together(Session& session, ResultWriter& writer) {
  session.prepare();
  writer.prepare();
  session.finish();
  writer.finish();
}

template <class Run, class Write>
void run_text_verb(const TextVerbContext& c, const char* name, const Run& run, const Write& write) {
  const bool visible = !c.options.quiet && c.environment.terminal.error_is_terminal &&
                       !(c.environment.terminal.out_is_terminal && c.writer.output().is_standard_output());
  Progress progress(name, c.reader.expected_items(), visible);
  // A trace has its passes one text after the other.
  const std::size_t most = c.session.tracing() ? 1 : c.batch_items;
  std::vector<Item> batch;
  std::size_t bytes = 0, done = 0;
  const auto flush = [&] {
    try {
      run_batch(c.session, batch, run, write);
    } catch (...) {
      c.writer.output().flush();  // what went well before is out, in whole lines
      throw;
    }
    c.writer.output().flush();
    progress.update(done += batch.size());
    batch.clear();
    bytes = 0;
  };
  std::exception_ptr broken;  // an item that cannot be read fails after the results before it
  const auto read = [&](Item& item) {
    try {
      return c.reader.next(item);
    } catch (const Error&) {
      broken = std::current_exception();
      return false;
    }
  };
  for (Item item; read(item);) {
    if (!batch.empty() && (batch.size() == most || bytes + item_bytes(item) > kBatchBytes)) flush();
    bytes += item_bytes(item);
    batch.push_back(std::move(item));
  }
  if (!batch.empty()) flush();
  if (broken) std::rethrow_exception(broken);
  finish_together(c.session, c.writer);
}

/// How a verb was called.
struct TextVerbCall {
  const CommonOptions& options;
  const InputOptions& input;
  const Arguments& arguments;
  const Environment& environment;
};

/// Loads what the options ask for and calls `body(context)`.
template <class Body>
void with_text_verb(const char* verb, const TextVerbCall& call, ItemRules rules, const Body& body) {
  check(call.options, call.input.files);
  ItemReader reader(call.arguments, call.input, std::move(rules), call.environment.cancelled);
  ResultWriter writer(call.options, call.environment, verb);
  Session session(call.options, call.environment);
  body(TextVerbContext{call.options, call.environment, session, reader, writer, call.input.batch});
}

inline std::size_t item_bytes(const Item& item) {
  std::size_t bytes = item.text.size() + (item.pair ? item.pair->size() : 0);
  for (const std::string& p : item.passages) bytes += p.size() + item.text.size();
  return bytes;
}

inline PruningStory story_of(const Session& session, const Encoding& encoding, const RunReport& report, std::string title) {
  PruningStory story = make_story(*session.model().tokenizer, encoding.ids, report, session.model().config);
  story.title = std::move(title);
  story.policy = session.policy_name();
  return story;
}

}  // namespace spatten::app

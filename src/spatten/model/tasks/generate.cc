// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/generate.h"

#include <algorithm>

#include "spatten/model/tasks/sampler.h"
#include "spatten/model/tasks/text_stream.h"

namespace spatten {
namespace {

/// One prompt on its way.
struct Run {
  Generation result;
  Decoder decoder;
  TextStream stream;
  Random random;
  std::vector<std::int32_t> next;  // tokens to feed
  bool done = false;

  Run(Decoder d, const GenerateOptions& options, std::uint64_t seed) : decoder(std::move(d)), stream(options.stop), random(seed) {}
};

std::vector<std::int32_t> prompt_ids(const Model& model, const std::string& prompt, const RunOptions& options) {
  std::vector<std::int32_t> ids = model.tokenizer->encode(prompt).ids;
  if (ids.empty()) {
    const SpecialIds& special = model.tokenizer->special();
    const std::optional<std::int32_t> begin = special.bos ? special.bos : special.eos;
    if (!begin) throw Error("expected a prompt, found none, and the vocabulary has no begin-of-text token");
    ids.push_back(*begin);
  }
  const std::size_t limit = model.config.max_positions;
  if (ids.size() > limit) {
    if (!options.truncate) {
      throw Error(fmt::format("the prompt has {} tokens, the model takes at most {} (--truncate keeps its end)", ids.size(), limit));
    }
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(limit - limit / 4));
  }
  return ids;
}

void finish(Run& run, FinishReason reason) {
  run.result.finish_reason = reason;
  run.done = true;
}

/// Takes the next token from the logits; decides whether the run goes on.
void advance(const Model& model, std::span<const float> logits, const GenerateOptions& options, std::size_t index, Run& run) {
  const std::size_t vocab = std::min<std::size_t>(logits.size(), model.tokenizer->vocab_size());
  const std::int32_t id = sample(logits.first(vocab), {options.temperature, options.top_k, options.top_p}, run.random);
  if (model.tokenizer->special().eos == id) return finish(run, FinishReason::kEos);
  run.result.token_ids.push_back(id);
  const std::string piece = run.stream.push(model.tokenizer->token_bytes(id));
  if (options.on_text && !piece.empty()) options.on_text(index, piece);
  if (run.stream.stopped()) return finish(run, FinishReason::kStop);
  if (run.result.token_ids.size() >= options.max_tokens || run.decoder.length() >= model.config.max_positions) {
    return finish(run, FinishReason::kLength);
  }
  run.next = {id};
}

void step(const Model& model, std::vector<Run>& runs, const GenerateOptions& options, const RunOptions& run_options) {
  std::vector<Decoder*> decoders;
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::size_t> active;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].done) continue;
    active.push_back(i);
    decoders.push_back(&runs[i].decoder);
    tokens.push_back(runs[i].next);
  }
  const OwnedMatrix<float> logits = model.gpt2->extend(decoders, tokens, run_options);
  for (std::size_t a = 0; a < active.size(); ++a) {
    advance(model, logits.view().row_span(a), options, active[a], runs[active[a]]);
  }
}

void close(Run& run, std::size_t index, const GenerateOptions& options) {
  const std::string rest = run.stream.finish();
  if (options.on_text && !rest.empty()) options.on_text(index, rest);
  run.result.text = run.stream.text();
  run.result.kv_bytes = run.decoder.kv_bytes();
  run.result.kv_bytes_dense = run.decoder.kv_bytes_dense();
  run.result.report = run.decoder.report();
}

std::vector<Generation> generate_batch(const Model& model, const std::vector<std::string>& prompts, std::size_t first_index,
                                       const GenerateOptions& options, const RunOptions& run_options) {
  const Gpt2& gpt2 = model.as_gpt2("generation");
  std::vector<Run> runs;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    runs.emplace_back(gpt2.start(run_options), options, run_options.seed + first_index + i);
    runs.back().next = runs.back().result.prompt_ids = prompt_ids(model, prompts[i], run_options);
    if (options.max_tokens == 0) finish(runs.back(), FinishReason::kLength);
  }
  const auto going = [&] { return std::any_of(runs.begin(), runs.end(), [](const Run& r) { return !r.done; }); };
  const auto now = [&] { return options.clock ? options.clock() : 0.0; };
  const double start = now();
  if (going()) step(model, runs, options, run_options);
  const double prompt_end = now();
  while (going()) step(model, runs, options, run_options);
  const double decode_end = now();
  std::vector<Generation> out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    close(runs[i], first_index + i, options);
    runs[i].result.prompt_seconds = prompt_end - start;
    runs[i].result.decode_seconds = decode_end - prompt_end;
    out.push_back(std::move(runs[i].result));
  }
  return out;
}

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength: return "length";
    case FinishReason::kStop: return "stop";
    case FinishReason::kEos: return "eos";
  }
  return "";
}

std::vector<Generation> generate(const Model& model, const std::vector<std::string>& prompts,
                                 const GenerateOptions& generate_options, const RunOptions& options) {
  for (const std::string& s : generate_options.stop) {
    if (s.empty()) throw UsageError("--stop", "", "expected some text, found none");
  }
  if (options.sink == nullptr) return generate_batch(model, prompts, 0, generate_options, options);
  // A trace holds one sequence after the other: its steps are in order.
  std::vector<Generation> out;
  RunOptions one = options;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    out.push_back(generate_batch(model, {prompts[i]}, i, generate_options, one)[0]);
    one.first_step += 1 + static_cast<std::uint32_t>(out.back().token_ids.size());
  }
  return out;
}

}  // namespace spatten

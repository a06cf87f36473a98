// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/perplexity.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace spatten {
namespace {

/// -log p(id) in nats.
double nll(std::span<const float> logits, std::int32_t id) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - largest);
  return std::log(sum) + largest - logits[static_cast<std::size_t>(id)];
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

/// Generation decides per iteration what it reads, so only single steps show what it would predict. Heads are pruned in
/// every iteration, tokens where the policy says so.
bool step_by_step(const algo::Policy* policy) {
  return policy != nullptr && (policy->head_pruning() || (policy->token_pruning() && policy->token.generation));
}

class Windows {
 public:
  Windows(const Gpt2& gpt2, const std::vector<std::int32_t>& ids, const PerplexityOptions& settings, const RunOptions& options)
      : gpt2_(gpt2), ids_(ids), settings_(settings), options_(options) {}

  /// Sum of the negative log likelihoods of ids[from .. end), each seen from the window that starts at `begin`. Adds the
  /// work to the report and leaves how the last pass was pruned.
  double run(std::size_t begin, std::size_t from, std::size_t end, RunReport& report) {
    Decoder decoder = gpt2_.start(options_);
    const bool stepped = step_by_step(options_.policy);
    const double sum = stepped ? stepwise(decoder, begin, from, end) : at_once(decoder, begin, from, end);
    options_.first_step += stepped ? static_cast<std::uint32_t>(end - begin - 1) : 1;  // a trace goes on with the next window
    report.work += decoder.report().work;
    report.pruning = decoder.report().pruning;
    return sum;
  }

 private:
  double at_once(Decoder& decoder, std::size_t begin, std::size_t from, std::size_t end) {
    const std::span<const std::int32_t> tokens(ids_.data() + begin, end - begin - 1);
    const OwnedMatrix<float> logits = gpt2_.extend_all_logits(decoder, tokens, options_);
    double sum = 0;
    for (std::size_t t = from; t < end; ++t) sum += nll(logits.view().row_span(t - 1 - begin), ids_[t]);
    return sum;
  }

  double stepwise(Decoder& decoder, std::size_t begin, std::size_t from, std::size_t end) {
    Decoder* const one[] = {&decoder};
    double sum = 0;
    for (std::size_t t = begin; t + 1 < end; ++t) {
      const std::vector<std::int32_t> token[] = {{ids_[t]}};
      const OwnedMatrix<float> logits = gpt2_.extend(one, token, options_);
      if (t + 1 >= from) sum += nll(logits.view().row_span(0), ids_[t + 1]);
      if (settings_.progress && t % 64 == 0) settings_.progress(t, ids_.size());
    }
    return sum;
  }

  const Gpt2& gpt2_;
  const std::vector<std::int32_t>& ids_;
  const PerplexityOptions& settings_;
  RunOptions options_;
};

}  // namespace

Perplexity perplexity(const Model& model, const std::string& text, const PerplexityOptions& settings, const RunOptions& options) {
  const Gpt2& gpt2 = model.as_gpt2("perplexity");
  Perplexity out;
  out.window = settings.window == 0 ? model.config.max_positions : settings.window;
  out.stride = settings.stride == 0 ? std::max<std::size_t>(1, out.window / 2) : settings.stride;
  if (out.window < 2 || out.window > model.config.max_positions) {
    throw UsageError("--window", "", fmt::format("expected 2 to {} tokens, found {}", model.config.max_positions, out.window));
  }
  if (out.stride >= out.window) {
    throw UsageError("--stride", "", fmt::format("expected less than the window of {}, found {}", out.window, out.stride));
  }
  const Encoding encoding = model.tokenizer->encode(text);
  const std::vector<std::int32_t>& ids = encoding.ids;
  if (ids.size() < 2) throw Error(fmt::format("expected a text of at least 2 tokens, found {}", ids.size()));

  Windows windows(gpt2, ids, settings, options);
  double total = 0;
  for (std::size_t begin = 0;; begin += out.stride) {
    const std::size_t end = std::min(begin + out.window, ids.size());
    const std::size_t from = begin == 0 ? 1 : begin + out.window - out.stride;
    total += windows.run(begin, from, end, out.report);
    out.tokens += end - from;
    if (settings.progress) settings.progress(end, ids.size());
    if (end == ids.size()) {
      out.last_window.assign(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end() - 1);
      break;
    }
  }
  const std::size_t first_byte = encoding.offsets[1].begin;
  out.bytes = text.size() - first_byte;
  out.words = std::max<std::size_t>(1, count_words(std::string_view(text).substr(first_byte)));
  out.nll_per_token = total / static_cast<double>(out.tokens);
  out.perplexity = std::exp(out.nll_per_token);
  out.perplexity_per_word = std::exp(total / static_cast<double>(out.words));
  out.bits_per_byte = total / std::log(2.0) / static_cast<double>(std::max<std::size_t>(1, out.bytes));
  return out;
}

}  // namespace spatten

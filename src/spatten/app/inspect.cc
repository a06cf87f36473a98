// SPDX-License-Identifier: Apache-2.0
// `spatten inspect`: what is in a model folder, the widths in which its attention would run, and what a policy would keep in
// each layer. Reads no weights.

#include "spatten/algo/fixed_point.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/output.h"
#include "spatten/app/run_files.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/session.h"
#include "spatten/app/verb.h"
#include "spatten/base/fields.h"
#include "spatten/model/checkpoint.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxLength = 1 << 20;

/// Verbs that can use the model.
std::vector<std::string> verbs_for(Task task) {
  switch (task) {
    case Task::kEncoder: return {"embed"};
    case Task::kSequenceClassification: return {"classify", "rerank", "embed"};
    case Task::kQuestionAnswering: return {"answer", "embed"};
    case Task::kMaskedLm: return {"fill", "embed"};
    case Task::kCausalLm: return {"generate", "perplexity"};
  }
  return {};
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

/// Hugging Face writes default labels into every config.json.
bool has_labels(const Checkpoint& checkpoint) { return checkpoint.task() == Task::kSequenceClassification; }

constexpr std::uint32_t kFloatBits = 32;

/// What attention reads of an element of Q, K and V; of K with its low bits, which progressive quantization stores apart.
struct Widths {
  std::uint32_t query = kFloatBits, key = kFloatBits, key_lsb = 0, value = kFloatBits;
};

Widths widths_of(const std::optional<algo::Policy>& policy, Arithmetic arithmetic) {
  algo::QuantizationPolicy q = policy ? policy->quantization : algo::QuantizationPolicy{};
  if (arithmetic == Arithmetic::kChip) q = algo::chip_quantization(q);
  const auto bits = [](std::uint32_t width) { return width == 0 ? kFloatBits : width; };
  return {bits(q.query_bits), bits(q.stored_key_bits()), q.progressive() ? q.lsb_bits : 0, bits(q.value_bits)};
}

std::string key_bits_text(const Widths& widths) {
  return widths.key_lsb == 0 ? fmt::format("{}", widths.key) : fmt::format("{} + {}", widths.key - widths.key_lsb, widths.key_lsb);
}

class Inspect final : public Verb {
 public:
  VerbHelp help() const override {
    return {"what a model folder holds, and what a policy keeps in each layer", "[DIR]",
            "With --policy: how many tokens and heads enter each layer for a text of --length tokens; --arithmetic changes none of that, "
            "but the widths of Q, K and V.",
            "models/sst2-small --policy tokens-half --length 32"};
  }

  void add_options(CLI::App& app) override {
    add_integer(app, "--length", length_, {1, kMaxLength}, "tokens of the text (default: the model's limit)");
    add_model_options(app, options_);
    add_output_options(app, options_);
    add_flag(app, "-q,--quiet", options_.quiet, "no notes or warnings");
  }

  void run(const Arguments& arguments, Environment& environment) override {
    check(options_, {});
    if (arguments.size() + (options_.model.empty() ? 0 : 1) > 1) throw UsageError("expected one model folder, found several");
    const std::string folder = find_model(arguments.empty() ? options_.model : arguments[0], environment.data_roots);
    const Checkpoint checkpoint = Checkpoint::open(folder, {.check_memory = false, .precision = options_.precision, .limits = {}});
    const ModelConfig& config = checkpoint.config();
    if (length_ > config.max_positions) {
      throw Error("--length", "", fmt::format("expected at most {} tokens, the model's limit, found {}", config.max_positions, length_));
    }
    const std::size_t length = length_ == 0 ? config.max_positions : length_;
    std::optional<algo::Schedule> schedule;
    const auto policy = chosen_policy(options_, environment);
    if (policy) schedule = algo::resolve(*policy, shape_of(config), length);
    const Widths widths = widths_of(policy, options_.arithmetic);
    require_distinct(output_files(options_), model_files(folder));
    Output output(options_.output);
    if (options_.json) {
      output.write_json(json(checkpoint, widths, schedule, length));
    } else {
      output.write(table(checkpoint, widths, schedule, length));
    }
    output.finish();
  }

 private:
  Json json(const Checkpoint& checkpoint, const Widths& widths, const std::optional<algo::Schedule>& schedule, std::size_t length) const {
    const ModelConfig& c = checkpoint.config();
    Json out = {{"family", enum_name(c.family)},
                {"layers", c.layers},
                {"heads", c.heads},
                {"hidden", c.hidden},
                {"head_dim", c.head_dim},
                {"ffn", c.ffn},
                {"vocab", c.vocab},
                {"max_positions", c.max_positions},
                {"parameters", checkpoint.parameters()},
                {"bytes", checkpoint.file_bytes()},
                {"precision", enum_name(checkpoint.precision())},
                {"weight_bytes", checkpoint.weight_bytes()},
                {"arithmetic", chip() ? "chip" : "float"},
                {"query_bits", widths.query},
                {"key_bits", widths.key},
                {"key_lsb_bits", widths.key_lsb},
                {"value_bits", widths.value},
                {"task", enum_name(checkpoint.task())},
                {"tasks", verbs_for(checkpoint.task())}};
    if (has_labels(checkpoint)) out["labels"] = c.labels;
    if (schedule) {
      out["length"] = length;
      out["kept_tokens_per_layer"] = schedule->tokens;
      out["kept_heads_per_layer"] = schedule->heads;
      out["kept_values_per_layer"] = schedule->values;
    }
    return out;
  }

  std::string table(const Checkpoint& checkpoint, const Widths& widths, const std::optional<algo::Schedule>& schedule, std::size_t length) const {
    const ModelConfig& c = checkpoint.config();
    std::string out;
    const auto row = [&out](const char* name, const std::string& value) { out += fmt::format("{:<14}{}\n", name, value); };
    row("folder", checkpoint.folder());
    row("family", fmt::format("{}, {}", enum_name(c.family), enum_name(checkpoint.task())));
    row("layers", fmt::format("{} of {} heads with {} dimensions (hidden {}, feed-forward {})", c.layers, c.heads, c.head_dim, c.hidden, c.ffn));
    row("vocabulary", fmt::format("{} tokens", c.vocab));
    row("longest text", fmt::format("{} tokens", c.max_positions));
    row("parameters", fmt::format("{} ({} on disk, {} in memory in {})", count_text(checkpoint.parameters()), bytes_text(checkpoint.file_bytes()),
                                  bytes_text(checkpoint.weight_bytes()), enum_name(checkpoint.precision())));
    row("attention", fmt::format("{}; bits of Q, K, V: {}, {}, {}", chip() ? "the chip's 12-bit datapath" : "fp32", widths.query,
                                 key_bits_text(widths), widths.value));
    if (has_labels(checkpoint)) row("labels", joined(c.labels));
    row("verbs", joined(verbs_for(checkpoint.task())));
    if (!schedule) return out;
    out += fmt::format("\npolicy {}, a text of {} tokens:\nlayer  tokens             heads\n", options_.policy, length);
    for (std::size_t layer = 0; layer < schedule->tokens.size(); ++layer) {
      const std::uint32_t tokens = schedule->tokens[layer], heads = schedule->heads[layer];
      out += fmt::format("{:>5}  {:>6} {}  {:>5} {}\n", layer, tokens, bar(ratio(tokens, length), 10), heads, bar(ratio(heads, c.heads), 10));
    }
    return out;
  }

  bool chip() const { return options_.arithmetic == Arithmetic::kChip; }

  CommonOptions options_;
  std::size_t length_ = 0;  // 0: the model's limit
};

}  // namespace

std::unique_ptr<Verb> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace spatten::app

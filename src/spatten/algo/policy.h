// SPDX-License-Identifier: Apache-2.0
// A pruning policy: everything about tokens, heads, values and bits that a user may choose, as plain data. The field
// lists below are the only list of keys; JSON, --set and docs/formats/policy.md follow from them.
// How many tokens and heads a policy keeps for a given model and length: schedule.h. Presets and files: policy_file.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/json.h"

namespace spatten::algo {

/// How tokens are ranked; one file per value in algo/importance/.
enum class Importance { kAccumulatedAttention, kNormalised, kLastLayer, kProbe, kValueWeighted, kRandom, kRecent };
/// What happens between iterations of generation: all tokens compete again, or a pruned one is gone for good.
enum class Eviction { kReopen, kPermanent };
/// When a token pruned at layer l leaves: after the whole layer, or before its output projection and feed-forward.
enum class PrunePoint { kAfterLayer, kAfterAttention };
/// What shares one quantization scale: a row (token and head), or a whole matrix.
enum class Granularity { kRow, kTensor };

std::vector<std::pair<Importance, std::string>> enum_names(Importance);
std::vector<std::pair<Eviction, std::string>> enum_names(Eviction);
std::vector<std::pair<PrunePoint, std::string>> enum_names(PrunePoint);
std::vector<std::pair<Granularity, std::string>> enum_names(Granularity);

/// "From the layer after `after_layer` on, keep this ratio."
struct Step {
  std::int32_t after_layer = -1;
  double keep = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("after_layer", s.after_layer, "layer", "the ratio holds from the next layer on; -1: from the first layer on");
    f("keep", s.keep, "ratio", "kept ratio of the reference, in (0, 1]");
  }
  void validate(const JsonNode& node) const;
};

/// "Sequences of at least `min_length` tokens keep this average ratio."
struct LengthRule {
  std::uint32_t min_length = 0;
  double keep = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("min_length", s.min_length, "token", "shortest sequence to which the rule applies");
    f("keep", s.keep, "ratio", "average kept ratio, in (0, 1], in place of token.keep");
  }
  void validate(const JsonNode& node) const;
};

/// Tokens that no ranking may remove. They count towards the budget; when they are more than it, they all stay.
struct Protection {
  bool cls = true, sep = false, special = false;
  std::uint32_t first = 0, last = 0;
  double recent = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("cls", s.cls, "", "keep [CLS], which the classifier reads");
    f("sep", s.sep, "", "keep every [SEP]");
    f("special", s.special, "", "keep every special token");
    f("first", s.first, "token", "keep the first tokens of the sequence (attention sinks)");
    f("last", s.last, "token",
      "keep the newest tokens of the sequence (recent window); a decoder always keeps the newest");
    f("recent", s.recent, "ratio", "the same as a share of the layer's budget, 0 to 1; the larger of the two holds");
  }
  void validate(const JsonNode& node) const;
};

/// Cascade token pruning (HPCA'21 III-A). Exactly one of keep (with start, end, length_rule), ratios, counts and steps
/// says how many tokens stay.
struct TokenPolicy {
  double keep = 1;
  std::optional<double> start, end;
  double protected_layers = 0.15;
  std::vector<LengthRule> length_rule;
  std::vector<double> ratios;
  std::vector<std::uint32_t> counts;
  std::vector<Step> steps;
  std::uint32_t reference_length = 0, reference_layers = 0;
  Importance importance = Importance::kAccumulatedAttention;
  Protection protect;
  PrunePoint point = PrunePoint::kAfterLayer;
  bool prompt = false, generation = true;
  std::uint32_t first_iteration = 1;
  Eviction eviction = Eviction::kReopen;
  double rescale = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("keep", s.keep, "ratio", "average kept ratio over the layers that may prune, in (0, 1]; 1: off (HPCA'21 V-A)");
    f("start", s.start, "ratio", "kept ratio of the first layer that prunes; null: min(1, 1.5 keep), or 2 keep - end");
    f("end", s.end, "ratio", "kept ratio of the last layer; start + end = 2 keep; null: 2 keep - start");
    f("protected_layers", s.protected_layers, "ratio",
      "front share of the layers that keeps all tokens, rounded up (used with keep)");
    f("length_rule", s.length_rule, "",
      "keep by length: the entry with the largest min_length that fits replaces keep");
    f("ratios", s.ratios, "ratio", "kept ratio per layer, of the tokens that enter it; in place of keep");
    f("counts", s.counts, "token", "kept tokens per layer, absolute; in place of keep");
    f("steps", s.steps, "", "step schedule, as in the authors' traces; in place of keep");
    f("reference_length", s.reference_length, "token", "length that ratios refer to; 0: the length of the sequence");
    f("reference_layers", s.reference_layers, "layer",
      "depth for which steps are written; they move in proportion to the model's depth; 0: as written");
    f("importance", s.importance, "", "how tokens are ranked");
    f("protect", s.protect, "", "tokens that always stay");
    f("point", s.point, "",
      "after_layer: a pruned token finishes the layer; after_attention: it leaves before output projection and "
      "feed-forward");
    f("prompt", s.prompt, "", "decoders: prune in the prompt pass too");
    f("generation", s.generation, "", "decoders: prune in the iterations of generation");
    f("first_iteration", s.first_iteration, "iteration",
      "decoders: first iteration of generation that prunes (authors' traces: 1)");
    f("eviction", s.eviction, "",
      "decoders: reopen: all tokens compete again in each iteration; permanent: pruned K and V are gone");
    f("rescale", s.rescale, "ratio", "decoders: factor on the scores between iterations, in (0, 1]");
  }
  void validate(const JsonNode& node) const;
  bool enabled() const;
};

/// Cascade head pruning (HPCA'21 III-B). Exactly one of keep, ratios, counts and steps says how many heads stay.
struct HeadPolicy {
  double keep = 1;
  std::optional<double> start, end;
  double protected_layers = 0.30;
  std::vector<double> ratios;
  std::vector<std::uint32_t> counts;
  std::vector<Step> steps;
  std::uint32_t reference_layers = 0;
  bool prompt = false, reset_scores = true;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("keep", s.keep, "ratio", "average kept ratio over the layers that may prune, in (0, 1]; 1: off (HPCA'21 V-A)");
    f("start", s.start, "ratio", "kept ratio of the first layer that prunes; null: min(1, 1.5 keep), or 2 keep - end");
    f("end", s.end, "ratio", "kept ratio of the last layer; start + end = 2 keep; null: 2 keep - start");
    f("protected_layers", s.protected_layers, "ratio",
      "front share of the layers that keeps all heads, rounded up (used with keep)");
    f("ratios", s.ratios, "ratio", "kept ratio per layer; in place of keep");
    f("counts", s.counts, "head", "kept heads per layer; in place of keep");
    f("steps", s.steps, "", "step schedule; in place of keep");
    f("reference_layers", s.reference_layers, "layer", "depth for which steps are written; 0: as written");
    f("prompt", s.prompt, "", "decoders: prune heads in the prompt pass too");
    f("reset_scores", s.reset_scores, "", "decoders: head scores start at zero in each pass; false: they accumulate");
  }
  void validate(const JsonNode& node) const;
  bool enabled() const;
};

/// Local value pruning (HPCA'21 III-C): each attention row drops the V of its smallest probabilities.
struct ValuePolicy {
  double keep = 1;
  std::uint32_t reference_length = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("keep", s.keep, "ratio", "kept ratio of V per row, in (0, 1]; 1: off");
    f("reference_length", s.reference_length, "token",
      "0: of the keys that the row sees; else of the layer's token budget at this length");
  }
  void validate(const JsonNode& node) const;
  bool enabled() const { return keep < 1; }
};

/// Static and progressive quantization of Q, K, V (HPCA'21 III-D). 0 bits: floating point.
struct QuantizationPolicy {
  std::uint32_t query_bits = 0, key_bits = 0, value_bits = 0;
  std::uint32_t msb_bits = 0, lsb_bits = 4;
  double threshold = 0.1;
  Granularity granularity = Granularity::kRow;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("query_bits", s.query_bits, "bit", "width of Q: 0 (off) or 4 to 12");
    f("key_bits", s.key_bits, "bit", "width of K without progressive quantization: 0 (off) or 4 to 12");
    f("value_bits", s.value_bits, "bit", "width of V: 0 (off) or 4 to 12");
    f("msb_bits", s.msb_bits, "bit", "progressive K: high bits read at first: 0 (off), 4, 6, 8, 10 or 12");
    f("lsb_bits", s.lsb_bits, "bit", "progressive K: low bits read when a row is flat: 4; 0: never, K has msb_bits");
    f("threshold", s.threshold, "probability",
      "a row whose largest probability is below it reads the low bits; 0: never");
    f("granularity", s.granularity, "", "what shares a scale: row (one token of one head) or tensor");
  }
  void validate(const JsonNode& node) const;
  bool enabled() const { return query_bits > 0 || stored_key_bits() > 0 || value_bits > 0; }
  /// True when rows may read low bits of K later.
  bool progressive() const { return msb_bits > 0 && lsb_bits > 0; }
  /// Width of K as stored, MSB and LSB together; 0: floating point.
  std::uint32_t stored_key_bits() const { return msb_bits > 0 ? msb_bits + lsb_bits : key_bits; }
};

struct Policy {
  std::string description, source;
  TokenPolicy token;
  HeadPolicy head;
  ValuePolicy value;
  QuantizationPolicy quantization;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("description", s.description, "", "one line about the policy");
    f("source", s.source, "", "where its numbers come from");
    f("token", s.token, "", "cascade token pruning");
    f("head", s.head, "", "cascade head pruning");
    f("value", s.value, "", "local value pruning");
    f("quantization", s.quantization, "", "static and progressive quantization");
  }

  bool token_pruning() const { return token.enabled(); }
  bool head_pruning() const { return head.enabled(); }
  /// Token scores fade from one iteration of a decoder to the next.
  bool rescales() const { return token_pruning() && token.rescale < 1; }
  bool value_pruning() const { return value.enabled(); }
  bool quantized() const { return quantization.enabled(); }
  /// False: the run is exactly the dense one.
  bool enabled() const { return token_pruning() || head_pruning() || value_pruning() || quantized(); }
};

/// Reads and checks a policy; absent keys keep their defaults. Throws Error with file, line and key.
Policy read_policy(const JsonNode& node);

/// The policy with every field, defaults included; reads back to the same policy.
Json resolved(const Policy& policy);

}  // namespace spatten::algo

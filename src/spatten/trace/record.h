// SPDX-License-Identifier: Apache-2.0
// What one run did, per (step, layer, head): the only thing that the runtime and a cycle-level simulator share. Counts,
// widths and flags are always there; which keys, which rows and which scores are there when the run was asked for them.
// Field order below is the order in the file (docs/formats/trace.md): a new field goes last and raises the version.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spatten::trace {

/// Summarization: all query rows of a pass at once, K and V are fetched once per head. Generation: one query row, K and
/// V are fetched for it (HPCA'21 IV-A).
enum class Stage : std::uint8_t { kSummarization, kGeneration };

inline std::vector<std::pair<Stage, std::string>> enum_names(Stage) {
  return {{Stage::kSummarization, "summarization"}, {Stage::kGeneration, "generation"}};
}

/// Longest context that a record may name: it bounds what a reader ever allocates.
inline constexpr std::uint32_t kMaxContext = std::uint32_t{1} << 20;
inline constexpr std::uint32_t kMaxHeadDim = std::uint32_t{1} << 16;
inline constexpr std::uint32_t kMaxLayers = std::uint32_t{1} << 16;
inline constexpr std::uint32_t kMaxHeads = std::uint32_t{1} << 16;
inline constexpr std::uint8_t kMaxBits = 32;

/// One head of one layer in one forward pass. A head that was pruned away has no record.
struct Record {
  /// Number of the forward pass in this run, from 0. With a prompt: 0 is the prompt, 1 the first generated token. The
  /// authors' CSVs hold no prompt: 0 is their first generated token. Many sentences: one step each, in order.
  std::uint32_t step = 0;
  std::uint32_t layer = 0;
  std::uint32_t head = 0;     ///< index in the unpruned model (the authors' CSVs renumber the survivors)
  std::uint32_t context = 1;  ///< L: tokens that a dense pass would attend to, the current one included
  std::uint32_t keys = 1;     ///< keys that survived token pruning
  std::uint32_t values = 1;   ///< V rows that local value pruning keeps for the query row that keeps most
  std::uint32_t lsb_rows = 0;  ///< query rows that needed the key LSBs (max probability < threshold)
  std::uint32_t rows = 1;      ///< query rows; 1 in generation
  Stage stage = Stage::kGeneration;
  bool causal = false;  ///< row r of the last `rows` keys sees only the keys up to itself
  std::uint32_t head_dim = 64;
  std::uint8_t key_msb_bits = 0;  ///< width fetched first; 0: not quantised, fp32
  std::uint8_t key_lsb_bits = 0;  ///< width fetched on demand; 0: no progressive quantization
  std::uint8_t query_bits = 0;    ///< 0: fp32
  std::uint8_t value_bits = 0;    ///< 0: fp32
  double threshold = 0.0;         ///< of progressive quantization, in 0..1; 0: none
  bool accumulate_importance = false;  ///< the probabilities went into the token scores
  bool rescale_importance = false;     ///< the scores are rescaled between this record and the next iteration
  std::uint32_t top_k_tokens = 0;      ///< token top-k ran after this record and kept so many; 0: it did not run
  std::uint32_t top_k_heads = 0;       ///< head top-k ran after this record and kept so many; 0: it did not run
  std::uint64_t values_total = 0;  ///< V rows kept, over all query rows; 0: each keeps `values`, or all it sees if fewer

  std::vector<std::uint32_t> key_ids;  ///< original positions of the keys, ascending; empty or `keys` long
  std::vector<float> scores;           ///< token scores of these keys after this record; empty or `keys` long
  std::vector<std::uint8_t> lsb_mask;  ///< bit r%8 of byte r/8: row r needed LSBs; empty or ceil(rows/8) long

  /// The scalar fields.
  template <class S, class F>
  static void each(S& s, F&& f) {
    f("step", s.step, "pass", "forward pass, from 0");
    f("layer", s.layer, "", "layer, from 0");
    f("head", s.head, "", "head, from 0");
    f("context", s.context, "token", "tokens a dense pass attends to");
    f("keys", s.keys, "token", "keys after token pruning");
    f("values", s.values, "token", "V rows kept by the query row that keeps most");
    f("lsb_rows", s.lsb_rows, "row", "query rows that needed key LSBs");
    f("rows", s.rows, "row", "query rows");
    f("stage", s.stage, "", "summarization or generation");
    f("causal", s.causal, "", "a row sees only the keys up to itself");
    f("head_dim", s.head_dim, "element", "elements of a Q, K or V row");
    f("key_msb_bits", s.key_msb_bits, "bit", "key width fetched first, 0: fp32");
    f("key_lsb_bits", s.key_lsb_bits, "bit", "key width fetched on demand, 0: none");
    f("query_bits", s.query_bits, "bit", "query width, 0: fp32");
    f("value_bits", s.value_bits, "bit", "value width, 0: fp32");
    f("threshold", s.threshold, "probability", "progressive quantization, 0: none");
    f("accumulate_importance", s.accumulate_importance, "", "probabilities went into the token scores");
    f("rescale_importance", s.rescale_importance, "", "token scores are rescaled before the next iteration");
    f("top_k_tokens", s.top_k_tokens, "token", "kept by the token top-k after this record, 0: none ran");
    f("top_k_heads", s.top_k_heads, "head", "kept by the head top-k after this record, 0: none ran");
    f("values_total", s.values_total, "token", "V rows kept over all query rows, 0: each keeps `values` or all it sees");
  }

  friend bool operator==(const Record&, const Record&) = default;
};

/// Pairs (query row, key) whose score the record computed, and (query row, value) that it summed.
std::uint64_t key_pairs(const Record& record);
std::uint64_t value_pairs(const Record& record);
/// value_pairs when every row keeps as many as it may; values_total is never more.
std::uint64_t most_value_pairs(const Record& record);

/// The run as a whole. A count of 0 and an empty text mean "not known".
struct Header {
  std::string model;   ///< name of the model
  std::string family;  ///< bert, gpt2
  std::string policy;  ///< the resolved policy as JSON text
  std::string source;  ///< what was run; the config path of an authors' CSV
  std::uint32_t layers = 0, heads = 0, head_dim = 0, hidden = 0, ffn = 0, vocab = 0;
  std::uint32_t prompt_length = 0;     ///< tokens of the first pass
  std::uint32_t generated_tokens = 0;  ///< passes of the generation stage; a recorded run does not know them at its start
  std::uint64_t seed = 0;              ///< below 2^63

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("model", s.model, "", "name of the model");
    f("family", s.family, "", "model family");
    f("policy", s.policy, "JSON", "resolved policy");
    f("source", s.source, "", "what was run");
    f("layers", s.layers, "", "layers of the unpruned model");
    f("heads", s.heads, "", "heads per layer of the unpruned model");
    f("head_dim", s.head_dim, "element", "elements of a Q, K or V row");
    f("hidden", s.hidden, "element", "hidden size");
    f("ffn", s.ffn, "element", "inner size of the feed-forward layer");
    f("vocab", s.vocab, "token", "vocabulary");
    f("prompt_length", s.prompt_length, "token", "tokens of the first pass");
    f("generated_tokens", s.generated_tokens, "token", "passes of the generation stage");
    f("seed", s.seed, "", "seed of the run");
  }

  friend bool operator==(const Header&, const Header&) = default;
};

}  // namespace spatten::trace

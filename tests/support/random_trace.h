// SPDX-License-Identifier: Apache-2.0
// Traces made at random within the rules, and small helpers of the trace tests.
#pragma once

#include <string>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/trace/memory.h"

namespace spatten::trace {

/// What the authors' CSV can hold, or everything.
enum class Detail { kAuthors, kFull };

inline std::uint32_t between(Random& random, std::uint32_t low, std::uint32_t high) {
  return low + static_cast<std::uint32_t>(random.below(high - low + std::uint64_t{1}));
}

inline void add_details(Random& random, Record& r) {
  if (random.below(2) == 0) {
    for (std::uint32_t id = 0; id < r.context; ++id) {  // keys of them, each subset as likely
      if (random.below(r.context - id) < r.keys - r.key_ids.size()) r.key_ids.push_back(id);
    }
  }
  if (random.below(2) == 0) {
    for (std::uint32_t i = 0; i < r.keys; ++i) r.scores.push_back(static_cast<float>(random.normal()));
  }
  if (random.below(2) == 0) {
    r.lsb_mask.assign((r.rows + 7) / 8, 0);
    for (std::uint32_t row = 0; row < r.lsb_rows; ++row) r.lsb_mask[row / 8] |= static_cast<std::uint8_t>(1u << (row % 8));
  }
}

inline Record random_record(Random& random, std::uint32_t context, Stage stage, Detail detail) {
  Record r;
  r.context = context;
  r.stage = stage;
  r.keys = between(random, 1, context);
  r.values = between(random, 0, r.keys);
  if (random.below(2) == 0) {
    r.key_msb_bits = static_cast<std::uint8_t>(between(random, 1, 12));
    r.key_lsb_bits = static_cast<std::uint8_t>(between(random, 0, 4));
    r.query_bits = static_cast<std::uint8_t>(between(random, 0, 16));
    r.value_bits = static_cast<std::uint8_t>(between(random, 0, 32));
    r.threshold = random.below(2) == 0 ? 0.0 : random.uniform();
  }
  if (stage == Stage::kSummarization) {
    r.causal = random.below(2) == 0;
    r.rows = between(random, 1, r.causal ? r.keys : context);
    r.values_total = random.below(2) == 0 ? 0 : random.below(most_value_pairs(r) + 1);
  }
  if (r.key_lsb_bits != 0) r.lsb_rows = between(random, 0, r.rows);
  r.accumulate_importance = random.below(2) == 0;
  r.rescale_importance = random.below(2) == 0;
  r.top_k_tokens = random.below(4) == 0 ? between(random, 1, context) : 0;
  if (detail == Detail::kFull) {
    r.top_k_heads = random.below(4) == 0 ? between(random, 1, 4) : 0;
    add_details(random, r);
  }
  return r;
}

/// Up to 5 steps, 3 layers, 4 heads, at least one record; some heads are missing as if pruned.
inline MemorySink random_trace(std::uint64_t seed, Detail detail) {
  Random random(seed);
  MemorySink out;
  Header header;
  header.source = "configs/random_" + std::to_string(seed) + ".yml";
  if (detail == Detail::kFull) {
    header.model = "modèle \"a\"\n";
    header.policy = "{\"token\": {\"keep\": 0.5}}";
    header.layers = 3;
    header.heads = 4;
    header.seed = random.next() >> 1;
  }
  out.begin(header);
  const std::uint32_t steps = between(random, 1, 5), head_dim = between(random, 1, 128);
  std::uint32_t step = between(random, 0, 3);
  for (std::uint32_t s = 0; s < steps; ++s, step += between(random, 1, 2)) {
    const bool prompt = detail == Detail::kFull && random.below(3) == 0;
    const std::uint32_t context = between(random, 1, 60);
    for (std::uint32_t layer = 0; layer < 3; ++layer) {
      for (std::uint32_t head = 0; head < 4; ++head) {
        const bool last_chance = s + 1 == steps && layer == 2 && head == 3 && out.records().empty();
        if (random.below(5) == 0 && !last_chance) continue;
        Record r = random_record(random, context, prompt ? Stage::kSummarization : Stage::kGeneration, detail);
        r.step = step;
        r.layer = layer;
        r.head = head;
        r.head_dim = head_dim;
        out.write(r);
      }
    }
  }
  out.end();
  return out;
}

inline std::vector<Record> drain(Source& source) {
  std::vector<Record> out;
  Record record;
  while (source.next(record)) out.push_back(record);
  return out;
}

/// what() of the exception of this type that the call throws, "" when it throws none.
template <class E, class F>
std::string message_of(F&& call) {
  try {
    call();
  } catch (const E& e) {
    return e.what();
  }
  return "";
}

}  // namespace spatten::trace

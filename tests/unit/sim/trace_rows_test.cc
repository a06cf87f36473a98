// SPDX-License-Identifier: Apache-2.0
// Where the rows of a trace lie in DRAM, and which heads share their vectors.
#include "spatten/sim/accelerator/trace_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "spatten/trace/memory.h"

namespace spatten::sim {
namespace {

constexpr std::uint32_t kAccess = 32, kChannels = 16;

trace::MemorySink layers_of(std::uint32_t heads, std::uint8_t bits, const std::vector<std::uint32_t>& rows = {}) {
  trace::MemorySink sink;
  trace::Header header;
  header.layers = 2;
  header.heads = heads;
  sink.begin(header);
  trace::Record r;
  r.context = r.keys = 40;
  r.values = 10;
  r.key_msb_bits = r.value_bits = bits;
  r.key_lsb_bits = 4;
  for (r.layer = 0; r.layer < 2; ++r.layer) {
    for (r.head = 0; r.head < heads; ++r.head) {
      r.rows = rows.empty() ? 1 : rows[r.head];
      r.stage = rows.empty() ? trace::Stage::kGeneration : trace::Stage::kSummarization;
      sink.write(r);
    }
  }
  sink.end();
  return sink;
}

ChipSpec chip() { return load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json"); }

/// Begin and end of what a head holds of a matrix, for the longest context.
struct Piece {
  std::uint64_t begin, end;
};

void expect_apart(std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_LE(pieces[i].end, pieces[i + 1].begin) << i;
  for (const Piece& p : pieces) EXPECT_EQ(p.begin % kAccess, 0u);
}

class Widths : public ::testing::TestWithParam<int> {};

TEST_P(Widths, MatricesOfAllHeadsAndLayersLieApart) {
  const trace::MemorySink trace = layers_of(12, static_cast<std::uint8_t>(GetParam()));
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, kAccess, 0);
  std::vector<Piece> pieces;
  std::map<std::uint32_t, std::map<std::uint64_t, int>> channels;  // per layer: where the keys of its heads begin
  while (const Row* row = rows.next()) {
    const auto whole = [&](const MatrixSlice& m) { pieces.push_back({m.base, m.base + std::uint64_t{m.vector_bytes} * spec.rows.max_keys}); };
    if (row->part == 0) {
      whole(row->key);
      whole(row->value);
      ++channels[row->layer_slot][row->key.base / kAccess % kChannels];
    }
    whole(row->key_lsb);
    pieces.push_back({row->query.base, row->query.base + row->query.vector_bytes});
    pieces.push_back({row->output_address, row->output_address + std::uint64_t{row->output_accesses} * kAccess});
  }
  expect_apart(pieces);
  for (const auto& [layer, begins] : channels) {
    for (const auto& [channel, heads] : begins) EXPECT_LE(heads, 2) << "layer " << layer << ", channel " << channel;
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, Widths, ::testing::Values(4, 6, 8, 10, 12));

TEST(TraceRows, TwoHeadsOfSixBitsShareTheirVectors) {
  const trace::MemorySink trace = layers_of(4, 6);
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, kAccess, 0);
  std::vector<const Row*> all;
  while (const Row* row = rows.next()) all.push_back(row);
  ASSERT_EQ(all.size(), 8u);
  for (std::size_t i = 0; i < all.size(); i += 2) {
    EXPECT_EQ(all[i]->fused, 2u);
    EXPECT_EQ(all[i + 1]->group, all[i]);
    EXPECT_EQ(all[i]->key.vector_bytes, 96u);
    EXPECT_EQ(all[i]->key.base, all[i + 1]->key.base);
    EXPECT_NE(all[i]->key_lsb.base, all[i + 1]->key_lsb.base);
    if (i > 0) {
      EXPECT_NE(all[i]->key.base, all[i - 2]->key.base);
    }
  }
}

/// Dimensions of a head, bytes of an access.
class Halves : public ::testing::TestWithParam<std::tuple<int, int>> {};

// Heads 2 and 3 lie side by side; 1, 4 and 7 have lost their neighbours and are no pairs of their own.
TEST_P(Halves, OfAPairOfSixBitHeadsAreReadAlone) {
  const auto head_dim = static_cast<std::uint32_t>(std::get<0>(GetParam()));
  const auto access = static_cast<std::uint32_t>(std::get<1>(GetParam()));
  trace::MemorySink trace;
  trace::Header header;
  header.heads = 8;
  trace.begin(header);
  trace::Record r;
  r.context = r.keys = r.values = 40;
  r.head_dim = head_dim;
  r.key_msb_bits = r.value_bits = 6;
  for (const std::uint32_t head : {1u, 2u, 3u, 4u, 7u}) {
    r.head = head;
    trace.write(r);
  }
  trace.end();
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, access, 0);
  std::vector<const Row*> all;
  while (const Row* row = rows.next()) all.push_back(row);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[1]->fused, 2u);
  const std::uint32_t own = head_dim * 6 / 8, both = (2 * own + access - 1) / access * access;
  for (const auto matrix : {&Row::key, &Row::value}) {
    const MatrixSlice& pair = all[1]->*matrix;
    EXPECT_EQ(pair.vector_bytes, both);
    EXPECT_EQ(pair.accesses, both / access);
    const std::uint64_t slot = std::uint64_t{spec.rows.max_keys + 1} * both, begin = pair.base - slot;  // heads 2 and 3: slot 1
    for (const std::size_t i : {0u, 3u, 4u}) {
      const Row& row = *all[i];
      const MatrixSlice& alone = row.*matrix;
      SCOPED_TRACE(row.head);
      EXPECT_EQ(row.fused, 1u);
      EXPECT_EQ(alone.vector_bytes, both);
      const std::uint64_t part = begin + row.head / 2 * slot + row.head % 2 * own;
      EXPECT_LE(alone.base, part);
      EXPECT_GT(alone.base + access, part);
      const std::uint64_t end = alone.base + std::uint64_t{alone.accesses} * access;
      EXPECT_GE(end, part + own);
      EXPECT_LT(end, part + own + access);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Halves, ::testing::Combine(::testing::Values(16, 32, 48, 64, 128), ::testing::Values(32, 64)));

TEST(TraceRows, TokensAreRankedAmongThoseThatAreAlive) {
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.context = 400;
  r.keys = 100;
  r.values = 50;
  r.key_msb_bits = r.value_bits = 8;
  r.top_k_tokens = 60;  // for the next layer
  trace.write(r);
  r.layer = 1;
  r.top_k_tokens = 300;  // for the next token, which sees them all again
  trace.write(r);
  trace.end();
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, kAccess, 0);
  const Row* alive = rows.next();
  EXPECT_EQ(alive->selection_elements, 100u);
  EXPECT_EQ(alive->selection_kept, 60u);
  const Row* all = rows.next();
  EXPECT_EQ(all->selection_elements, 400u);
  EXPECT_GT(all->selection_cycles, alive->selection_cycles);
}

/// Rows of one causal pass over 40 tokens of which all rows together keep `values_total` values.
std::vector<std::pair<std::uint32_t, std::uint32_t>> keys_and_values_of(std::uint64_t values_total) {
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.stage = trace::Stage::kSummarization;
  r.causal = true;
  r.context = r.keys = r.values = r.rows = 40;
  r.values_total = values_total;
  trace.write(r);
  trace.end();
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, kAccess, 0);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  while (const Row* row = rows.next()) out.emplace_back(row->keys, row->values);
  return out;
}

TEST(TraceRows, ARowOfAPromptKeepsValuesInProportionToWhatItSees) {
  for (const auto& [keys, values] : keys_and_values_of(40 * 41 / 2)) EXPECT_EQ(values, keys);
  std::uint64_t all = 0;
  for (const auto& [keys, values] : keys_and_values_of(40 * 41 / 4)) {
    EXPECT_NEAR(values, keys * 0.5, 1);
    all += values;
  }
  EXPECT_EQ(all, 40u * 41 / 4);
}

std::set<std::string> assumptions_of(trace::Record record, const std::vector<std::string>& overrides = {}) {
  record.context = record.keys = record.values = 40;
  record.key_msb_bits = record.value_bits = 8;
  trace::MemorySink trace;
  trace.begin({});
  trace.write(record);
  trace.end();
  trace::MemorySource source(trace);
  const ChipSpec spec = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json", overrides);
  TraceRows rows(source, spec, kAccess, 0);
  while (rows.next()) {
  }
  return rows.assumptions();
}

TEST(TraceRows, RandomNumbersThatStandInForProbabilitiesAreSaid) {
  trace::Record whole;
  EXPECT_TRUE(assumptions_of(whole).empty());
  trace::Record pruned;
  pruned.stage = trace::Stage::kSummarization;
  pruned.rows = 8;
  pruned.values_total = 80;
  EXPECT_EQ(assumptions_of(pruned), (std::set<std::string>{"The trace has no probabilities: the passes of a row's quick-select are those of random ranks."}));
  EXPECT_TRUE(assumptions_of(pruned, {"topk.enabled=false"}).empty());
  const auto java = assumptions_of(pruned, {"rows.pivots=java_values"});
  ASSERT_EQ(java.size(), 1u);
  EXPECT_NE(java.begin()->find("java.util.Random"), std::string::npos);
  trace::Record ranked;
  ranked.top_k_tokens = 20;
  EXPECT_EQ(assumptions_of(ranked), (std::set<std::string>{"The passes of the token and head top-k are those of random ranks: scores are not looked at."}));
  EXPECT_EQ(assumptions_of(whole, {"rows.ids=index_memory"}).size(), 1u);
}

TEST(TraceRows, HeadsWithSeveralQueriesDoNotPair) {
  const trace::MemorySink trace = layers_of(4, 6, {1, 7, 1, 1});
  trace::MemorySource source(trace);
  const ChipSpec spec = chip();
  TraceRows rows(source, spec, kAccess, 0);
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> seen;  // rows of each (layer, head)
  while (const Row* row = rows.next()) ++seen[{row->layer_slot, row->head}];
  for (std::uint32_t layer : {0u, 1u}) {
    EXPECT_EQ((seen[{layer, 0}]), 1);
    EXPECT_EQ((seen[{layer, 1}]), 7);
    EXPECT_EQ((seen[{layer, 2}]), 1);
    EXPECT_EQ((seen[{layer, 3}]), 1);
  }
}

}  // namespace
}  // namespace spatten::sim

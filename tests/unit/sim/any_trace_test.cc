// SPDX-License-Identifier: Apache-2.0
// Whatever a valid trace asks for, every chip finishes it, in the same cycles whatever the order of its units and the number
// of threads, and its books balance.
#include <gtest/gtest.h>

#include "spatten/base/random.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/memory.h"
#include "support/slow_build.h"

namespace spatten::sim {
namespace {

const std::vector<std::string> kChips{"spatten", "spatten-eighth", "spatten-e2e", "rtl-full", "rtl-eighth"};

template <class T>
T pick(const std::vector<T>& choices, Random& random) {
  return choices[random.below(choices.size())];
}

/// Two steps of three layers of up to six heads: any counts, widths and stages that the rules of a trace allow.
trace::MemorySink random_trace(Random& random, bool published_rtl, const ChipSpec& chip) {
  trace::MemorySink sink;
  trace::Header header;
  header.layers = 3;
  header.heads = 6;
  sink.begin(header);
  std::uint32_t dim = published_rtl ? 64 : pick<std::uint32_t>({64, 64, 32, 16, 128}, random);
  dim = std::min(dim, chip.qk.max_head_dim);
  for (std::uint32_t step = 0; step < 2; ++step) {
    const bool summarization = !published_rtl && random.below(3) == 0;
    const auto context = static_cast<std::uint32_t>(1 + random.below(random.below(4) == 0 ? std::min(600u, chip.rows.max_keys) : 90));
    trace::Record r;
    r.step = step;
    r.context = context;
    r.head_dim = dim;
    r.stage = summarization ? trace::Stage::kSummarization : trace::Stage::kGeneration;
    r.key_msb_bits = pick<std::uint8_t>({4, 6, 8, 10, 12, 0}, random);
    r.value_bits = pick<std::uint8_t>({4, 6, 8, 12, 0}, random);
    if (random.below(4) == 0) r.key_msb_bits = r.value_bits = 6;  // heads in pairs
    r.key_lsb_bits = r.key_msb_bits > 0 && random.below(2) == 0 ? 4 : 0;
    const bool long_prompt = random.below(kSlowBuild ? 20 : 5) == 0;
    for (r.layer = 0; r.layer < 3; ++r.layer) {
      r.keys = static_cast<std::uint32_t>(1 + random.below(context));
      r.values = static_cast<std::uint32_t>(1 + random.below(r.keys));
      const bool same_values = random.below(2) == 0;
      const auto heads = static_cast<std::uint32_t>(1 + random.below(6));
      for (r.head = 0; r.head < heads; ++r.head) {
        if (!same_values) r.values = static_cast<std::uint32_t>(1 + random.below(r.keys));
        const std::uint32_t most_rows = std::min(r.keys, long_prompt ? 200u : 20u);
        r.rows = summarization ? static_cast<std::uint32_t>(1 + random.below(most_rows)) : 1;
        r.causal = summarization && random.below(2) == 0;
        r.lsb_rows = r.key_lsb_bits > 0 ? static_cast<std::uint32_t>(random.below(r.rows + 1)) : 0;
        r.top_k_tokens = r.head + 1 == heads && random.below(2) == 0 ? std::max(1u, r.keys / 2) : 0;
        sink.write(r);
      }
    }
  }
  sink.end();
  return sink;
}

/// Which rows of a causal head come again is not known: the average row stands for them.
void expect_operations_of_the_arrays(const Result& result, const std::vector<trace::Record>& records) {
  std::uint64_t multiplies = 0;
  for (const UnitResult& unit : result.units) {
    if (unit.name == "qk" || unit.name == "prob_v") multiplies += unit.counter("multiplies");
  }
  const bool exact = std::none_of(records.begin(), records.end(), [](const trace::Record& r) { return r.causal && r.lsb_rows > 0; });
  if (exact) {
    EXPECT_EQ(result.ops_executed + result.fc_ops, 2 * multiplies);
  }
}

class AnyTrace : public ::testing::TestWithParam<std::string> {};

TEST_P(AnyTrace, IsFinishedInAnyOrderOfUnits) {
  for (std::uint64_t seed = 0; seed < (kSlowBuild ? 8 : 24); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed * 7919 + GetParam().size());
    ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/" + GetParam() + ".json");
    chip.barrier = pick<ChipSpec::Barrier>({ChipSpec::Barrier::kNone, ChipSpec::Barrier::kStep, ChipSpec::Barrier::kLayer}, random);
    if (random.below(2) == 0) {
      chip.key_sram.allocations = static_cast<std::uint32_t>(1 + random.below(4));
      chip.value_sram.allocations = static_cast<std::uint32_t>(1 + random.below(4));
    }
    const trace::MemorySink trace = random_trace(random, GetParam().starts_with("rtl"), chip);
    const std::string memory = random.below(2) == 0 ? "ideal:5" : SPATTEN_SOURCE_DIR "/configs/memory/hbm2-r21.json";
    SimulationOptions options;
    if (random.below(3) == 0) options.batch = static_cast<std::uint32_t>(1 + random.below(random.below(4) == 0 ? 40 : 4));
    const auto run = [&](std::uint64_t order, std::uint32_t threads, bool reuse) {
      SimulationOptions changed = options;
      changed.reuse_segments = reuse;
      changed.shuffle_units = order;
      changed.threads = threads;
      trace::MemorySource source(trace);
      return simulate(source, chip, [&] { return make_memory(memory, {"channels=" + std::to_string(chip.channels)}); }, changed);
    };
    const Result result = run(0, 1, true);
    std::uint64_t rows = 0;
    for (const trace::Record& r : trace.records()) rows += options.batch > 0 && r.rows == 1 ? options.batch : r.rows;
    EXPECT_EQ(result.rows, rows);
    if (!GetParam().starts_with("rtl")) expect_operations_of_the_arrays(result, trace.records());
    for (const Result& other : {run(seed + 1, 1, false), run(seed + 2, 2, true)}) {
      EXPECT_EQ(other.cycles, result.cycles);
      EXPECT_EQ(other.bytes.total(), result.bytes.total());
      for (std::size_t i = 0; i < result.units.size(); ++i) {
        for (const UnitResult& unit : other.units) {
          if (unit.name == result.units[i].name) {
            EXPECT_EQ(unit.counters, result.units[i].counters) << unit.name;
          }
        }
      }
    }
    for (const UnitResult& unit : result.units) {
      EXPECT_EQ(unit.activity.busy() + unit.activity.idle() + unit.activity.stalled(), result.cycles) << unit.name;
      if (unit.name == "fetcher") {
        EXPECT_EQ(unit.counter("query_bytes") + unit.counter("key_bytes") + unit.counter("key_lsb_bytes") +
                      unit.counter("value_bytes") + unit.counter("weight_bytes"),
                  unit.counter("accesses") * 32);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, AnyTrace, ::testing::ValuesIn(kChips), [](const auto& chip) {
  std::string name = chip.param;
  std::erase(name, '-');
  return name;
});

trace::MemorySink one_layer(const trace::Record& record, std::uint32_t heads = 1) {
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r = record;
  for (r.head = 0; r.head < heads; ++r.head) trace.write(r);
  trace.end();
  return trace;
}

Result on_the_papers_chip(const trace::MemorySink& trace, const std::string& memory, const SimulationOptions& options = {}) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  trace::MemorySource source(trace);
  return simulate(source, chip, [&] { return make_memory(memory); }, options);
}

trace::Record long_rows() {
  trace::Record r;
  r.context = r.keys = r.values = 1000;
  r.key_msb_bits = r.value_bits = 8;
  r.key_lsb_bits = 4;
  return r;
}

// A row that comes a second time is behind those that wait for it: they must leave room.
TEST(Simulate, RowsOfALongPromptThatAreReadAgainFindRoom) {
  trace::Record r = long_rows();
  r.stage = trace::Stage::kSummarization;
  r.rows = 200;
  r.lsb_rows = 50;
  EXPECT_EQ(on_the_papers_chip(one_layer(r), "ideal:20").rows, 200u);
}

TEST(Simulate, ManyQueriesOfTheSameKeysDoNotKeepTheirValuesOut) {
  SimulationOptions options;
  options.batch = 64;
  trace::Record r = long_rows();
  EXPECT_EQ(on_the_papers_chip(one_layer(r, 4), "ideal:20", options).rows, 256u);
  r.lsb_rows = 1;
  EXPECT_EQ(on_the_papers_chip(one_layer(r, 4), "ideal:20", options).rows, 256u);
}

// The longest latency that an ideal memory may have, and the smallest access.
TEST(Simulate, ASlowMemoryIsNoStallThatNeverEnds) {
  trace::Record r = long_rows();
  r.context = r.keys = r.values = 64;
  const Result slow = on_the_papers_chip(one_layer(r), "ideal:1048576");
  EXPECT_GT(slow.cycles, 2u << 20);
  EXPECT_LT(slow.cycles, 3u << 20);
}

TEST(Simulate, VectorsOfManySmallAccessesFindRoomInTheConverter) {
  trace::Record r = long_rows();
  r.key_msb_bits = r.value_bits = r.key_lsb_bits = 0;  // fp32: 32 accesses of 8 bytes
  const trace::MemorySink trace = one_layer(r);
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  trace::MemorySource source(trace);
  const Result result = simulate(source, chip, [] { return make_memory("ideal:20", {"access_bytes=8"}); });
  EXPECT_EQ(result.bytes.key_msb, 1000u * 256);
}

TEST(Simulate, TellsEqualLayersAsIfEachHadBeenSimulated) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.context = 120;
  r.keys = 90;
  r.values = 30;
  r.key_msb_bits = r.value_bits = 8;
  for (r.step = 0; r.step < 2; ++r.step) {
    for (r.layer = 0; r.layer < 40; ++r.layer) {
      for (r.head = 0; r.head < 3; ++r.head) trace.write(r);
    }
  }
  trace.end();
  const auto run = [&](bool reuse) {
    trace::MemorySource source(trace);
    SimulationOptions options;
    options.reuse_segments = reuse;
    return simulate(source, chip, [] { return make_memory(SPATTEN_SOURCE_DIR "/configs/memory/hbm2-r21.json"); }, options);
  };
  const Result reused = run(true), simulated = run(false);
  EXPECT_EQ(reused.cycles, simulated.cycles);
  EXPECT_EQ(reused.rows, 240u);
  ASSERT_EQ(reused.layers.size(), simulated.layers.size());
  for (std::size_t i = 0; i < reused.layers.size(); ++i) {
    EXPECT_EQ(reused.layers[i].step, simulated.layers[i].step);
    EXPECT_EQ(reused.layers[i].layer, simulated.layers[i].layer);
    EXPECT_EQ(reused.layers[i].first_accept, simulated.layers[i].first_accept);
    EXPECT_EQ(reused.layers[i].last_response, simulated.layers[i].last_response);
    EXPECT_EQ(reused.layers[i].bytes.total(), simulated.layers[i].bytes.total());
  }
  for (std::size_t i = 0; i < reused.units.size(); ++i) EXPECT_EQ(reused.units[i].counters, simulated.units[i].counters);
}

/// Steps of two layers each, of which the first ones are alike.
trace::MemorySink steps_of_two_layers() {
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.key_msb_bits = r.value_bits = 8;
  for (r.step = 0; r.step < 12; ++r.step) {
    r.context = r.keys = 100 + (r.step > 5 ? r.step : 0);
    r.values = 30;
    for (r.layer = 0; r.layer < 2; ++r.layer) trace.write(r);
  }
  trace.end();
  return trace;
}

TEST(Simulate, TellsTheRowsOfTheWholeRunAsTheyAreDone) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  const trace::MemorySink trace = steps_of_two_layers();
  for (const std::uint32_t threads : {1u, 3u}) {
    trace::MemorySource source(trace);
    std::vector<std::uint64_t> told;
    SimulationOptions options;
    options.threads = threads;
    options.progress = [&](std::uint64_t rows) { told.push_back(rows); };
    const Result result = simulate(source, chip, [] { return make_memory("ideal:10"); }, options);
    ASSERT_GE(told.size(), 7u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_EQ(told.back(), result.rows);
    EXPECT_EQ(result.rows, 24u);
  }
}

TEST(Simulate, StoppedBeforeItsFirstSegmentItIsCancelled) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  const trace::MemorySink trace = steps_of_two_layers();
  trace::MemorySource source(trace);
  const std::atomic<bool> stop = true;
  SimulationOptions options;
  options.stop = &stop;
  EXPECT_THROW(simulate(source, chip, [] { return make_memory("ideal:10"); }, options), Cancelled);
}

TEST(Simulate, RefusesLayersThatTheMemoryCannotHold) {
  const trace::MemorySink trace = steps_of_two_layers();
  const auto run = [&](const std::string& name, const std::string& rows) {
    trace::MemorySource source(trace);
    const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/" + name + ".json");
    const std::vector<std::string> overrides = {fmt::format("channels={}", chip.channels), "organization.rows=" + rows};
    return simulate(source, chip, [&] { return make_memory(SPATTEN_SOURCE_DIR "/configs/memory/hbm2-r21.json", overrides); });
  };
  try {
    run("spatten", "1");
    FAIL() << "no error";
  } catch (const Error& error) {
    for (const char* part : {"layer 0", "524288", "memory.organization"}) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(run("spatten", "1024").rows, 24u);
  EXPECT_EQ(run("rtl-full", "1").rows, 24u);  // request windows wrap
}

TEST(Simulate, RefusesAHeadThatTheArraysCannotHold) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/rtl-full.json");
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.context = r.keys = r.values = 32;
  r.head_dim = 128;
  r.key_msb_bits = r.value_bits = 8;
  trace.write(r);
  trace.end();
  trace::MemorySource source(trace);
  try {
    simulate(source, chip, [] { return make_memory("ideal:1"); });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "record 1: step 0, layer 0, head 0: expected a head dimension of at most 64, or one that divides "
                               "array.multipliers 512 and is at most qk.max_head_dim 64, found 128");
  }
}

TEST(Simulate, RefusesMoreKeysThanTheChipHolds) {
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  trace::MemorySink trace;
  trace.begin({});
  trace::Record r;
  r.context = r.keys = r.values = 1025;
  r.key_msb_bits = r.value_bits = 8;
  trace.write(r);
  trace.end();
  trace::MemorySource source(trace);
  EXPECT_THROW(simulate(source, chip, [] { return make_memory("ideal:1"); }), Error);
}

}  // namespace
}  // namespace spatten::sim

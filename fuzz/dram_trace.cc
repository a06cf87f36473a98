// SPDX-License-Identifier: Apache-2.0
// A memory trace of any bytes either replays or throws Error; what it counts adds up.
#include "spatten/sim/memory/dram_trace.h"

#include <cstdint>

#include "spatten/base/error.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/sim/memory/trace_replay.h"

namespace {

using namespace spatten;

/// A tiny machine whose queues fill at once; the other scheduler by the first bit of the input.
sim::DramSpec small_memory(bool bank_queues) {
  using enum sim::DramCommand;
  sim::DramSpec spec;
  spec.name = "fuzz";
  spec.channels = 2;
  spec.organization = {.pseudo_channels = 2, .bank_groups = 2, .banks = 2, .rows = 16, .columns = 4};
  spec.address_map = {sim::AddressPart::kColumn, sim::AddressPart::kPseudoChannel, sim::AddressPart::kBankGroup,
                      sim::AddressPart::kBank, sim::AddressPart::kRow};
  const auto rule = [&spec](sim::DramLevel level, sim::DramCommand from, sim::DramCommand to, const char* clocks) {
    spec.timing.rules.push_back({level, {from}, {to}, clocks, 1});
  };
  for (const auto from : {kActivate, kPrecharge, kRead, kWrite}) {
    for (const auto to : {kActivate, kPrecharge, kRead, kWrite}) rule(sim::DramLevel::kBank, from, to, "3");
  }
  for (const auto from : {kRead, kWrite, kActivate}) {
    for (const auto to : {kRead, kWrite, kActivate}) rule(sim::DramLevel::kPseudoChannel, from, to, "2");
  }
  for (const auto from : {kActivate, kPrecharge, kPrechargeAll, kRead, kWrite})
    rule(sim::DramLevel::kPseudoChannel, from, kRefresh, "4");
  for (const auto from : {kActivate, kRead, kWrite, kRefresh})
    rule(sim::DramLevel::kPseudoChannel, from, kPrechargeAll, "5");
  for (const auto from : {kRefresh, kPrechargeAll}) rule(sim::DramLevel::kPseudoChannel, from, kActivate, "6");
  spec.timing.clocks.nREFI = 50;
  spec.controller.read_queue = spec.controller.write_queue = 4;
  spec.controller.writes_start = 2;
  spec.controller.writes_stop = 1;
  spec.controller.bank_queue = 2;
  spec.controller.merge_reads = bank_queues;
  spec.controller.scheduler = bank_queues ? sim::DramScheduler::kBankQueues : sim::DramScheduler::kFirstReady;
  spec.refresh = {bank_queues ? sim::RefreshPolicy::kDrain : sim::RefreshPolicy::kInOrder, 10};
  return spec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto memory = sim::make_dram(small_memory(size > 0 && (data[size - 1] & 1) != 0));
  try {
    sim::DramTraceReader trace(
        InputStream::from_memory("trace", std::string(reinterpret_cast<const char*>(data), size)));
    const sim::ReplayResult result = sim::replay(trace, *memory);
    SPATTEN_CHECK(result.requests() > 0);
    SPATTEN_CHECK(result.read_latency.count() == result.reads);
    SPATTEN_CHECK(result.stats.reads <= result.reads && result.stats.writes <= result.writes);
  } catch (const Error&) {
  }
  return 0;
}

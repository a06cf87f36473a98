// SPDX-License-Identifier: Apache-2.0
// A memory file of any bytes either gives a memory that answers reads, or throws Error.
#include <cstdint>

#include "spatten/base/error.h"
#include "spatten/sim/memory/make_memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spatten;
  sim::DramSpec spec;
  try {
    const JsonFile file = JsonFile::parse(std::string(reinterpret_cast<const char*>(data), size), "memory");
    spec = sim::read_dram_spec(file.root());
  } catch (const Error&) {
    return 0;
  }
  spec.channels = 1;
  if (std::uint64_t{spec.controller.read_queue} + spec.controller.write_queue > 10000) return 0;
  const auto memory = sim::make_dram(spec);
  sim::MemoryChannel& channel = memory->channel(0);
  sim::Cycles now = 0;
  std::uint32_t offered = 0, taken = 0;
  // Clocks without an event are skipped, so that long latencies cost no time.
  for (int steps = 0; steps < 100000 && (offered < 8 || taken < 8); ++steps) {
    if (offered < 8 && channel.offer({(std::uint64_t{offered} * 7919 * spec.access_bytes) % spec.channel_bytes() /
                                          spec.access_bytes * spec.access_bytes,
                                      false, offered},
                                     now))
      ++offered;
    while (channel.take(now)) ++taken;
    channel.tick(now);
    const sim::Cycles next = channel.next_event();
    if (next == sim::kNever && offered == 8) break;
    now = offered < 8 ? now + 1 : next;
  }
  SPATTEN_CHECK(taken == offered && channel.unfinished() == 0);
  return 0;
}

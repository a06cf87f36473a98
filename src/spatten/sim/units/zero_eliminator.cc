// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/zero_eliminator.h"

#include <algorithm>

namespace spatten::sim {

ZeroEliminator::ZeroEliminator(std::string name) : Unit(std::move(name)), passes(*this, 4, 1), filtered(*this, 4, 1) {}

// One row's passes after the other's, as the engine does them.
void ZeroEliminator::take(InPort<Packing>& in, Cycles now, Cycles& busy_until) {
  while (in.front(now)) {
    const Packing packing = in.pop(now);
    busy_until = std::max(busy_until, now) + packing.cycles;
    stats_.elements += packing.elements;
    stats_.zeros += packing.zeros;
  }
}

Tick ZeroEliminator::tick(Cycles now) {
  take(passes, now, passes_until_);
  take(filtered, now, filter_until_);
  const Cycles busy_until = std::max(passes_until_, filter_until_);
  const Cycles arrival = std::min(passes.next_ready(), filtered.next_ready());
  return busy_until > now ? Tick{Why::kBusy, std::min(busy_until, arrival)} : Tick{Why::kIdle, arrival};
}

}  // namespace spatten::sim

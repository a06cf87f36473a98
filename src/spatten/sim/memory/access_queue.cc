// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/access_queue.h"

namespace spatten::sim {

void AccessQueue::close_gaps() {
  const Set waiting = waiting_, hits = hits_;
  waiting_ = hits_ = 0;
  of_bank_ = of_group_ = of_pseudo_channel_ = {};
  size_ = end_ = 0;
  for (Set rest = waiting; rest != 0; rest &= rest - 1) {
    const Set place = oldest(rest);
    push(at(place), addresses_[static_cast<std::size_t>(std::countr_zero(place))], (hits & place) != 0);
  }
}

}  // namespace spatten::sim

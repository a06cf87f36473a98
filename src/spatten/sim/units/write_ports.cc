// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/write_ports.h"

#include <utility>

namespace spatten::sim {

WritePorts::Line WritePorts::line_of(const SramWrite& write, std::uint32_t port) const {
  Line line{write.row, write.stream, port, port < write.lines ? 1u : 0u, write.last};
  if (write.row->fused == 2 && write.stream != Stream::kKeyLsb) {
    if (port == 1) line.row = write.row->next_in_group;
    line.bank = line_ % kPorts;
    line.lines = write.lines;
  }
  return line;
}

// What stands in the request register has left it by now, if it was served.
void WritePorts::advance(std::uint32_t index) {
  Port& port = ports_[index];
  if (port.skid) {
    if (!port.request) port.request = std::exchange(port.skid, std::nullopt);
    return;
  }
  if (!port.data) return;
  (port.request ? port.skid : port.request) = std::exchange(port.data, std::nullopt);
}

}  // namespace spatten::sim

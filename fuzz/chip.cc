// SPDX-License-Identifier: Apache-2.0
// A chip's file: whatever the bytes are, they are refused with an Error or give a chip whose knobs are in range.
#include <cstddef>
#include <cstdint>
#include <string>

#include "spatten/base/error.h"
#include "spatten/base/fields.h"
#include "spatten/sim/accelerator/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const spatten::JsonFile file = spatten::JsonFile::parse(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    spatten::sim::ChipSpec chip;
    spatten::read_fields(file.root(), chip);
    SPATTEN_CHECK(chip.results_per_line() > 0 && chip.fetcher.lanes % chip.results_per_line() == 0);
  } catch (const spatten::Error&) {
  }
  return 0;
}

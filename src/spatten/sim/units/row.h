// SPDX-License-Identifier: Apache-2.0
// The unit of work of the chip: one query of one head (HPCA'21 IV-A). Rows are made by accelerator/row_source, owned by the
// controller, and passed from unit to unit by pointer; each field says who writes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

/// What a fetch brings.
enum class Stream : std::uint8_t { kQuery, kKey, kKeyLsb, kValue, kWeights };

/// One matrix in DRAM as a row reads it: vector i of the fetch lies at base + id(i) * vector_bytes.
struct MatrixSlice {
  std::uint64_t base = 0;
  std::uint32_t vectors = 0;             ///< how many are fetched
  std::uint32_t vector_bytes = 0;        ///< stride; a multiple of the access size
  std::uint32_t accesses = 0;            ///< DRAM accesses per vector
  const std::uint32_t* ids = nullptr;    ///< id of each vector; nullptr: 0, 1, 2, ...

  std::uint64_t address(std::uint32_t vector, std::uint32_t access, std::uint32_t access_bytes) const {
    return base + std::uint64_t{ids ? ids[vector] : vector} * vector_bytes + std::uint64_t{access} * access_bytes;
  }
};

/// Numbers of a row for the functional datapath; defined beside its user (units/datapath.h).
struct RowData;

struct Row {
  // From the row source.
  std::uint32_t id = 0;            ///< order of acceptance
  std::uint32_t layer_slot = 0;    ///< index into the run's list of layers
  std::uint32_t head_dim = 64;
  std::uint32_t keys = 0, values = 0;  ///< that this row multiplies
  std::uint32_t part = 0;          ///< index in its group: rows that share one fetch of K and V
  bool last_part = true;
  std::uint32_t fused = 1;         ///< heads whose vectors lie interleaved (2 for 6 bits)
  MatrixSlice query, key, key_lsb, value;
  std::uint32_t key_alloc_lines = 0, value_alloc_lines = 0;  ///< buffer lines of the whole group; part 0 only
  std::uint32_t key_line_offset = 0, value_line_offset = 0;  ///< first line of this row in the group's lines
  bool weights_only = false;       ///< no attention: `key` are weights of an FC layer, streamed through both arrays
  bool values_with_keys = false;   ///< V of the whole group is fetched beside K, without waiting for a selection
  bool replay = false;             ///< its LSBs are fetched (decided by the trace, or by the values where there are any)
  bool select_values = false;      ///< the local top-k works on this row
  std::uint32_t select_cycles = 0; ///< passes of the quick-select over this row
  std::uint32_t select_passes = 0;
  std::uint64_t select_compares = 0, select_packed = 0;  ///< elements that they read, and write back
  std::uint32_t selection_cycles = 0;     ///< above 0: token and head top-k run after this row, for so long
  std::uint32_t selection_elements = 0, selection_kept = 0;
  std::uint64_t selection_compares = 0, selection_packed = 0;
  std::uint64_t output_address = 0;
  std::uint32_t output_accesses = 0;
  std::uint32_t head = 0;
  Row* group = nullptr;            ///< part 0 of the group
  Row* next_in_group = nullptr;
  RowData* data = nullptr;         ///< numbers, where there are any

  // Written on the way.
  bool second_pass = false;        ///< controller: on its way with merged LSBs
  std::uint32_t key_lines_written = 0, lsb_lines_written = 0, value_lines_written = 0;  ///< SRAMs (of the group's part 0)
  bool in_topk = false;            ///< top-k engine: lines of it are there or still to come, its output may be out already
  Cycles accept = 0, response = 0;  ///< controller
};

/// Keys or values of one line: `results` of them up to head dimension 64, fewer when heads are larger.
inline std::uint32_t line_elements(std::uint32_t results, std::uint32_t head_dim) {
  return head_dim <= 64 ? results : std::max(1u, results * 64 / head_dim);
}

/// One line of the datapath: up to results-per-cycle keys or values of a row.
struct Line {
  Row* row = nullptr;
  std::uint32_t index = 0;     ///< line of the row
  std::uint32_t elements = 0;  ///< keys or values in it
  bool first = false, last = false;
  bool replay_pending = false;  ///< requant: this pass is thrown away, a second follows
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The machine: every unit of Fig. 8, built from a chip's description and wired in one function.
#pragma once

#include <memory>

#include "spatten/sim/accelerator/controller.h"
#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/sim/core/engine.h"
#include "spatten/sim/units/bitwidth_converter.h"
#include "spatten/sim/units/crossbar.h"
#include "spatten/sim/units/datapath.h"
#include "spatten/sim/units/importance_unit.h"
#include "spatten/sim/units/memory_unit.h"
#include "spatten/sim/units/prob_v_unit.h"
#include "spatten/sim/units/qk_unit.h"
#include "spatten/sim/units/qkv_fetcher.h"
#include "spatten/sim/units/requant_unit.h"
#include "spatten/sim/units/softmax_unit.h"
#include "spatten/sim/units/sram.h"
#include "spatten/sim/units/token_topk.h"
#include "spatten/sim/units/topk_engine.h"
#include "spatten/sim/units/zero_eliminator.h"

namespace spatten::sim {

class Accelerator {
 public:
  /// All three outlive it; `datapath` may be nullptr.
  Accelerator(const ChipSpec& chip, Memory& memory, RowSource& rows, Datapath* datapath);

  Engine& engine() { return engine_; }
  Controller& controller() { return controller_; }
  /// Runs until the last output is there and written. `every` as in Engine::run.
  Cycles run(const std::function<bool()>& every);

  /// Units in the order of the data path.
  std::vector<UnitResult> units() const;
  StreamBytes bytes() const;

 private:
  void wire();

  const ChipSpec& chip_;
  std::uint32_t access_bytes_;
  Controller controller_;
  QkvFetcher fetcher_;
  AddressCrossbar address_crossbar_;
  MemoryUnit memory_;
  DataCrossbar data_crossbar_;
  BitwidthConverter converter_;
  Sram key_sram_;
  QkUnit qk_;
  SoftmaxUnit softmax_;
  RequantUnit requant_;
  ReorderBuffer reorder_;
  TopKEngine topk_;
  ZeroEliminator eliminator_;
  Sram value_sram_;
  ProbVUnit prob_v_;
  ImportanceUnit token_importance_, head_importance_;
  TokenTopK token_topk_;
  ZeroEliminator token_eliminator_;
  std::vector<Unit*> units_;
  Engine engine_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// What the units compute, where a row carries numbers: the arithmetic of algo/fixed_point, called by the unit that does it
// in the chip and in the cycle in which it does it. A row without numbers is only counted.
#pragma once

#include "spatten/sim/units/row.h"

namespace spatten::sim {

class Datapath {
 public:
  virtual ~Datapath() = default;
  virtual void score(const Line& line) = 0;      // Q x K: scores of a line of keys
  virtual void normalise(Row& row) = 0;          // softmax of the whole row
  virtual bool wants_lsb(Row& row) = 0;          // progressive quantization: the row is flat
  virtual void select(Row& row) = 0;             // local top-k: sets Row::select_* to what the passes really were
  virtual void weigh(const Line& line) = 0;      // prob x V: adds a line of values
  virtual void finish(Row& row) = 0;             // output
  virtual void add_token_importance(Row& row) = 0;  // its probabilities to the scores of its head's keys
  virtual void add_head_importance(Row& row) = 0;   // the magnitude of its output to the score of its head
};

}  // namespace spatten::sim

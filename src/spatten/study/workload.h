// SPDX-License-Identifier: Apache-2.0
// Something whose speed can be measured: it runs again and again, and knows what a run amounts to.
#pragma once

namespace spatten {

class Workload {
 public:
  virtual ~Workload() = default;

  /// Before every run, outside its time.
  virtual void prepare() {}
  /// What is timed.
  virtual void run() = 0;

  /// Passes or tokens of one run; everything below and every time is per unit.
  virtual double units() const { return 1; }
  /// Arithmetic operations as executed, a multiply-add being two; 0 when that is not what it is about. After a run.
  virtual double operations() const { return 0; }
  /// Bytes that must come from memory; 0 likewise. After a run.
  virtual double read_bytes() const { return 0; }
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A Hugging Face folder: config.json and model.safetensors, or model.safetensors.index.json with its shards. Opening
// checks the names, types and shapes of all tensors; reading converts F32, F16 and BF16 to fp32 on the way. Nothing
// outside the folder is opened. For measurements there are checkpoints without files, too: random weights of any shape.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/kernels/precision.h"
#include "spatten/model/config.h"
#include "spatten/model/weights_table.h"

namespace spatten {

struct CheckpointOptions {
  ValueCheck check = ValueCheck::kFinite;  // on every value that is read
  bool check_memory = true;                // refuse to open when the weights at `precision` would not fit
  kernels::Precision precision = kernels::Precision::kFp32;  // that a model made of it keeps its matrices at
  SafetensorsLimits limits = {};
};

/// An open model folder. All methods are const and may be called from several threads at once.
class Checkpoint {
 public:
  /// Throws Error naming file and key, or file and tensor.
  static Checkpoint open(const std::string& folder, const CheckpointOptions& options = {});

  /// Weights made up as they are read, of the size that training gives; no files. The required tensors only. The same
  /// seed gives the same values, in strips of any height. `config.task` must be set.
  static Checkpoint random(const ModelConfig& config, std::uint64_t seed,
                           kernels::Precision precision = kernels::Precision::kFp32);

  const std::string& folder() const { return folder_; }
  const ModelConfig& config() const { return config_; }
  Task task() const { return *config_.task; }

  /// Elements of all tensors of the table that are present.
  std::uint64_t parameters() const;
  /// The precision of the options.
  kernels::Precision precision() const { return options_.precision; }
  /// What the parameters take in memory at that precision, scales included and padding not; compared with the memory that is
  /// left before anything is read.
  std::uint64_t weight_bytes() const;
  /// Size of the weight files; 0 for random weights.
  std::uint64_t file_bytes() const;

  /// Names are the canonical ones of weights_table.h.
  bool has(std::string_view name) const;
  /// Rows x columns as stored; a vector is one row.
  std::pair<std::size_t, std::size_t> shape(std::string_view name) const;
  Orientation orientation(std::string_view name) const;
  /// What this tensor is kept at: the precision, or fp32 (Rounding).
  kernels::Precision precision(std::string_view name) const;

  /// Writes rows x columns values. Throws Error naming tensor and position of a value that the check refuses.
  void read(std::string_view name, float* out) const;
  /// The same in pieces of at most `rows_per_strip` rows, in order; the view is valid during the call. Memory: one strip.
  void read_strips(std::string_view name, std::size_t rows_per_strip,
                   const std::function<void(std::size_t first_row, ConstMatrix rows)>& use) const;

 private:
  Checkpoint() = default;
  const StoredWeight* find(std::string_view name) const;
  const StoredWeight& get(std::string_view name) const;
  kernels::Precision precision_of(const StoredWeight& weight) const;
  void require_memory_for_weights() const;
  void read_elements(const StoredWeight& weight, std::uint64_t first, std::size_t count, float* out) const;
  void make_elements(const StoredWeight& weight, std::uint64_t first, std::size_t count, float* out) const;
  [[noreturn]] void refuse_value(const StoredWeight& weight, std::uint64_t element, float value) const;

  std::string folder_;
  ModelConfig config_;
  CheckpointOptions options_;
  std::vector<SafetensorsFile> files_;
  std::vector<TensorInfo> made_up_;    // the tensors of random(), which have no file
  std::uint64_t seed_ = 0;
  std::vector<StoredWeight> weights_;  // sorted by name; point into files_ or made_up_, whose elements do not move any more
};

}  // namespace spatten

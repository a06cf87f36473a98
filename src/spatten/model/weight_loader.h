// SPDX-License-Identifier: Apache-2.0
// Reads a checkpoint's tensors straight into the layers' packed form, at the checkpoint's precision: a list of jobs, run on all
// threads, each with one strip of rows in fp32 at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "spatten/layers/layer_norm.h"
#include "spatten/layers/linear.h"
#include "spatten/model/checkpoint.h"

namespace spatten {

class WeightLoader {
 public:
  explicit WeightLoader(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// Each of these allocates the target now and reads it in run(); the target must stay where it is until then.
  /// `names`: layers that stand side by side in the outputs (Q, K, V); without ".weight" and ".bias".
  void linear(const std::vector<std::string>& names, std::size_t panel_width, Linear& out);
  void layer_norm(const std::string& name, float eps, LayerNorm& out);
  void vector(const std::string& name, std::vector<float>& out);
  void table(const std::string& name, OwnedMatrix<float>& out);
  /// An embedding table (vocab x hidden) as the weights of an LM head (hidden x vocab).
  void packed_table(const std::string& name, kernels::PackedMatrix& out);

  void run(ThreadPool& threads);

 private:
  kernels::PackedMatrix make_matrix(const std::string& name, std::size_t in, std::size_t out, std::size_t panel_width) const;
  void pack(const std::string& name, std::size_t first_out, kernels::PackedMatrix& out);

  const Checkpoint& checkpoint_;
  std::vector<std::function<void()>> jobs_;
};

/// Width of the panels of a Q/K/V projection: a whole head where that is a good width, else a part of one. The head is a
/// multiple of 16, which the attention kernels need; read_model_config refuses others.
std::size_t head_panel_width(std::size_t head_dim);

/// The kernel of a configuration's feed-forward activation.
kernels::Activation activation_of(const ModelConfig& config);

}  // namespace spatten

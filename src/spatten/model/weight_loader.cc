// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/weight_loader.h"

#include <algorithm>

namespace spatten {
namespace {

constexpr std::size_t kStripBytes = std::size_t{1} << 20;  // fits L2 and is long enough for the disk

std::size_t strip_rows(std::size_t cols) { return std::max<std::size_t>(16, kStripBytes / sizeof(float) / std::max<std::size_t>(cols, 1)); }

}  // namespace

void WeightLoader::pack(const std::string& name, std::size_t first_out, kernels::PackedMatrix& out) {
  const bool linear = checkpoint_.orientation(name) != Orientation::kConv1d;
  jobs_.push_back([this, name, first_out, linear, &out] {
    const auto [rows, cols] = checkpoint_.shape(name);
    if (!linear && out.precision() == kernels::Precision::kInt8) {  // an output's scale needs all of its rows
      checkpoint_.read_strips(name, strip_rows(cols), [&](std::size_t, ConstMatrix strip) { out.measure_in_out(strip); });
    }
    checkpoint_.read_strips(name, strip_rows(cols), [&](std::size_t first, ConstMatrix strip) {
      if (linear) {
        out.put_out_in(first_out + first, strip);
      } else {
        out.put_in_out(first, strip);
      }
    });
  });
}

kernels::PackedMatrix WeightLoader::make_matrix(const std::string& name, std::size_t in, std::size_t out,
                                                std::size_t panel_width) const {
  const kernels::Precision precision = checkpoint_.precision(name);
  if (precision == kernels::Precision::kInt8 && in > kernels::PackedMatrix::kMaxInt8Inputs) {
    throw Error(checkpoint_.folder(), name, fmt::format("expected at most {} inputs for int8, found {}",
                                                        kernels::PackedMatrix::kMaxInt8Inputs, in));
  }
  return kernels::PackedMatrix(in, out, panel_width, precision);
}

void WeightLoader::linear(const std::vector<std::string>& names, std::size_t panel_width, Linear& out) {
  std::size_t in = 0, total = 0;
  std::vector<std::size_t> first;
  for (const std::string& name : names) {
    const auto [rows, cols] = checkpoint_.shape(name + ".weight");
    const bool conv = checkpoint_.orientation(name + ".weight") == Orientation::kConv1d;
    first.push_back(total);
    total += conv ? cols : rows;
    in = conv ? rows : cols;
  }
  out.weight = make_matrix(names[0] + ".weight", in, total, panel_width);
  out.bias.resize(total);
  for (std::size_t i = 0; i < names.size(); ++i) {
    // Conv1D strips carry all outputs at once; several of them side by side do not occur in any family.
    SPATTEN_CHECK(names.size() == 1 || checkpoint_.orientation(names[i] + ".weight") != Orientation::kConv1d);
    pack(names[i] + ".weight", first[i], out.weight);
    jobs_.push_back([this, name = names[i] + ".bias", to = out.bias.data() + first[i]] { checkpoint_.read(name, to); });
  }
}

void WeightLoader::vector(const std::string& name, std::vector<float>& out) {
  const auto [rows, cols] = checkpoint_.shape(name);
  out.resize(rows * cols);
  jobs_.push_back([this, name, &out] { checkpoint_.read(name, out.data()); });
}

void WeightLoader::layer_norm(const std::string& name, float eps, LayerNorm& out) {
  out.eps = eps;
  vector(name + ".weight", out.gamma);
  vector(name + ".bias", out.beta);
}

void WeightLoader::table(const std::string& name, OwnedMatrix<float>& out) {
  const auto [rows, cols] = checkpoint_.shape(name);
  out.resize(rows, cols);
  jobs_.push_back([this, name, &out] { checkpoint_.read(name, out.data()); });
}

void WeightLoader::packed_table(const std::string& name, kernels::PackedMatrix& out) {
  const auto [rows, cols] = checkpoint_.shape(name);
  out = make_matrix(name, cols, rows, kernels::PackedMatrix::kDefaultPanelWidth);
  pack(name, 0, out);
}

void WeightLoader::run(ThreadPool& threads) {
  threads.parallel_for(jobs_.size(), [&](std::size_t i, std::size_t) { jobs_[i](); });
  jobs_.clear();
}

std::size_t head_panel_width(std::size_t head_dim) {
  SPATTEN_CHECK(head_dim % 16 == 0);
  // A panel must divide the head and be a multiple of 16; 64 is the width that the kernels like best.
  for (const std::size_t width : {64u, 128u, 112u, 96u, 80u, 48u, 32u}) {
    if (head_dim % width == 0) return width;
  }
  return 16;
}

kernels::Activation activation_of(const ModelConfig& config) {
  switch (config.activation) {
    case HiddenActivation::kGelu: return kernels::Activation::kGelu;
    case HiddenActivation::kGeluTanh: return kernels::Activation::kGeluNew;
    case HiddenActivation::kRelu: return kernels::Activation::kRelu;
  }
  SPATTEN_CHECK(false);
  return kernels::Activation::kNone;
}

}  // namespace spatten

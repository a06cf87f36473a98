// SPDX-License-Identifier: Apache-2.0
// Layers in plain double precision, one token at a time: what the reference models are made of. Weights are those of a
// checkpoint; nothing is shared with the runtime's kernels.
#pragma once

#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/model/checkpoint.h"

namespace spatten::reference {

using Vector = std::vector<double>;

inline Vector& operator+=(Vector& a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

inline std::vector<float> read_floats(const Checkpoint& checkpoint, const std::string& name) {
  const auto [rows, cols] = checkpoint.shape(name);
  std::vector<float> out(rows * cols);
  checkpoint.read(name, out.data());
  return out;
}

inline Vector read_vector(const Checkpoint& checkpoint, const std::string& name) {
  const std::vector<float> values = read_floats(checkpoint, name);
  return {values.begin(), values.end()};
}

/// One Vector per row.
inline std::vector<Vector> read_table(const Checkpoint& checkpoint, const std::string& name) {
  const std::vector<float> values = read_floats(checkpoint, name);
  const std::size_t cols = checkpoint.shape(name).second;
  std::vector<Vector> out;
  for (auto row = values.begin(); row != values.end(); row += static_cast<std::ptrdiff_t>(cols)) {
    out.emplace_back(row, row + static_cast<std::ptrdiff_t>(cols));
  }
  return out;
}

/// y = x W + b; row i of `weight` belongs to input i.
struct Linear {
  std::vector<Vector> weight;
  Vector bias;

  Vector operator()(const Vector& x) const {
    Vector y = bias;
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t o = 0; o < y.size(); ++o) y[o] += x[i] * weight[i][o];
    }
    return y;
  }
};

inline Linear read_linear(const Checkpoint& checkpoint, const std::string& name) {
  std::vector<Vector> stored = read_table(checkpoint, name + ".weight");
  Linear out{{}, read_vector(checkpoint, name + ".bias")};
  if (checkpoint.orientation(name + ".weight") == Orientation::kConv1d) {
    out.weight = std::move(stored);
    return out;
  }
  out.weight.assign(stored[0].size(), Vector(stored.size()));
  for (std::size_t o = 0; o < stored.size(); ++o) {
    for (std::size_t i = 0; i < stored[o].size(); ++i) out.weight[i][o] = stored[o][i];
  }
  return out;
}

/// Outputs first .. first + count - 1 of a layer as a layer of its own (GPT-2 stores Q, K and V side by side).
inline Linear outputs_of(const Linear& all, std::size_t first, std::size_t count) {
  const auto piece = [&](const Vector& v) {
    return Vector(v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(first + count));
  };
  Linear out{{}, piece(all.bias)};
  for (const Vector& row : all.weight) out.weight.push_back(piece(row));
  return out;
}

struct Norm {
  Vector gamma, beta;
  double eps = 0;

  Vector operator()(const Vector& x) const {
    const auto n = static_cast<double>(x.size());
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / n;
    for (const double v : x) variance += (v - mean) * (v - mean) / n;
    Vector y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - mean) / std::sqrt(variance + eps) * gamma[i] + beta[i];
    return y;
  }
};

inline Norm read_norm(const Checkpoint& checkpoint, const std::string& name) {
  return {read_vector(checkpoint, name + ".weight"), read_vector(checkpoint, name + ".bias"),
          static_cast<double>(checkpoint.config().layer_norm_eps)};
}

inline double activate(HiddenActivation activation, double x) {
  switch (activation) {
    case HiddenActivation::kGelu:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case HiddenActivation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case HiddenActivation::kRelu:
      return std::max(x, 0.0);
  }
  return 0;
}

inline double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace spatten::reference

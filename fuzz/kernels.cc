// SPDX-License-Identifier: Apache-2.0
// Bytes pick a kernel, a shape and values; every instruction set must agree with plain code. Values are bounded so that
// the tolerance follows from the sizes; selection and quantization are exact and also get bytes as raw floats.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/linear.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/rounding.h"
#include "spatten/kernels/target.h"
#include "spatten/kernels/topk.h"

namespace {

using namespace spatten;
using namespace spatten::kernels;

void require(bool condition) {
  if (!condition) std::abort();
}

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::size_t below(std::size_t bound) {
    std::size_t v = byte();
    if (bound > 256) v = v << 8 | byte();
    return v % bound;
  }
  float raw_float() {
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits = bits << 8 | byte();
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
  }
  bool empty() const { return size_ == 0; }
  std::vector<float> values(std::size_t n) {
    Random random(below(65536));
    std::vector<float> v(n);
    for (float& x : v) x = static_cast<float>(random.uniform() * 2 - 1);
    return v;
  }

 private:
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  const std::uint8_t* data_;
  std::size_t size_;
};

template <class F>
void on_every_target(const F& run) {
  for (const std::string& name : available_targets()) {
    force_target(name);
    run();
  }
  force_target("");  // and what only the best target's extensions have
  run();
}

void fuzz_top_k(Bytes& in) {
  const std::size_t k = in.below(300);
  std::vector<float> x;
  while (!in.empty()) x.push_back(in.raw_float());
  std::vector<std::uint32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto value = [&](std::uint32_t i) { return std::isnan(x[i]) ? -INFINITY : x[i]; };
    return value(a) > value(b);
  });
  order.resize(std::min(k, x.size()));
  std::sort(order.begin(), order.end());
  on_every_target([&] {
    std::vector<std::uint32_t> kept;
    top_k(x, k, kept);
    require(kept == order);
  });
}

void fuzz_packed_rows(Bytes& in) {
  const std::size_t cols = 16 * (1 + in.below(9));
  const bool has_lsb = in.below(2) != 0;
  const int bits = has_lsb ? static_cast<int>(4 + 2 * in.below(5)) : static_cast<int>(4 + in.below(9));
  PackedRows rows(cols, bits, has_lsb);
  std::vector<float> x(cols);
  for (std::size_t r = 0; r < 4; ++r) {
    for (float& v : x) v = in.raw_float();
    rows.append_row(x.data());
    for (std::size_t c = 0; c < cols; ++c) {
      const float limit = static_cast<float>((1 << (rows.bits() - 1)) - 1);
      float q = x[c] / rows.scale(r);
      q = std::nearbyint(std::isnan(q) ? -limit : std::min(limit, std::max(-limit, q)));
      require(rows.integer(r, c, true) == static_cast<int>(q));
      require(rows.integer(r, c, false) == (has_lsb ? static_cast<int>(q) >> 4 << 4 : static_cast<int>(q)));
    }
  }
}

void fuzz_linear(Bytes& in) {
  const std::size_t rows = in.below(20), depth = 1 + in.below(90), out = 1 + in.below(150), width = 16 * (1 + in.below(8));
  const auto x = in.values(rows * depth), w = in.values(out * depth), bias = in.values(out);
  const auto precision = static_cast<Precision>(in.below(3));
  PackedMatrix matrix(depth, out, width, precision);
  matrix.put_out_in(0, {w.data(), out, depth});
  std::vector<Range> ranges;
  for (std::size_t at = 0; at < depth && in.below(2) != 0;) {
    const std::size_t begin = at + in.below(depth - at), end = begin + in.below(depth - begin + 1);
    ranges.push_back({begin, end});
    at = std::max(end, at + 1);
  }
  const auto used = [&](std::size_t i) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [i](const Range& r) { return r.begin <= i && i < r.end; });
  };
  std::vector<float> rounded(rows * depth);  // x as the product sees it
  for (std::size_t r = 0; r < rows; ++r) {
    float largest = 0;
    for (std::size_t i = 0; i < depth; ++i) largest = used(i) ? std::max(largest, std::fabs(x[r * depth + i])) : largest;
    const float scale = symmetric_scale(largest, 8), inverse = 1.0f / scale;
    for (std::size_t i = r * depth; i < (r + 1) * depth; ++i) {
      rounded[i] = precision == Precision::kFp32   ? x[i]
                   : precision == Precision::kBf16 ? from_bf16(to_bf16(x[i]))
                                                   : std::nearbyint(x[i] * inverse) * scale;
    }
  }
  ThreadPool pool(1);
  Gemm gemm;
  on_every_target([&] {
    std::vector<float> y(rows * out);
    linear({.x = {x.data(), rows, depth}, .w = &matrix, .bias = bias.data(), .y = {y.data(), rows, out}, .in_ranges = ranges},
           gemm, pool);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t o = 0; o < out; ++o) {
        double sum = bias[o];
        for (std::size_t i = 0; i < depth; ++i) {
          if (used(i)) sum += static_cast<double>(rounded[r * depth + i]) * matrix.at(i, o);
        }
        require(std::fabs(y[r * out + o] - sum) < 1e-4);
      }
    }
  });
}

/// Scores of all keys for one query, K with or without its low bits.
std::vector<double> softmax(const AttentionTask& task, const PackedRows& k, std::size_t query, std::size_t n, bool with_lsb) {
  std::vector<double> p(n);
  double sum = 0;
  for (std::size_t j = 0; j < n; ++j) {
    const std::size_t row = task.key_rows.empty() ? j : task.key_rows[j];
    double score = 0;
    for (std::size_t c = 0; c < k.cols(); ++c) {
      score += static_cast<double>(k.integer(row, c, with_lsb)) * k.scale(row) * task.q(query, c);
    }
    sum += p[j] = std::exp(score * task.scale);
  }
  for (double& v : p) v /= sum;
  return p;
}

void fuzz_attention(Bytes& in) {
  const std::size_t queries = 1 + in.below(10), stored = 1 + in.below(80), dim = 16 * (1 + in.below(5));
  const auto q = in.values(queries * dim), kv = in.values(stored * dim);
  PackedRows k(dim, static_cast<int>(4 + 2 * in.below(5)), true), v(dim, 8, in.below(2) != 0);
  for (std::size_t j = 0; j < stored; ++j) {
    k.append_row(kv.data() + j * dim);
    v.append_row(kv.data() + (stored - 1 - j) * dim);
  }
  std::vector<std::uint32_t> key_rows(in.below(20));
  for (std::uint32_t& row : key_rows) row = static_cast<std::uint32_t>(in.below(stored));
  QuantizedAttentionHead head;
  head.q = {q.data(), queries, dim};
  head.scale = 1 / std::sqrt(static_cast<float>(dim));
  head.causal = in.below(2) != 0;
  head.causal_offset = in.below(40);
  head.key_rows = key_rows;
  head.k = &k;
  head.v_packed = &v;
  head.threshold = static_cast<float>(in.below(100)) / 100;
  const std::size_t keys = key_rows.empty() ? stored : key_rows.size();
  on_every_target([&] {
    std::vector<float> out(queries * dim), sums(keys);
    std::vector<double> expected_sums(keys);
    std::vector<std::uint8_t> lsb_rows(queries);
    head.out = {out.data(), queries, dim};
    head.column_sums = sums.data();
    head.lsb_rows = lsb_rows.data();
    AttentionScratch scratch;
    attention_head(head, scratch);
    for (std::size_t i = 0; i < queries; ++i) {
      const std::size_t n = head.causal ? std::min(keys, i + head.causal_offset + 1) : keys;
      auto p = softmax(head, k, i, n, false);
      const double top = *std::max_element(p.begin(), p.end());
      require((lsb_rows[i] != 0) == (top < head.threshold) || std::fabs(top - head.threshold) < 1e-5);
      if (lsb_rows[i] != 0) p = softmax(head, k, i, n, true);
      for (std::size_t j = 0; j < n; ++j) expected_sums[j] += p[j];
      for (std::size_t c = 0; c < dim; ++c) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
          const std::size_t row = key_rows.empty() ? j : key_rows[j];
          sum += p[j] * v.integer(row, c, true) * v.scale(row);
        }
        require(std::fabs(out[i * dim + c] - sum) < 1e-4);
      }
    }
    for (std::size_t j = 0; j < keys; ++j) require(std::fabs(sums[j] - expected_sums[j]) < 1e-4);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 12) return 0;
  Bytes in(data, size);
  switch (in.below(4)) {
    case 0:
      fuzz_top_k(in);
      break;
    case 1:
      fuzz_packed_rows(in);
      break;
    case 2:
      fuzz_linear(in);
      break;
    default:
      fuzz_attention(in);
  }
  return 0;
}

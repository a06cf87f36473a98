// SPDX-License-Identifier: Apache-2.0
// Speed of the kernels. GFLOP/s count a multiply-add as two. "roof" is oneDNN's own best case,
// 2048^3; the other products are to be read as fractions of it, from the same run: a machine that is shared or that
// changes its clock moves all of them together.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/attention.h"
#include "spatten/kernels/gemm_roof.h"
#include "spatten/kernels/layer_norm.h"
#include "spatten/kernels/linear.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/topk.h"

namespace spatten::kernels {
namespace {

ThreadPool& threads() {
  static ThreadPool pool(ThreadPool::available_cores());
  return pool;
}

OwnedMatrix<float> normal(std::size_t rows, std::size_t cols) {
  OwnedMatrix<float> m(rows, cols);
  Random random(rows * cols);
  for (std::size_t i = 0; i < rows * cols; ++i) m.data()[i] = static_cast<float>(random.uniform() - 0.5);
  return m;
}

void count_flop(benchmark::State& state, double flop) {
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
void count_bytes(benchmark::State& state, double bytes) {
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void run_linear(benchmark::State& state, std::size_t rows, std::size_t in, std::size_t out, Activation activation,
                Gemm::Backend backend, Precision precision = Precision::kFp32) {
  const auto x = normal(rows, in), w = normal(out, in);
  PackedMatrix matrix(in, out, PackedMatrix::kDefaultPanelWidth, precision);
  matrix.put_out_in(0, w.view());
  OwnedMatrix<float> y(rows, out);
  const std::vector<float> bias(out, 0.1f);
  Gemm gemm(backend);
  for (auto _ : state) {
    linear({.x = x.view(), .w = &matrix, .bias = bias.data(), .y = y.view(), .activation = activation}, gemm, threads());
  }
  count_flop(state, 2.0 * static_cast<double>(rows * in * out));
}

void roof(benchmark::State& state) {
  const std::size_t n = 2048;
  GemmRoof product(n, threads().size(), state.range(0) != 0 ? GemmRoof::Weights::kPacked : GemmRoof::Weights::kPlain);
  for (auto _ : state) product.run(threads());
  count_flop(state, 2.0 * static_cast<double>(n * n * n));
}
BENCHMARK(roof)->UseRealTime()->ArgName("packed")->Arg(0)->Arg(1);

void linear_panels(benchmark::State& state) {
  run_linear(state, state.range(0), state.range(1), state.range(2), Activation::kNone, Gemm::Backend::kPanels);
}
BENCHMARK(linear_panels)
    ->UseRealTime()
    ->ArgNames({"rows", "in", "out"})
    ->ArgsProduct({{16, 128, 384}, {768}, {768, 3072}})
    ->Args({128, 3072, 768})
    ->Args({384, 3072, 768})
    ->Args({2048, 2048, 2048});

void linear_onednn(benchmark::State& state) {
  run_linear(state, state.range(0), state.range(1), state.range(2), Activation::kNone, Gemm::Backend::kOneDnn);
}
BENCHMARK(linear_onednn)->UseRealTime()->ArgNames({"rows", "in", "out"})->Args({128, 768, 3072})->Args({384, 3072, 768});

// precision: 1 bf16, 2 int8. Rounding the rows is part of it.
void linear_rounded(benchmark::State& state) {
  run_linear(state, state.range(1), state.range(2), state.range(3), Activation::kNone, Gemm::Backend::kPanels,
             static_cast<Precision>(state.range(0)));
}
BENCHMARK(linear_rounded)
    ->UseRealTime()
    ->ArgNames({"precision", "rows", "in", "out"})
    ->ArgsProduct({{0, 1, 2}, {4, 16, 128, 384}, {768}, {3072}})
    ->ArgsProduct({{0, 1, 2}, {384}, {3072}, {768}});

void linear_gelu(benchmark::State& state) {
  run_linear(state, state.range(0), 768, 3072, Activation::kGelu, Gemm::Backend::kPanels);
}
BENCHMARK(linear_gelu)->UseRealTime()->ArgName("rows")->Arg(128)->Arg(384);

// Decoding: the weights of GPT-2-Small's blocks once per token, 340 MB in fp32, far past the caches.
void gemv(benchmark::State& state) {
  const std::size_t in = 768, out = 3072, matrices = 36;
  const auto precision = static_cast<Precision>(state.range(1));
  const auto w = normal(out, in), x = normal(state.range(0), in);
  std::vector<PackedMatrix> layers;
  for (std::size_t i = 0; i < matrices; ++i) {
    layers.emplace_back(in, out, PackedMatrix::kDefaultPanelWidth, precision);
    layers.back().put_out_in(0, w.view());
  }
  OwnedMatrix<float> y(state.range(0), out);
  Gemm gemm;
  for (auto _ : state) {
    for (const PackedMatrix& m : layers) linear({.x = x.view(), .w = &m, .y = y.view()}, gemm, threads());
  }
  count_bytes(state, static_cast<double>(matrices * in * out * weight_bytes(precision)));
}
BENCHMARK(gemv)->UseRealTime()->ArgNames({"rows", "precision"})->ArgsProduct({{1, 2, 4}, {0, 1, 2}});

// What gemv is compared with: all threads add up as many bytes.
void read_bandwidth(benchmark::State& state) {
  const std::size_t n = std::size_t{36} * 768 * 3072, pieces = 36 * 48;
  Buffer<std::uint64_t> memory(n / 2);
  std::fill_n(memory.data(), n / 2, 1u);
  std::vector<std::uint64_t> sums(pieces);
  for (auto _ : state) {
    threads().parallel_for(pieces, [&](std::size_t i, std::size_t) {
      const std::uint64_t* p = memory.data() + i * (n / 2 / pieces);
      sums[i] = std::accumulate(p, p + n / 2 / pieces, std::uint64_t{0});
    });
    benchmark::DoNotOptimize(sums.data());
  }
  count_bytes(state, static_cast<double>(n * sizeof(float)));
}
BENCHMARK(read_bandwidth)->UseRealTime();

void attention(benchmark::State& state) {
  const std::size_t n = state.range(0), dim = state.range(1), keep = state.range(2);
  const auto q = normal(n, dim), k = normal(n, dim), v = normal(n, dim);
  OwnedMatrix<float> out(n, dim);
  std::vector<float> sums(n);
  AttentionScratch scratch;
  AttentionHead head;
  head.q = q.view();
  head.k = k.view();
  head.v = v.view();
  head.out = out.view();
  head.scale = 0.125f;
  head.column_sums = sums.data();
  head.value_keep = keep;
  for (auto _ : state) attention_head(head, scratch);
  count_flop(state, 2.0 * static_cast<double>(n * dim * (n + (keep == 0 ? n : keep))));
}
BENCHMARK(attention)
    ->ArgNames({"n", "D", "keep"})
    ->Args({16, 64, 0})
    ->Args({128, 64, 0})
    ->Args({384, 64, 0})
    ->Args({384, 32, 0})
    ->Args({384, 128, 0})
    ->Args({1024, 64, 0})
    ->Args({384, 64, 115});

// One query of decoding on a cache of float or of 8 + 4 bits, in L2.
void decode_attention(benchmark::State& state) {
  const std::size_t n = state.range(0), dim = 64;
  const bool packed = state.range(1) != 0;
  const auto q = normal(1, dim), k = normal(n, dim), v = normal(n, dim);
  PackedRows pk(dim, 8, true), pv(dim, 8, false);
  for (std::size_t j = 0; j < n; ++j) {
    pk.append_row(k.row(j));
    pv.append_row(v.row(j));
  }
  OwnedMatrix<float> out(1, dim);
  std::vector<float> sums(n);
  AttentionScratch scratch;
  AttentionHead head;
  head.k = k.view();
  head.v = v.view();
  QuantizedAttentionHead quantized;
  quantized.k = &pk;
  quantized.v_packed = &pv;
  quantized.threshold = 0;
  for (AttentionTask* task : {static_cast<AttentionTask*>(&head), static_cast<AttentionTask*>(&quantized)}) {
    task->q = q.view();
    task->out = out.view();
    task->column_sums = sums.data();
  }
  for (auto _ : state) {
    if (packed) {
      attention_head(quantized, scratch);
    } else {
      attention_head(head, scratch);
    }
  }
  count_bytes(state, static_cast<double>(n * dim) * (packed ? 2 : 8));
}
BENCHMARK(decode_attention)->ArgNames({"keys", "packed"})->ArgsProduct({{128, 1024}, {0, 1}});

void append_rows(benchmark::State& state) {
  const auto x = normal(1024, 64);
  for (auto _ : state) {
    PackedRows rows(64, 8, true);
    rows.reserve(1024);
    for (std::size_t j = 0; j < 1024; ++j) rows.append_row(x.row(j));
  }
  state.SetItemsProcessed(state.iterations() * 1024 * 64);
}
BENCHMARK(append_rows);

void top_k_random(benchmark::State& state) {
  const auto x = normal(1, state.range(0));
  std::vector<std::uint32_t> kept;
  for (auto _ : state) top_k({x.data(), x.cols()}, x.cols() / 3, kept);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(top_k_random)->ArgName("n")->Arg(384)->Arg(1024)->Arg(100000);

void layer_norm_rows(benchmark::State& state) {
  const auto x = normal(128, 768);
  OwnedMatrix<float> y(128, 768);
  const std::vector<float> gamma(768, 1), beta(768, 0);
  for (auto _ : state) layer_norm({.x = x.view(), .gamma = gamma.data(), .beta = beta.data(), .y = y.view()});
  state.SetItemsProcessed(state.iterations() * 128 * 768);
}
BENCHMARK(layer_norm_rows);

void pack(benchmark::State& state) {
  const auto w = normal(3072, 768);
  for (auto _ : state) {
    PackedMatrix m(768, 3072, PackedMatrix::kDefaultPanelWidth, static_cast<Precision>(state.range(0)));
    threads().parallel_for(48, [&](std::size_t i, std::size_t) { m.put_out_in(i * 64, w.view().rows_from(i * 64, 64)); });
  }
  count_bytes(state, 3072 * 768 * 4.0);
}
BENCHMARK(pack)->UseRealTime()->ArgName("precision")->DenseRange(0, 2);

}  // namespace
}  // namespace spatten::kernels

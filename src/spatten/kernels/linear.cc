// SPDX-License-Identifier: Apache-2.0
// A task is one panel of outputs for one chunk of rows. The depth runs in blocks, so that a block of the panel (96 KB
// at width 64) stays in L2 while all rows of the chunk pass over it. y is its own accumulator: it starts as the bias. Weights in
// bf16 or int8 are the business of group_product.h.
#include "spatten/kernels/linear.h"

#include <algorithm>

#include "spatten/kernels/gemm_onednn.h"
#include "spatten/kernels/group_product.h"
#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/linear.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/micro_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

/// y (rows x width) += x W, W: depth x width.
void add_product(ConstMatrix x, ConstMatrix w, Matrix y) {
  multiply({.a = x.data, .lda = x.stride, .b = w.data, .ldb = w.stride, .c = y.data, .ldc = y.stride, .rows = x.rows,
            .cols = w.cols, .depth = x.cols, .add = true});
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {

HWY_EXPORT(add_product);

constexpr std::size_t kRowChunk = 96;

struct Task {
  const LinearArgs& args;
  Gemm& gemm;
  const RoundedRows* rounded;  // null: fp32
  std::size_t first_row, rows, panel;
};

void start_with_bias(const LinearArgs& args, std::size_t first, Matrix y) {
  for (std::size_t r = 0; r < y.rows; ++r) {
    float* row = y.row(r);
    if (!args.accumulate) {
      if (args.bias != nullptr) {
        std::copy_n(args.bias + first, y.cols, row);
      } else {
        std::fill_n(row, y.cols, 0.0f);
      }
    } else if (args.bias != nullptr) {
      for (std::size_t c = 0; c < y.cols; ++c) row[c] += args.bias[first + c];
    }
  }
}

void add_products(const Task& task, Matrix y) {
  const PackedMatrix& w = *task.args.w;
  if (task.rounded != nullptr) return add_group_product(*task.rounded, task.first_row, w, task.panel, y);
  const ConstMatrix rows = task.args.x.rows_from(task.first_row, task.rows);
  const Range all{0, w.in()};
  const std::span<const Range> ranges =
      task.args.in_ranges.empty() ? std::span<const Range>(&all, 1) : task.args.in_ranges;
  const ConstMatrix panel(w.panel(task.panel), w.in(), w.panel_width());
  const bool onednn = task.gemm.uses_onednn(y.rows);
  for (const Range range : ranges) {
    for (std::size_t k = range.begin; k < range.end; k += Gemm::kDepthBlock) {
      const std::size_t depth = std::min(Gemm::kDepthBlock, range.end - k);
      const ConstMatrix x = rows.cols_from(k, depth), w_block = panel.rows_from(k, depth);
      if (onednn) {
        onednn_add_product(task.gemm.primitives(), x, w_block, y);
      } else {
        HWY_DYNAMIC_DISPATCH(add_product)(x, w_block, y);
      }
    }
  }
}

/// The last panel may be wider than what is left of y: it is computed aside.
void run_padded(const Task& task, std::size_t first, Matrix y) {
  alignas(64) float aside[kRowChunk * PackedMatrix::kMaxPanelWidth] = {};
  const Matrix wide(aside, y.rows, task.args.w->panel_width());
  for (std::size_t r = 0; r < y.rows; ++r) std::copy_n(y.row(r), y.cols, wide.row(r));
  start_with_bias(task.args, first, wide.cols_from(0, y.cols));
  add_products(task, wide);
  for (std::size_t r = 0; r < y.rows; ++r) std::copy_n(wide.row(r), y.cols, y.row(r));
}

void run(const Task& task) {
  const std::size_t width = task.args.w->panel_width(), first = task.panel * width;
  const std::size_t cols = std::min(width, task.args.w->out() - first);
  const Matrix y = task.args.y.rows_from(task.first_row, task.rows).cols_from(first, cols);
  if (cols < width) {
    run_padded(task, first, y);
  } else {
    start_with_bias(task.args, first, y);
    add_products(task, y);
  }
  activate(task.args.activation, y);
}

void check(const LinearArgs& args) {
  SPATTEN_CHECK(args.w != nullptr && args.x.cols == args.w->in() && args.y.cols == args.w->out());
  SPATTEN_CHECK(args.x.rows == args.y.rows);
  SPATTEN_CHECK(!args.accumulate || args.activation == Activation::kNone);
  for (const std::uint32_t panel : args.out_panels) SPATTEN_CHECK(panel < args.w->panels());
  std::size_t last = 0;
  for (const Range range : args.in_ranges) {
    SPATTEN_CHECK(last <= range.begin && range.begin <= range.end && range.end <= args.w->in());
    last = range.end;
  }
}

}  // namespace

void linear(const LinearArgs& args, Gemm& gemm, ThreadPool& threads) {
  check(args);
  const std::size_t rows = args.x.rows, chunks = (rows + kRowChunk - 1) / kRowChunk;
  const std::size_t panels = args.out_panels.empty() ? args.w->panels() : args.out_panels.size();
  // Kept by the calling thread: rows in all layers want the same room.
  thread_local RoundedRows rounded;
  const bool fp32 = args.w->precision() == Precision::kFp32;
  if (!fp32) rounded.round(args.x, args.w->precision(), args.in_ranges, threads);
  const RoundedRows* const operand = fp32 ? nullptr : &rounded;
  threads.parallel_for(panels * chunks, [&](std::size_t index, std::size_t) {
    const FloatMode mode;
    const std::size_t p = index / chunks, first_row = index % chunks * kRowChunk;
    const std::size_t panel = args.out_panels.empty() ? p : args.out_panels[p];
    run({args, gemm, operand, first_row, std::min(kRowChunk, rows - first_row), panel});
  });
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

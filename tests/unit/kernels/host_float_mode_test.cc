// SPDX-License-Identifier: Apache-2.0
// A host may run with denormals flushed and another rounding; the kernels give the bits they always give.
#if defined(__SSE__)
#include <xmmintrin.h>

#include "spatten/kernels/layer_norm.h"
#include "spatten/kernels/linear.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/topk.h"
#include "spatten/kernels/vector_ops.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(HostFloatMode);

/// Every kernel once, on values of which many are denormal; all results in one list.
std::vector<float> run_all(Sample x, const Sample& w) {
  const std::size_t n = 20, dim = 32;
  std::vector<float> out;
  const auto keep = [&](const Sample& s) { out.insert(out.end(), s.all().begin(), s.all().end()); };
  PackedMatrix matrix(dim, n);
  matrix.put_out_in(0, w.view());
  Sample y(n, n, 1, 0);
  Gemm gemm;
  ThreadPool pool(2);  // its threads inherit the host's mode
  linear({.x = x.view(), .w = &matrix, .y = y.view(), .activation = Activation::kGelu}, gemm, pool);
  keep(y);
  softmax_rows(y.view());
  keep(y);
  layer_norm({.x = x.view(), .gamma = w.view().row(0), .beta = w.view().row(1), .y = x.view()});
  keep(x);
  std::vector<std::uint32_t> kept;
  top_k({w.view().row(2), dim}, 9, kept);
  out.insert(out.end(), kept.begin(), kept.end());
  PackedRows k(dim, 8, true), v(dim, 8, false);
  for (std::size_t j = 0; j < n; ++j) {
    k.append_row(w.view().row(j));
    v.append_row(x.view().row(j));
  }
  Sample heads(n, dim, 2, 0);
  QuantizedAttentionHead head;
  head.q = x.view();
  head.out = heads.view();
  head.k = &k;
  head.v_packed = &v;
  AttentionScratch scratch;
  attention_head(head, scratch);
  keep(heads);
  fake_quantise_row(x.view().row(0), dim, 8);
  keep(x);
  return out;
}

TEST_P(HostFloatMode, ChangesNoBit) {
  Sample x(20, 32, 1), w(20, 32, 2);
  for (std::size_t r = 0; r < 20; ++r) {
    for (std::size_t c = 0; c < 32; c += 2) {
      x(r, c) *= 1e-39f;
      w(r, c) *= 1e-40f;
    }
  }
  const std::vector<float> expected = run_all(x, w);
  const unsigned before = _mm_getcsr();
  for (const unsigned mode : {0x8040u, 0x2000u, 0x4000u, 0x6000u | 0x8040u}) {  // flush; down; up; towards zero and flush
    _mm_setcsr(before | mode);
    const std::vector<float> found = run_all(x, w);
    _mm_setcsr(before);
    EXPECT_EQ(found, expected) << mode;
  }
}

}  // namespace
}  // namespace spatten::kernels
#endif

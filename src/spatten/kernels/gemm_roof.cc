// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/gemm_roof.h"

#include <algorithm>
#include <dnnl.hpp>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/random.h"

// libgomp's; <omp.h> needs a compiler flag that nothing else here wants.
extern "C" void omp_set_num_threads(int);

namespace spatten::kernels {
namespace {

using Dim = dnnl::memory::dim;
using Tag = dnnl::memory::format_tag;

dnnl::memory::desc describe(std::size_t rows, std::size_t cols, Tag tag) {
  return {{static_cast<Dim>(rows), static_cast<Dim>(cols)}, dnnl::memory::data_type::f32, tag};
}

OwnedMatrix<float> random_square(std::size_t n, std::uint64_t seed) {
  OwnedMatrix<float> out(n, n);
  Random random(seed);
  std::generate_n(out.data(), n * n, [&] { return static_cast<float>(random.uniform() - 0.5); });
  return out;
}

}  // namespace

struct GemmRoof::State {
  struct Strip {
    dnnl::matmul product;
    dnnl::memory x, y;
  };

  State(std::size_t size, std::size_t threads, Weights layout)
      : n(size), x(random_square(n, 1)), w(random_square(n, 2)), y(n, n) {
    const Tag tag = layout == Weights::kPacked ? Tag::any : Tag::ab;
    for (std::size_t t = 0; t < threads; ++t) add_strip(n * t / threads, n * (t + 1) / threads, tag);
  }

  void add_strip(std::size_t first, std::size_t end, Tag tag) {
    if (first == end) return;
    const auto rows = describe(end - first, n, Tag::ab);
    const dnnl::matmul::desc what(rows, describe(n, n, tag), rows);
    const dnnl::matmul::primitive_desc how(what, engine);
    // The first strip decides the layout; the others have the same number of columns and get the same one.
    if (strips.empty()) pack(how.weights_desc());
    SPATTEN_CHECK(how.weights_desc() == weights.get_desc());
    strips.push_back({dnnl::matmul(how), {rows, engine, x.row(first)}, {rows, engine, y.row(first)}});
  }

  void pack(const dnnl::memory::desc& layout) {
    dnnl::memory plain(describe(n, n, Tag::ab), engine, w.data());
    weights = dnnl::memory(layout, engine);
    dnnl::stream stream(engine);
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    stream.wait();
  }

  void multiply(Strip& strip) {
    omp_set_num_threads(1);  // a setting of the calling thread: the pool is what runs in parallel
    dnnl::stream stream(engine);
    strip.product.execute(stream, {{DNNL_ARG_SRC, strip.x}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, strip.y}});
    stream.wait();
  }

  std::size_t n;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  OwnedMatrix<float> x, w, y;
  dnnl::memory weights;
  std::vector<Strip> strips;
};

GemmRoof::GemmRoof(std::size_t n, std::size_t threads, Weights weights)
    : state_(std::make_unique<State>(n, threads, weights)) {}
GemmRoof::~GemmRoof() = default;
GemmRoof::GemmRoof(GemmRoof&&) noexcept = default;

void GemmRoof::run(ThreadPool& threads) {
  threads.parallel_for(state_->strips.size(), [&](std::size_t i, std::size_t) { state_->multiply(state_->strips[i]); });
}

float GemmRoof::result(std::size_t row, std::size_t col) const { return state_->y(row, col); }

double GemmRoof::expected(std::size_t row, std::size_t col) const {
  double sum = 0;
  for (std::size_t k = 0; k < state_->n; ++k) sum += double{state_->x(row, k)} * double{state_->w(k, col)};
  return sum;
}

}  // namespace spatten::kernels

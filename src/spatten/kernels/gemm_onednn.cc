// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/gemm_onednn.h"

#include <array>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <mutex>

#include "spatten/kernels/target.h"

// libgomp's; <omp.h> needs a compiler flag that nothing else here wants.
extern "C" void omp_set_num_threads(int);

namespace spatten::kernels {
namespace {

using Shape = std::array<std::size_t, 6>;  // rows, depth, cols, strides of x, w, y

dnnl::memory::desc describe(std::size_t rows, std::size_t cols, std::size_t stride) {
  using Dim = dnnl::memory::dim;
  return {{static_cast<Dim>(rows), static_cast<Dim>(cols)},
          dnnl::memory::data_type::f32,
          dnnl::memory::dims{static_cast<Dim>(stride), 1}};
}

/// Code for one shape. Scratch memory is ours: the library's own belongs to the thread that made the primitive, and these
/// are shared by all threads.
struct Compiled {
  explicit Compiled(const dnnl::matmul::primitive_desc& made) : matmul(made), scratch(made.scratchpad_desc()) {}

  dnnl::matmul matmul;
  dnnl::memory::desc scratch;
};

/// Whether oneDNN and the micro-kernel add in the same order on this CPU, of which oneDNN may be told to use a part.
bool onednn_keeps_bits() {
  constexpr auto kAvx512 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  static const bool keeps = (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kAvx512) == kAvx512 &&
                            available_targets().front().starts_with("AVX3");
  return keeps;
}

}  // namespace

/// Compiling takes a fraction of a millisecond, so shapes are kept; a model has a few dozen, sequence lengths add more.
struct Gemm::Primitives {
  static constexpr std::size_t kMaxShapes = 1024;

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::mutex mutex;
  std::map<Shape, std::shared_ptr<const Compiled>> by_shape;

  std::shared_ptr<const Compiled> find(const Shape& s) {
    const std::lock_guard lock(mutex);
    auto& found = by_shape[s];
    if (found == nullptr) {
      dnnl::post_ops add;
      add.append_sum(1.0f);
      dnnl::primitive_attr attributes;
      attributes.set_post_ops(add);
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      const dnnl::matmul::desc what(describe(s[0], s[1], s[3]), describe(s[1], s[2], s[4]), describe(s[0], s[2], s[5]));
      found = std::make_shared<const Compiled>(dnnl::matmul::primitive_desc(what, attributes, engine));
    }
    const auto result = found;
    if (by_shape.size() > kMaxShapes) by_shape.clear();
    return result;
  }
};

Gemm::Gemm(Backend backend)
    : backend_(backend), primitives_(backend == Backend::kOneDnn ? std::make_unique<Primitives>() : nullptr) {}
Gemm::~Gemm() = default;

bool Gemm::uses_onednn(std::size_t rows) const {
  return backend_ == Backend::kOneDnn && rows >= kOneDnnRows && onednn_keeps_bits() && !target_is_forced();
}

void onednn_add_product(Gemm::Primitives& primitives, ConstMatrix x, ConstMatrix w, Matrix y) {
  if (x.rows == 0 || x.cols == 0) return;
  omp_set_num_threads(1);  // a setting of the calling thread: the pool is what runs in parallel
  const auto compiled = primitives.find({x.rows, x.cols, w.cols, x.stride, w.stride, y.stride});
  dnnl::stream stream(primitives.engine);
  const auto memory = [&](const auto& m) {
    return dnnl::memory(describe(m.rows, m.cols, m.stride), primitives.engine, const_cast<float*>(m.data));
  };
  thread_local Buffer<char> scratch;
  const dnnl::memory scratchpad(compiled->scratch, primitives.engine, scratch.reserve(compiled->scratch.get_size()));
  compiled->matmul.execute(stream, {{DNNL_ARG_SRC, memory(x)},
                                    {DNNL_ARG_WEIGHTS, memory(w)},
                                    {DNNL_ARG_DST, memory(y)},
                                    {DNNL_ARG_SCRATCHPAD, scratchpad}});
  stream.wait();
}

}  // namespace spatten::kernels

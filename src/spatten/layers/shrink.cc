// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/shrink.h"

#include <algorithm>
#include <cstring>

namespace spatten {
namespace {

void move_row(Matrix m, std::size_t to, std::size_t from) {
  if (to != from) std::memcpy(m.row(to), m.row(from), m.cols * sizeof(float));
}

}  // namespace

void shrink(Pass& pass, const std::vector<algo::LayerDecision>& decisions, bool with_context) {
  const bool changed = std::any_of(decisions.begin(), decisions.end(), [](const auto& d) { return d.tokens_changed; });
  if (!changed) return;
  const Matrix x = pass.x.view(), context = pass.context.view();
  std::size_t next = 0;
  for (PassSequence& s : pass.sequences) {
    const std::size_t first = next;
    std::vector<std::uint32_t> kept;
    kept.reserve(s.rows);
    for (std::size_t r = 0; r < s.rows; ++r) {
      const std::uint32_t token = s.row_tokens[r];
      const std::size_t from = s.first_row + r;
      const bool alive =
          s.cascade == nullptr || std::binary_search(s.cascade->alive_tokens().begin(), s.cascade->alive_tokens().end(), token);
      if (alive) {
        move_row(x, next, from);
        if (with_context) move_row(context, next, from);
        kept.push_back(token);
        ++next;
      } else if (s.frozen.data != nullptr) {
        std::memcpy(s.frozen.row(token - s.first_token), x.row(from), x.cols * sizeof(float));
      }
    }
    s.row_tokens = std::move(kept);
    s.first_row = first;
    s.rows = next - first;
  }
}

}  // namespace spatten

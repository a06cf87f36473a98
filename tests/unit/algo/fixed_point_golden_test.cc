// SPDX-License-Identifier: Apache-2.0
// The chip's arithmetic against integers that an independent script computed with rational numbers
// (tests/golden/fixed_point.py). Built three times, without optimisation and for this machine's instruction set too.
#include <gtest/gtest.h>

#include "spatten/algo/fixed_attention.h"
#include "spatten/base/json.h"

namespace spatten::algo {
namespace {

template <class T>
std::vector<T> integers(const JsonNode& list) {
  std::vector<T> out;
  for (const JsonNode& x : list.items()) out.push_back(static_cast<T>(x.integer(INT64_MIN, INT64_MAX)));
  return out;
}

OwnedMatrix<float> matrix(const JsonNode& rows, float unit) {
  OwnedMatrix<float> out(rows.size(), rows.items().front().size());
  for (std::size_t r = 0; r < out.rows(); ++r) {
    const std::vector<std::int32_t> row = integers<std::int32_t>(rows.items()[r]);
    for (std::size_t c = 0; c < row.size(); ++c) out(r, c) = static_cast<float>(row[c]) / unit;
  }
  return out;
}

QuantizationPolicy widths(const JsonNode& c) {
  const auto bits = [&](const char* name) { return static_cast<std::uint32_t>(c.at("bits").at(name).integer(0, 12)); };
  QuantizationPolicy q;
  q.query_bits = bits("query");
  q.value_bits = bits("value");
  q.lsb_bits = bits("key_lsb");
  (q.lsb_bits > 0 ? q.msb_bits : q.key_bits) = bits("key_msb");
  q.threshold = c.at("threshold").number(0, 1);
  q.granularity = c.at("shared_query_scale").boolean() ? Granularity::kTensor : Granularity::kRow;
  return q;
}

void expect_head(const FixedHead& head, const JsonNode& expected) {
  const std::vector<JsonNode> rows = expected.at("rows").items();
  ASSERT_EQ(head.rows.size(), rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    SCOPED_TRACE(r);
    EXPECT_EQ(head.rows[r].probabilities, integers<Probability12>(rows[r].at("probabilities")));
    EXPECT_EQ(head.rows[r].kept_values, integers<std::uint32_t>(rows[r].at("kept")));
    EXPECT_EQ(head.rows[r].out, integers<Fixed12>(rows[r].at("out")));
    EXPECT_EQ(head.rows[r].used_lsb, rows[r].at("used_lsb").boolean());
  }
  EXPECT_EQ(head.importance, integers<std::uint32_t>(expected.at("importance")));
  EXPECT_EQ(head.magnitude, static_cast<std::uint64_t>(expected.at("magnitude").integer(0, INT64_MAX)));
  EXPECT_EQ(static_cast<double>(head.value_scale()), expected.at("value_scale").number(0, 1e9));
}

TEST(FixedPointGolden, EveryHeadHasTheIntegersOfExactArithmetic) {
  const JsonFile file = JsonFile::load(SPATTEN_SOURCE_DIR "/tests/golden/fixed_point.json");
  const auto unit = static_cast<float>(file.root().at("unit").integer(1, 1 << 20));
  const std::vector<JsonNode> cases = file.root().at("cases").items();
  ASSERT_GE(cases.size(), 12u);
  for (const JsonNode& c : cases) {
    SCOPED_TRACE(c.at("name").string());
    const OwnedMatrix<float> q = matrix(c.at("q"), unit), k = matrix(c.at("k"), unit), v = matrix(c.at("v"), unit);
    const std::vector<std::uint32_t> value_keeps = integers<std::uint32_t>(c.at("value_keeps"));
    FixedHeadTask task;
    task.q = q.view();
    task.k = k.view();
    task.v = v.view();
    task.inverse_sqrt_dim = static_cast<float>(c.at("inverse_sqrt_dim").number(0, 1));
    task.quantization = widths(c);
    task.causal = c.at("causal").boolean();
    task.value_keeps = value_keeps;
    expect_head(attend_fixed_head(task), c.at("expected"));
  }
}

}  // namespace
}  // namespace spatten::algo

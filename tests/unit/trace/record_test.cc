// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/base/fields.h"
#include "spatten/trace/record.h"

namespace spatten::trace {
namespace {

TEST(Record, PairsOfADenseHeadAreRowsTimesKeys) {
  Record r;
  r.rows = 3;
  r.keys = 5;
  r.values = 2;
  EXPECT_EQ(key_pairs(r), 15u);
  EXPECT_EQ(value_pairs(r), 6u);
}

TEST(Record, CausalPairsEqualTheSumOverTheRows) {
  Record r;
  r.causal = true;
  for (r.keys = 1; r.keys <= 9; ++r.keys) {
    for (r.rows = 1; r.rows <= r.keys; ++r.rows) {
      for (r.values = 0; r.values <= r.keys; ++r.values) {
        std::uint64_t keys = 0, values = 0;
        for (std::uint32_t row = 0; row < r.rows; ++row) {
          const std::uint32_t visible = r.keys - r.rows + 1 + row;
          keys += visible;
          values += std::min(visible, r.values);
        }
        ASSERT_EQ(key_pairs(r), keys) << r.keys << " " << r.rows;
        ASSERT_EQ(value_pairs(r), values) << r.keys << " " << r.rows << " " << r.values;
      }
    }
  }
}

TEST(Record, ACountedTotalOfValuesReplacesTheEstimate) {
  Record r;
  r.causal = true;
  r.rows = r.keys = 4;
  r.values = 2;
  EXPECT_EQ(value_pairs(r), 7u);  // 1 + 2 + 2 + 2
  r.values_total = 5;
  EXPECT_EQ(value_pairs(r), 5u);
  EXPECT_EQ(most_value_pairs(r), 7u);
}

TEST(Record, FieldNamesAreUnique) {
  Record r;
  std::vector<std::string> names;
  Record::each(r, [&](const char* name, auto&, const char*, const char*) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Record, ReadsBackFromItsOwnJson) {
  Record r, back;
  r.stage = Stage::kSummarization;
  r.rows = r.keys = r.context = 9;
  r.threshold = 0.05;
  const JsonFile file = JsonFile::parse(dump_json(write_field(r)), "record.json");
  read_fields(file.root(), back);
  EXPECT_EQ(back, r);
}

}  // namespace
}  // namespace spatten::trace

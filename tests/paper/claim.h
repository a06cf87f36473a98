// SPDX-License-Identifier: Apache-2.0
// A figure of the paper beside ours. claim() leaves it in the test's report (--gtest_output=json), from which
// bench/paper.py makes the table of docs/validation.md; the test then says how close it must be.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "spatten/base/json.h"
#include "spatten/base/json_tree.h"

namespace spatten {

struct Claim {
  std::string id = {};    ///< number of the claim, F1 to F24: docs/validation.md
  std::string what = {};  ///< a row of the table, e.g. "SpAtten, BERT"
  double paper = 0, ours = 0;
  std::string unit = {};     ///< "" for a plain ratio
  std::string remark = {};   ///< why ours is off, or what was assumed
  std::string command = {};  ///< what a reader can type instead of the test, if anything

  double ratio() const { return ours / paper; }
};

/// Writes the claim into the report of the running test and gives it back for the checks.
inline Claim claim(Claim c) {
  static int count = 0;
  const Json json = {{"id", c.id},     {"what", c.what},     {"paper", c.paper},    {"ours", c.ours},
                     {"unit", c.unit}, {"remark", c.remark}, {"command", c.command}};
  ::testing::Test::RecordProperty("claim_" + std::to_string(++count), json.dump());
  return c;
}

inline void expect_within(const Claim& c, double tolerance) {
  EXPECT_NEAR(c.ratio(), 1.0, tolerance) << c.what << ": paper " << c.paper << ", ours " << c.ours << " " << c.unit;
}

inline void expect_exact(const Claim& c) { EXPECT_DOUBLE_EQ(c.ours, c.paper) << c.what; }

/// For what is known to be off: ours stays where it was found, so that the remark stays true.
inline void expect_ours(const Claim& c, double ours, double tolerance) {
  EXPECT_NEAR(c.ours / ours, 1.0, tolerance)
      << c.what << ": found " << c.ours << " " << c.unit << ", expected " << ours;
}

}  // namespace spatten

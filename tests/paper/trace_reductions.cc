// SPDX-License-Identifier: Apache-2.0
// F7: the reductions in the authors' two pruned traces, by counting; and that the schedules of configs/pruning make the
// same counts without the files.
#include "paper/claim.h"
#include "paper/lab.h"
#include "spatten/trace/summary.h"

namespace spatten {
namespace {

void expect_printed(const Claim& c, double half_digit) { EXPECT_NEAR(c.ours, c.paper, half_digit) << c.what; }

TEST(PaperTraceReductions, OfMediumOnWikitext2) {
  SPATTEN_NEEDS(kMediumTrace);
  AuthorsTrace source(kMediumTrace);
  const trace::Summary s = trace::summarize(source);
  const std::string t = "gpt2-medium-wikitext2", file = "trace_reductions";
  expect_printed(
      claim(
          {.id = "F7", .what = "Medium/WikiText-2, K", .paper = published(file, {t, "keys"}), .ours = s.k_reduction()}),
      0.0005);
  expect_printed(claim({.id = "F7",
                        .what = "Medium/WikiText-2, V",
                        .paper = published(file, {t, "values"}),
                        .ours = s.v_reduction()}),
                 0.0005);
  expect_printed(claim({.id = "F7",
                        .what = "Medium/WikiText-2, K by tokens alone",
                        .paper = published(file, {t, "keys_per_head"}),
                        .ours = s.k_reduction_per_head()}),
                 0.0005);
  expect_printed(claim({.id = "F7",
                        .what = "Medium/WikiText-2, V by tokens alone",
                        .paper = published(file, {t, "values_per_head"}),
                        .ours = s.v_reduction_per_head()}),
                 0.0005);
  expect_printed(claim({.id = "F7",
                        .what = "Medium/WikiText-2, heads",
                        .paper = published(file, {t, "heads"}),
                        .ours = s.head_reduction()}),
                 0.00005);
}

TEST(PaperTraceReductions, OfSmallOnWikitext2) {
  SPATTEN_NEEDS(kSmallTrace);
  AuthorsTrace source(kSmallTrace);
  const trace::Summary s = trace::summarize(source);
  const std::string t = "gpt2-small-wikitext2", file = "trace_reductions";
  expect_printed(
      claim(
          {.id = "F7", .what = "Small/WikiText-2, K", .paper = published(file, {t, "keys"}), .ours = s.k_reduction()}),
      0.0005);
  expect_printed(claim({.id = "F7",
                        .what = "Small/WikiText-2, V",
                        .paper = published(file, {t, "values"}),
                        .ours = s.v_reduction()}),
                 0.005);
  expect_printed(claim({.id = "F7",
                        .what = "Small/WikiText-2, rows that read low bits",
                        .paper = published(file, {t, "lsb_row_ratio"}),
                        .ours = s.lsb_row_ratio()}),
                 0.00005);
}

TEST(PaperTraceReductions, FollowFromTheScheduleAlone) {
  const trace::Summary s = trace::summarize(*medium_wikitext2());
  const std::string t = "gpt2-medium-wikitext2", file = "trace_reductions";
  EXPECT_NEAR(s.k_reduction(), published(file, {t, "keys"}), 0.0005);
  EXPECT_NEAR(s.v_reduction(), published(file, {t, "values"}), 0.0005);
  EXPECT_NEAR(s.head_reduction(), published(file, {t, "heads"}), 0.00005);
}

}  // namespace
}  // namespace spatten

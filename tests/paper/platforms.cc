// SPDX-License-Identifier: Apache-2.0
// F14: speedup over four platforms (HPCA'21 Fig. 14). Absolute times of the platforms follow from the paper for GPT-2
// only; for the 22 tasks of BERT nothing is printed that ours could be divided by. Our GPT-2 times, one per model, are
// compared.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

const std::vector<std::pair<std::string, std::string>> kPlatforms = {
    {"titan_xp", "TITAN Xp"}, {"xeon", "Xeon"}, {"nano", "Jetson Nano"}, {"raspberry_pi", "Raspberry Pi 4"}};

std::vector<double> column(const std::string& family, const std::string& what, const std::string& platform) {
  std::vector<double> out;
  for (const PaperBenchmark& b : benchmarks_of(family))
    out.push_back(published("figure_14", {"benchmarks", b.name, what, platform}));
  return out;
}

TEST(PaperPlatforms, LabelsHaveThePrintedMeans) {
  for (const auto& [key, name] : kPlatforms) {
    for (const std::string what : {"speedup", "energy"}) {
      const double printed = published("figure_14", {"geometric_mean", what, key});
      EXPECT_NEAR(geometric_mean(column("", what, key)) / printed, 1.0, 0.005) << name << " " << what;
    }
  }
}

TEST(PaperPlatforms, SpeedupOfGpt2) {
  const ChipSetup setup = chip_setup("spatten");
  const Tally medium = run(gpt2("medium"), setup), small = run(gpt2("small"), setup);
  for (const auto& [key, name] : kPlatforms) {
    const double medium_ms = published("gpt2_latency", {"gpt2-medium", key});
    // GPT-2-Small on the other platforms by its speedups of Fig. 14 against those over TITAN Xp.
    const double ratio = published("figure_14", {"benchmarks", "gpt2-small-wikitext2", "speedup", key}) /
                         published("figure_14", {"benchmarks", "gpt2-small-wikitext2", "speedup", "titan_xp"});
    const double small_ms = published("gpt2_latency", {"gpt2-small", "titan_xp"}) * ratio;
    expect_within(claim({.id = "F14",
                         .what = "speedup over " + name + ", 8 tasks of GPT-2",
                         .paper = geometric_mean(column("gpt2", "speedup", key)),
                         .ours = geometric_mean({medium_ms / (medium.seconds * 1e3), small_ms / (small.seconds * 1e3)}),
                         .remark = "as F12's last row: the same times of ours"}),
                  0.20);
  }
}

/// Joules of a platform follow from its energy ratio: the chip took 8.30 W for the time that Fig. 14 gives it.
TEST(PaperPlatforms, EnergyOfGpt2) {
  const ChipSetup setup = chip_setup("spatten");
  const double medium = run(gpt2("medium"), setup).joules.total(), small = run(gpt2("small"), setup).joules.total();
  for (const auto& [key, name] : kPlatforms) {
    std::vector<double> ratios;
    for (const PaperBenchmark& b : benchmarks_of("gpt2")) {
      const double seconds = published("gpt2_latency", {b.model, "titan_xp"}) / 1e3 /
                             published("figure_14", {"benchmarks", b.name, "speedup", "titan_xp"});
      const double platform =
          published("figure_14", {"benchmarks", b.name, "energy", key}) * published("table_2", {"total"}) * seconds;
      ratios.push_back(platform / (b.model == "gpt2-medium" ? medium : small));
    }
    expect_within(claim({.id = "F14",
                         .what = "energy against " + name + ", 8 tasks of GPT-2",
                         .paper = geometric_mean(column("gpt2", "energy", key)),
                         .ours = geometric_mean(ratios),
                         .remark = "the platforms' joules are derived with the chip's 8.30 W"}),
                  0.20);
  }
}

}  // namespace
}  // namespace spatten

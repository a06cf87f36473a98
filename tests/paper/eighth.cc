// SPDX-License-Identifier: Apache-2.0
// F17: SpAtten-1/8 beside A3 and MNNFast (HPCA'21 Table III): 128 multipliers, 64 GB/s, K and V SRAM of 24 KB each (an
// eighth; the paper does not say). The unit of its 360 GOP/s is not stated: 128 multipliers do 256 at most, so skipped
// work must count. Ours are dense-equivalent, means over the 11 tasks of BERT-Base (those of BERT-Large do 3 % more).
// Nor is said what its 382 GOP/J count as power: 360 over 382 is 0.94 W, an eighth of Table II's 8.30 W is 1.04 W.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

double table(const std::string& chip, const std::string& what) { return published("table_3", {chip, what}); }

TEST(PaperEighth, DoesAsMuchAsPublished) {
  const ChipSetup setup = chip_setup("spatten-eighth");
  const double mm2 = cost::area_of(setup.technology, write_field(setup.chip)).total_mm2;
  const double dram_share = published("table_2", {"dram"}) / 8;
  std::vector<double> dense, executed, per_watt, per_watt_charged;
  for (const Tally& t : run_all(benchmarks_of("bert-base"), setup)) {
    const double gops = t.tops_dense_equivalent() * 1e3;
    dense.push_back(gops);
    executed.push_back(t.tflops_executed() * 1e3);
    per_watt.push_back(gops / t.watts().total());
    per_watt_charged.push_back(gops / (t.watts().logic + t.watts().sram + dram_share));
  }
  const std::string command =
      "spatten simulate --model bert-base --length 51 --policy paper-bert --set quantization.query_bits=6 --set "
      "quantization.key_bits=6 --set quantization.value_bits=6 --chip spatten-eighth";
  expect_within(claim({.id = "F17",
                       .what = "throughput, dense-equivalent",
                       .paper = table("spatten_eighth", "gops"),
                       .ours = mean(dense),
                       .unit = "GOP/s",
                       .remark = fmt::format("executed: {:.0f}", mean(executed)),
                       .command = command}),
                0.20);
  expect_within(claim({.id = "F17",
                       .what = "area",
                       .paper = table("spatten_eighth", "area_mm2"),
                       .ours = mm2,
                       .unit = "mm2",
                       .remark = "parts scaled from the full chip"}),
                0.20);
  expect_within(claim({.id = "F17",
                       .what = "throughput over area",
                       .paper = table("spatten_eighth", "gops_per_mm2"),
                       .ours = mean(dense) / mm2,
                       .unit = "GOP/s/mm2"}),
                0.20);
  expect_within(claim({.id = "F17",
                       .what = "throughput over A3",
                       .paper = 1.6,
                       .ours = mean(dense) / table("a3", "gops"),
                       .remark = "A3's 221 GOP/s as printed"}),
                0.20);
  expect_within(claim({.id = "F17",
                       .what = "throughput over MNNFast",
                       .paper = 3.0,
                       .ours = mean(dense) / table("mnnfast", "gops"),
                       .remark = "MNNFast's 120 GOP/s as printed"}),
                0.20);
  expect_within(claim({.id = "F17",
                       .what = "throughput over area, over A3",
                       .paper = 2.2,
                       .ours = mean(dense) / mm2 / table("a3", "gops_per_mm2")}),
                0.20);
  const double power = run_sampled(calibration_load, 32, chip_setup("spatten")).watts().total() / 8;
  expect_within(claim({.id = "F17",
                       .what = "energy, an eighth of Table II's power",
                       .paper = table("spatten_eighth", "gops_per_watt"),
                       .ours = mean(dense) / power,
                       .unit = "GOP/J",
                       .remark = "dense-equivalent operations of BERT over the power of the full chip on the load of its "
                                 "calibration, divided by 8"}),
                0.20);
  const Claim charged = claim({.id = "F17",
                               .what = "energy, power on BERT with DRAM charged as to A3",
                               .paper = table("spatten_eighth", "gops_per_watt"),
                               .ours = mean(per_watt_charged),
                               .unit = "GOP/J",
                               .remark = "5.71 W / 8 of DRAM, which is how 269 GOP/J of A3 comes about"});
  const Claim own = claim({.id = "F17",
                           .what = "energy, power on BERT with DRAM as it is used",
                           .paper = table("spatten_eighth", "gops_per_watt"),
                           .ours = mean(per_watt),
                           .unit = "GOP/J",
                           .remark = "BERT reads K and V once per head"});
  expect_ours(charged, 300, 0.20);
  expect_ours(own, 460, 0.20);
}

}  // namespace
}  // namespace spatten

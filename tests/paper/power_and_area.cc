// SPDX-License-Identifier: Apache-2.0
// F15, F16: power by kind and by module, area by module (HPCA'21 Table II, Fig. 13). configs/tech/tsmc40.json was
// calibrated once, on this load and these figures; what the test shows is that it still says so, not that it predicts
// them.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

TEST(PaperPower, IsThatOfTable2OnTheLoadOfTheCalibration) {
  const cost::Joules watts = run_sampled(calibration_load, 32, chip_setup("spatten")).watts();
  const std::string remark = "calibrated once, on this load";
  const std::string command =
      "spatten simulate --model gpt2-medium --policy paper-gpt2-medium --set token.reference_length=1024 --set "
      "value.reference_length=1024 --set quantization.msb_bits=0 --set quantization.key_bits=12";
  expect_within(claim({.id = "F15",
                       .what = "logic",
                       .paper = published("table_2", {"logic"}),
                       .ours = watts.logic,
                       .unit = "W",
                       .remark = remark,
                       .command = command}),
                0.10);
  expect_within(claim({.id = "F15",
                       .what = "SRAM",
                       .paper = published("table_2", {"sram"}),
                       .ours = watts.sram,
                       .unit = "W",
                       .remark = remark,
                       .command = command}),
                0.10);
  expect_within(claim({.id = "F15",
                       .what = "DRAM",
                       .paper = published("table_2", {"dram"}),
                       .ours = watts.dram,
                       .unit = "W",
                       .remark = remark,
                       .command = command}),
                0.10);
  expect_within(claim({.id = "F15",
                       .what = "total",
                       .paper = published("table_2", {"total"}),
                       .ours = watts.total(),
                       .unit = "W",
                       .remark = remark,
                       .command = command}),
                0.10);
}

TEST(PaperPower, OfTheModulesIsThatOfFig13) {
  const auto source = calibration_load();
  ChosenSteps one(*source, [](std::uint32_t step) { return step == 16; });
  const ChipRun run = run_on_chip(one, "one token", chip_setup("spatten"));
  double topk = 0;
  for (const cost::BlockEnergy& b : run.energy.blocks) {
    if (b.name == "dram") continue;
    const double watts = b.joules.total() / run.energy.seconds;
    if (b.name == "topk") topk = watts;
    expect_within(claim({.id = "F15",
                         .what = b.title,
                         .paper = published("figure_13", {"power_w", b.name}),
                         .ours = watts,
                         .unit = "W",
                         .remark = "one token of the load of the calibration"}),
                  0.15);
  }
  expect_within(claim({.id = "F16",
                       .what = "top-k engines, share of all power",
                       .paper = published("figure_13", {"topk_power_ratio"}),
                       .ours = topk / run.energy.watts().total()}),
                0.15);
}

TEST(PaperArea, OfTheModulesIsThatOfFig13) {
  const ChipSetup setup = chip_setup("spatten");
  const cost::AreaReport area = cost::area_of(setup.technology, write_field(setup.chip));
  double topk = 0;
  for (const cost::BlockArea& b : area.blocks) {
    if (b.name == "dram") continue;
    if (b.name == "topk") topk = b.mm2;
    expect_within(claim({.id = "F15",
                         .what = b.title,
                         .paper = published("figure_13", {"area_mm2", b.name}),
                         .ours = b.mm2,
                         .unit = "mm2",
                         .remark = "calibrated once"}),
                  0.01);
  }
  expect_within(claim({.id = "F15",
                       .what = "total",
                       .paper = published("figure_13", {"area_mm2", "total"}),
                       .ours = area.total_mm2,
                       .unit = "mm2"}),
                0.01);
  const Claim share = claim({.id = "F16",
                             .what = "top-k engines, share of the area",
                             .paper = published("figure_13", {"topk_area_ratio"}),
                             .ours = topk / area.total_mm2});
  EXPECT_NEAR(share.ours, share.paper, 0.0005);
}

}  // namespace
}  // namespace spatten

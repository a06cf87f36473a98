// SPDX-License-Identifier: Apache-2.0
// measure() on a clock that only the workloads move.
#include "spatten/study/measure.h"

#include <gtest/gtest.h>

#include <string>

#include "spatten/base/error.h"

namespace spatten {
namespace {

/// Takes the next of its times at each run and writes what happened to a log.
class FakeWorkload final : public Workload {
 public:
  FakeWorkload(char name, std::vector<double> seconds, double& now, std::string& log, double units = 1)
      : name_(name), seconds_(std::move(seconds)), now_(now), log_(log), units_(units) {}

  void prepare() override {
    log_ += '(';
    now_ += 1000;
  }
  void run() override {
    log_ += name_;
    now_ += seconds_[runs_++ % seconds_.size()];
  }
  double units() const override { return units_; }
  std::size_t runs() const { return runs_; }

 private:
  char name_;
  std::vector<double> seconds_;
  double& now_;
  std::string& log_;
  double units_;
  std::size_t runs_ = 0;
};

class Measure : public ::testing::Test {
 protected:
  std::vector<Timing> measure_all(std::vector<Workload*> workloads) {
    return measure(workloads, [this] { return now_; }, options_);
  }
  double now_ = 5;
  std::string log_;
  MeasureOptions options_{.seconds = 0, .min_rounds = 3, .max_rounds = 10, .cancelled = nullptr, .progress = {}};
};

TEST(Quartiles, LieBetweenSamplesWhereTheyMust) {
  const Timing odd = quartiles({5, 1, 4, 2, 3});
  EXPECT_EQ(odd.low_seconds, 2);
  EXPECT_EQ(odd.median_seconds, 3);
  EXPECT_EQ(odd.high_seconds, 4);
  EXPECT_EQ(odd.samples, 5u);
  const Timing even = quartiles({4, 1, 2, 3});
  EXPECT_EQ(even.low_seconds, 1.75);
  EXPECT_EQ(even.median_seconds, 2.5);
  EXPECT_EQ(even.high_seconds, 3.25);
  const Timing single = quartiles({7});
  EXPECT_EQ(single.low_seconds, 7);
  EXPECT_EQ(single.high_seconds, 7);
  EXPECT_EQ(quartiles({}).samples, 0u);
}

TEST_F(Measure, WorkloadsTakeTurnsAndPreparationIsNotTimed) {
  FakeWorkload a('a', {1}, now_, log_), b('b', {2}, now_, log_);
  const std::vector<Timing> timings = measure_all({&a, &b});
  EXPECT_EQ(log_, "(a(b(a(b(a(b(a(b");
  EXPECT_EQ(timings[0].median_seconds, 1);
  EXPECT_EQ(timings[1].median_seconds, 2);
}

TEST_F(Measure, TheWarmUpRoundIsNotCounted) {
  FakeWorkload a('a', {100, 1, 2, 3}, now_, log_);
  const Timing timing = measure_all({&a})[0];
  EXPECT_EQ(timing.samples, 3u);
  EXPECT_EQ(timing.high_seconds, 2.5);
}

TEST_F(Measure, TimesArePerUnit) {
  FakeWorkload a('a', {8}, now_, log_, 4);
  EXPECT_EQ(measure_all({&a})[0].median_seconds, 2);
}

TEST_F(Measure, RoundsEndWithTheTimeOrWithTheirNumber) {
  FakeWorkload a('a', {1}, now_, log_);
  options_.seconds = 5500;  // a round takes 1001 s
  EXPECT_EQ(measure_all({&a})[0].samples, 5u);
  options_.seconds = 1e9;
  EXPECT_EQ(measure_all({&a})[0].samples, 10u);
}

TEST_F(Measure, TellsItsProgressAfterEveryRound) {
  FakeWorkload a('a', {1}, now_, log_);
  std::vector<std::size_t> rounds;
  options_.progress = [&](std::size_t round) { rounds.push_back(round); };
  measure_all({&a});
  EXPECT_EQ(rounds, (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST_F(Measure, StopsWhenCancelled) {
  FakeWorkload a('a', {1}, now_, log_);
  std::atomic<bool> cancelled{false};
  options_.cancelled = &cancelled;
  options_.progress = [&](std::size_t round) { cancelled = round == 1; };
  EXPECT_THROW(measure_all({&a}), Cancelled);
  EXPECT_EQ(a.runs(), 2u);
}

}  // namespace
}  // namespace spatten

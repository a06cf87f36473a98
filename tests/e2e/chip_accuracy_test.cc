// SPDX-License-Identifier: Apache-2.0
// What the chip's arithmetic costs trained models: labels, text, and the error of the probabilities against double
// precision on the same Q, K and V.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <sstream>

#include "spatten/algo/reference.h"
#include "spatten/base/file.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/generate.h"
#include "support/chip_task.h"
#include "support/shared_data.h"

namespace spatten {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Gt;
using testing::Lt;

const std::vector<std::string> kSentences{
    "a gripping and funny film from start to finish .",
    "the plot makes no sense and the jokes fall flat .",
    "it is too long by half an hour , and still i did not want it to end .",
    "an honest portrait of a family that has run out of things to say .",
    "everyone on screen looks as bored as the people in the seats .",
    "the camera finds beauty in the smallest gesture .",
    "a mess .",
    "you will laugh , you will cry , you will ask for your money back .",
    "the second half drags , but the ending is worth the wait .",
    "rarely has a story about accounting been this tense .",
    "nothing here that you have not seen done better elsewhere .",
    "her performance carries the whole picture .",
    "a lazy sequel that forgets what made the first one work .",
    "warm , strange and quietly devastating .",
    "the dialogue sounds as if it had been written by a committee .",
    "i left the theater with a smile that lasted all day .",
    "it wants to be profound and ends up merely loud .",
    "the music alone is worth the price of the ticket .",
    "a film that respects its audience .",
    "clumsy , dull and far too pleased with itself .",
    "not without charm , though the pace could be better .",
    "the effects are impressive ; the people are made of cardboard .",
    "one of the few comedies this year that is actually funny .",
    "a sad waste of a talented cast .",
    "it moves with the confidence of a director who knows exactly what she wants .",
    "ninety minutes of noise .",
    "the twist is visible from the first scene , and yet it hurts when it comes .",
    "a documentary with patience , wit and a real point of view .",
    "there is less here than meets the eye .",
    "delightful from beginning to end , and smarter than it pretends to be .",
    "the script is a collection of cliches held together by car chases .",
    "a small film with a large heart .",
};

/// |probability on the chip - probability in double precision| from the same Q, K and V, per layer.
class ProbabilityError : public OperandTap {
 public:
  explicit ProbabilityError(std::size_t layers) : sums_(layers, 0.0), counts_(layers, 0) {}

  void see(const HeadOperands& o) override {
    const algo::FixedHead chip = algo::attend_fixed_head(task_of(o, {}));
    const algo::HeadResult exact = algo::attend_head(o.q, o.k, o.v, {.causal = o.causal});
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t r = 0; r < o.q.rows; ++r) {
      for (std::size_t j = 0; j < exact.rows[r].probabilities.size(); ++j, ++count) {
        sum += std::abs(chip.rows[r].probabilities[j] / 4096.0 - exact.rows[r].probabilities[j]);
      }
    }
    const std::lock_guard lock(mutex_);
    sums_[o.layer] += sum;
    counts_[o.layer] += count;
  }
  std::vector<double> means() const {
    std::vector<double> out;
    for (std::size_t l = 0; l < sums_.size(); ++l) out.push_back(sums_[l] / static_cast<double>(counts_[l]));
    return out;
  }

 private:
  std::mutex mutex_;
  std::vector<double> sums_;
  std::vector<std::size_t> counts_;
};

// Rounding to 1/4096 alone makes 0.25/4096 = 6.1e-5 on average; 12-bit Q and K and the series add little to it.
constexpr double kLargestMean = 8e-5;

RunOptions options_of(ThreadPool& threads, Arithmetic arithmetic) {
  RunOptions options;
  options.threads = &threads;
  options.arithmetic = arithmetic;
  return options;
}

TEST(ChipAccuracy, KeepsTheLabelsOfTheBundledClassifier) {
  ThreadPool threads(2);
  const Model model = load_model(SPATTEN_SOURCE_DIR "/models/sst2-small", threads);
  std::vector<TextInput> inputs;
  for (const std::string& sentence : kSentences) inputs.push_back({sentence, {}});
  ProbabilityError error(model.config.layers);
  RunOptions plain = options_of(threads, Arithmetic::kFloat);
  plain.tap = &error;
  const std::vector<Classification> expected = classify(model, inputs, plain),
                                    found = classify(model, inputs, options_of(threads, Arithmetic::kChip));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE(kSentences[i]);
    EXPECT_EQ(found[i].label, expected[i].label);
    EXPECT_NEAR(found[i].scores[0], expected[i].scores[0], 1e-3);  // measured: 3.5e-4
  }
  EXPECT_THAT(error.means(), Each(AllOf(Lt(kLargestMean), Gt(1e-6))));
}

TEST(ChipAccuracy, TellsTheSameStory) {
  ThreadPool threads(2);
  const Model model = load_model(SPATTEN_SOURCE_DIR "/models/stories-small", threads);
  GenerateOptions generation;
  generation.max_tokens = 24;
  const std::vector<std::string> prompts{"Once upon a time there was a small boat", "The dog was very"};
  const auto expected = generate(model, prompts, generation, options_of(threads, Arithmetic::kFloat)),
             found = generate(model, prompts, generation, options_of(threads, Arithmetic::kChip));
  for (std::size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(found[i].text, expected[i].text);
}

// Prints the error per layer, which docs/validation.md cites.
TEST(ChipAccuracy, KeepsProbabilitiesOfRealSentencesInEveryLayer) {
  const std::string path = shared_data("glue/SST-2/dev.tsv");
  if (!is_file(path)) GTEST_SKIP() << "no " << path << "; set SPATTEN_SHARED_DATA to the folder that holds glue/SST-2";
  ThreadPool threads(2);
  const Model model = load_model(SPATTEN_SOURCE_DIR "/models/sst2-small", threads);
  std::vector<TextInput> inputs;
  std::istringstream lines(read_file(path));
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line) && inputs.size() < 200;) inputs.push_back({line.substr(line.find('\t') + 1), {}});
  ProbabilityError error(model.config.layers);
  RunOptions options = options_of(threads, Arithmetic::kFloat);
  options.tap = &error;
  classify(model, inputs, options);
  EXPECT_THAT(error.means(), Each(Lt(kLargestMean)));
  for (const double mean : error.means()) fmt::print("mean |p_chip - p| {:.2e}\n", mean);
}

}  // namespace
}  // namespace spatten

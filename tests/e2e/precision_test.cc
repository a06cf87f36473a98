// SPDX-License-Identifier: Apache-2.0
// What bf16 and int8 cost whole models: random ones within a bound, the bundled ones in labels and perplexity.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "spatten/base/fields.h"
#include "spatten/base/file.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/perplexity.h"
#include "support/on_every_target.h"
#include "support/random_model.h"
#include "support/shared_data.h"

namespace spatten {
namespace {

constexpr Precision kRounded[] = {Precision::kBf16, Precision::kInt8};

using PrecisionOfModels = kernels::OnEveryTarget;
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(PrecisionOfModels);

double root_mean_square(ConstMatrix a, const OwnedMatrix<float>* minus = nullptr) {
  double sum = 0;
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (std::size_t c = 0; c < a.cols; ++c) {
      const double x = double{a(r, c)} - (minus != nullptr ? double{(*minus)(r, c)} : 0.0);
      sum += x * x;
    }
  }
  return std::sqrt(sum / static_cast<double>(a.rows * a.cols));
}

/// Error of a product over its result, both root mean square, when the errors of its terms do not know of each other: that of a
/// term. A bf16 is off by up to 2^-8 of itself, an integer by up to half of 1/127 of the largest of its row, which is 4 times the
/// root mean square or less in rows of this length; both operands are, and an error that is spread evenly has 1/sqrt(3) of its largest.
double error_of_a_product(Precision precision) {
  const double largest = precision == Precision::kBf16 ? std::ldexp(1.0, -8) : 4 * 0.5 / 127;
  return std::sqrt(2.0 / 3) * largest;
}

// Four products in a layer, one after the other, and a head; norms keep the size of what they see. Errors that knew of each other
// would add up to this; they do not, and a tenth of it is what comes out.
double bound(Precision precision, int layers) { return (4 * layers + 1) * error_of_a_product(precision); }

TEST_P(PrecisionOfModels, IsWithinTheErrorOfItsProducts) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, threads);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 3, 64}), 1, threads);
  RunOptions options;
  options.threads = &threads;
  Random random(2);
  const Encoding input = random_encoding(random, 50);
  const std::vector<std::int32_t> ids = random_ids(random, 50);
  const EncoderOutput hidden = bert.model.encode({&input, 1}, options);
  Decoder decoder = gpt2.model.start(options);
  const OwnedMatrix<float> logits = gpt2.model.extend_all_logits(decoder, ids, options);
  for (const Precision precision : kRounded) {
    SCOPED_TRACE(enum_name(precision));
    const RandomModel<Bert> rounded_bert(random_bert_config({3, 3, 32}), 1, threads, precision);
    const RandomModel<Gpt2> rounded_gpt2(random_gpt2_config({3, 3, 64}), 1, threads, precision);
    EXPECT_LT(rounded_bert.model.weight_bytes(), bert.model.weight_bytes());
    EXPECT_LT(rounded_gpt2.model.weight_bytes(), gpt2.model.weight_bytes());
    const EncoderOutput found = rounded_bert.model.encode({&input, 1}, options);
    const double bert_error = root_mean_square(found.hidden.view(), &hidden.hidden) / root_mean_square(hidden.hidden.view());
    EXPECT_LT(bert_error, bound(precision, 3));
    EXPECT_GT(bert_error, 0);
    Decoder other = rounded_gpt2.model.start(options);
    const OwnedMatrix<float> found_logits = rounded_gpt2.model.extend_all_logits(other, ids, options);
    const double gpt2_error = root_mean_square(found_logits.view(), &logits) / root_mean_square(logits.view());
    EXPECT_LT(gpt2_error, bound(precision, 3));
    EXPECT_GT(gpt2_error, 0);
  }
}

// ---------------------------------------------------------------- the bundled models

Model bundled(const char* name, ThreadPool& threads, Precision precision) {
  return load_model(std::string(SPATTEN_SOURCE_DIR "/models/") + name, threads, {.precision = precision});
}

struct Labelled {
  std::vector<TextInput> inputs;
  std::vector<int> labels;
};

/// The development set: a header line, then label, tab, sentence.
Labelled read_sst2(const std::string& path) {
  Labelled out;
  std::istringstream lines(read_file(path));
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) {
    out.labels.push_back(line[0] - '0');
    out.inputs.push_back({line.substr(line.find('\t') + 1), {}});
  }
  return out;
}

// Two thirds of a point is the least that 872 sentences can tell from nothing (the standard error of a difference in which one
// sentence in 25 changes its label); so is the share of labels that may change.
TEST(PrecisionAccuracy, OfTheBundledClassifierOnRealSentencesSlow) {
  const std::string path = shared_data("glue/SST-2/dev.tsv");
  if (!is_file(path)) GTEST_SKIP() << "no " << path << "; set SPATTEN_SHARED_DATA to the folder that holds glue/SST-2";
  const Labelled data = read_sst2(path);
  ASSERT_EQ(data.labels.size(), 872u);
  ThreadPool threads(2);
  RunOptions options;
  options.threads = &threads;
  const auto labels_of = [&](Precision precision) {
    std::vector<int> out;
    for (const Classification& c : classify(bundled("sst2-small", threads, precision), data.inputs, options)) out.push_back(static_cast<int>(c.label_id));
    return out;
  };
  const auto equal = [](const std::vector<int>& a, const std::vector<int>& b) {
    int count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) count += a[i] == b[i];
    return count;
  };
  const std::vector<int> exact = labels_of(Precision::kFp32);
  for (const Precision precision : kRounded) {
    const std::vector<int> found = labels_of(precision);
    fmt::print("{}: {} of 872 right, fp32 {}; {} labels alike\n", enum_name(precision), equal(found, data.labels),
               equal(exact, data.labels), equal(found, exact));
    EXPECT_NEAR(equal(found, data.labels), equal(exact, data.labels), 6);
    EXPECT_GE(equal(found, exact), 872 - (precision == Precision::kBf16 ? 9 : 18));
  }
}

const char* const kStory =
    "Once upon a time there was a little fox who lived in the wood by the river. One day the fox found a red ball under a tree. "
    "She wanted to play with it, but the ball was stuck. A big bear came and asked, \"Can I help you?\" The fox was scared at first, "
    "but the bear smiled and pushed the tree with his strong arms. The ball rolled out and they played together all day. When the sun "
    "went down, the fox said thank you and went home to her mom. They were happy to be friends.";

TEST(PrecisionAccuracy, OfTheBundledStorytellerIsWithinOnePercent) {
  ThreadPool threads(2);
  RunOptions options;
  options.threads = &threads;
  const auto of = [&](Precision precision) {
    return perplexity(bundled("stories-small", threads, precision), kStory, {}, options).perplexity;
  };
  const double exact = of(Precision::kFp32);
  for (const Precision precision : kRounded) EXPECT_NEAR(of(precision) / exact, 1, 0.01) << enum_name(precision);
}

}  // namespace
}  // namespace spatten

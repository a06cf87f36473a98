// SPDX-License-Identifier: Apache-2.0
// Robustness C35, by SQLite's method: allocation number 1 fails, then 2, then 3, ... until a run needs fewer; once with
// that one alone failing, once with all after it. A run loads a model, runs it, writes a trace and a report. Each time it
// must fail cleanly, leave old files or new ones and nothing beside them, and let the next run succeed. Leaks are found
// where the build has LeakSanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <new>

#include "faults/failing_allocations.h"
#include "spatten/algo/policy_file.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/generate.h"
#include "spatten/trace/file_sink.h"
#include "unit/model/tasks/small_models.h"

/// LeakSanitizer asks for it: oneDNN 2.6 loses a few objects of a primitive when it gets no memory for another one.
extern "C" const char* __lsan_default_suppressions() { return "leak:libdnnl\n"; }

namespace spatten {
namespace {

using Mode = FailingAllocations::Mode;

/// Some thousand allocations in a run: each of the first 200, then steps of a fortieth.
std::uint64_t next_number(std::uint64_t k) { return k + std::max<std::uint64_t>(1, k < 200 ? 1 : k / 40); }

class OutOfMemory : public testing::TestWithParam<Mode> {
 protected:
  /// Calls `run(folder)`, which writes run.trace and report.json, for every number of the failing allocation.
  void fail_each_allocation(const std::function<void(const std::string&)>& run) {
    const TempFolder folder;
    run(folder.path());
    const std::string trace = read_file(folder.path("run.trace")), report = read_file(folder.path("report.json"));
    std::uint64_t failed = 0, tried = 0;
    for (std::uint64_t k = 1;; k = next_number(k)) {
      SCOPED_TRACE(fmt::format("allocation {}", k));
      folder.write("run.trace", "old");
      folder.write("report.json", "old");
      bool threw = false, happened = false;
      {
        const FailingAllocations failing(k, GetParam());
        try {
          run(folder.path());
        } catch (const std::bad_alloc&) {
          threw = true;
        } catch (const Error&) {
          threw = true;
        }
        happened = failing.happened();
      }
      expect_old_or_new(folder, "run.trace", trace, threw);
      expect_old_or_new(folder, "report.json", report, threw);
      EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()), 2);
      if (HasFailure() || !happened) break;
      failed += threw;
      tried += 1;
    }
    RecordProperty("runs", static_cast<int>(tried));
    EXPECT_GT(tried, 100u);
    EXPECT_GT(failed, tried * 9 / 10);  // some are survived: fewer threads then
    run(folder.path());
    EXPECT_EQ(read_file(folder.path("report.json")), report);
  }

  /// A run that came to its end has written everything; one that threw may have finished one of the files.
  static void expect_old_or_new(const TempFolder& folder, const std::string& name, const std::string& wanted, bool threw) {
    const std::string found = read_file(folder.path(name));
    EXPECT_TRUE(found == wanted || (threw && found == "old")) << name << " holds " << found.size() << " bytes";
  }

  static RunOptions options_of(ThreadPool& threads, const algo::Policy& policy, trace::Sink& sink) {
    RunOptions options;
    options.threads = &threads;
    options.policy = &policy;
    options.sink = &sink;
    options.record_pruning = true;
    return options;
  }

  static algo::Policy policy_of(const std::string& name) {
    return algo::load_policy(name, std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning", {"quantization.msb_bits=8"});
  }
};

TEST_P(OutOfMemory, IsCleanWhileASentenceIsClassified) {
  const TempFolder model_folder;
  write_small_model(model_folder, "BertForSequenceClassification", 64, Json::object());
  fail_each_allocation([&](const std::string& folder) {
    ThreadPool threads(3);
    const Model model = load_model(model_folder.path(), threads);
    const algo::Policy policy = policy_of("tokens-half");
    trace::FileSink sink(join_path(folder, "run.trace"));
    sink.begin({});
    // 20 tokens and more: enough rows for oneDNN.
    const std::string text = "the cat sat on the mat, the dog ran on the mats far on the far cafe noir, ou the cats sat?";
    const std::vector<Classification> out = classify(model, {{text, {}}}, options_of(threads, policy, sink));
    sink.end();
    Json report = Json::object();  // made of a list it would lose 32 bytes (nlohmann-json 3.11) when a member gets no memory
    report["label"] = out[0].label;
    report["logits"] = out[0].logits;
    write_file(join_path(folder, "report.json"), dump_json(report));
  });
}

TEST_P(OutOfMemory, IsCleanWhileATextIsGenerated) {
  const TempFolder model_folder;
  write_small_model(model_folder, "GPT2LMHeadModel", 64, Json::object());
  fail_each_allocation([&](const std::string& folder) {
    ThreadPool threads(3);
    const Model model = load_model(model_folder.path(), threads);
    const algo::Policy policy = policy_of("kv-2x");
    trace::FileSink sink(join_path(folder, "run.trace"));
    sink.begin({});
    GenerateOptions how;
    how.max_tokens = 4;
    const std::vector<Generation> out = generate(model, {"the cat sat on the mat"}, how, options_of(threads, policy, sink));
    sink.end();
    Json report = Json::object();
    report["ids"] = out[0].token_ids;
    write_file(join_path(folder, "report.json"), dump_json(report));
  });
}

INSTANTIATE_TEST_SUITE_P(Allocation, OutOfMemory, testing::Values(Mode::kOnce, Mode::kForever),
                         [](const auto& mode) { return mode.param == Mode::kOnce ? "FailsOnce" : "FailsForever"; });

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Whole folders: values read back exactly in every type, strips, threads, and folders that are refused.
#include "spatten/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <limits>
#include <thread>

#include "spatten/model/weight_loader.h"
#include "support/checkpoint_writer.h"
#include "support/child_process.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const std::string& folder, const CheckpointOptions& options = {}) {
  return error_message([&] { Checkpoint::open(folder, options); });
}

std::vector<float> read(const Checkpoint& checkpoint, const std::string& name) {
  const auto [rows, columns] = checkpoint.shape(name);
  std::vector<float> out(rows * columns);
  checkpoint.read(name, out.data());
  return out;
}

std::vector<float> read_in_strips(const Checkpoint& checkpoint, const std::string& name, std::size_t rows_per_strip) {
  std::vector<float> out;
  checkpoint.read_strips(name, rows_per_strip, [&](std::size_t first, ConstMatrix rows) {
    EXPECT_EQ(first * rows.cols, out.size());
    EXPECT_LE(rows.rows, rows_per_strip);
    for (std::size_t r = 0; r < rows.rows; ++r) out.insert(out.end(), rows.row(r), rows.row(r) + rows.cols);
  });
  return out;
}

TEST(Checkpoint, ReadsBackEveryWeightInEveryType) {
  for (const Json& config : {tiny_bert_config("BertForMaskedLM"), tiny_gpt2_config()}) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
      for (const std::size_t shards : {1u, 3u}) {
        const TempFolder folder;
        const WrittenWeights written = write_checkpoint(folder.path(), config, {.dtype = dtype, .shards = shards});
        const Checkpoint checkpoint = Checkpoint::open(folder.path());
        std::uint64_t parameters = 0;
        for (const auto& [name, weight] : written) {
          EXPECT_TRUE(checkpoint.has(name));
          EXPECT_EQ(read(checkpoint, name), weight.values) << name;
          parameters += weight.values.size();
        }
        EXPECT_EQ(checkpoint.parameters(), parameters);
        EXPECT_EQ(checkpoint.weight_bytes(), 4 * parameters);
        EXPECT_GT(checkpoint.file_bytes(), parameters * dtype_bits(dtype) / 8);
      }
    }
  }
}

TEST(Checkpoint, CountsTheBytesOfItsPrecision) {
  for (const Json& config : {tiny_bert_config("BertForSequenceClassification"), tiny_bert_config("BertForMaskedLM"), tiny_gpt2_config()}) {
    const TempFolder folder;
    const WrittenWeights written = write_checkpoint(folder.path(), config);
    for (const auto& [precision, bytes] : {std::pair(kernels::Precision::kBf16, 2), {kernels::Precision::kInt8, 1}}) {
      const Checkpoint checkpoint = Checkpoint::open(folder.path(), {.precision = precision, .limits = {}});
      std::uint64_t expected = 0;
      for (const auto& [name, weight] : written) {
        const auto [rows, columns] = checkpoint.shape(name);
        if (checkpoint.precision(name) == kernels::Precision::kFp32) {
          expected += 4 * rows * columns;
          continue;
        }
        EXPECT_EQ(checkpoint.precision(name), precision);
        const std::uint64_t outputs = checkpoint.orientation(name) == Orientation::kConv1d ? columns : rows;
        expected += bytes * rows * columns + (precision == kernels::Precision::kInt8 ? 8 * outputs : 0);
      }
      EXPECT_EQ(checkpoint.weight_bytes(), expected);
    }
  }
}

TEST(Checkpoint, RoundsMatricesOfProductsAndNothingElse) {
  const auto precision_in = [](const Json& config, const char* name) {
    const TempFolder folder;
    write_checkpoint(folder.path(), config);
    return Checkpoint::open(folder.path(), {.precision = kernels::Precision::kInt8, .limits = {}}).precision(name);
  };
  Json untied = tiny_gpt2_config();
  untied["tie_word_embeddings"] = false;
  const Json classifier = tiny_bert_config("BertForSequenceClassification"), masked = tiny_bert_config("BertForMaskedLM");
  for (const auto& [config, name] : {std::pair<Json, const char*>{tiny_gpt2_config(), "h.0.attn.c_attn.weight"},
                                     {tiny_gpt2_config(), "wte.weight"},
                                     {untied, "lm_head.weight"},
                                     {classifier, "encoder.layer.1.intermediate.dense.weight"},
                                     {classifier, "pooler.dense.weight"},
                                     {masked, "embeddings.word_embeddings.weight"},
                                     {masked, "cls.predictions.transform.dense.weight"}}) {
    EXPECT_EQ(precision_in(config, name), kernels::Precision::kInt8) << name;
  }
  for (const auto& [config, name] : {std::pair<Json, const char*>{tiny_gpt2_config(), "wpe.weight"},
                                     {tiny_gpt2_config(), "h.0.attn.c_attn.bias"},
                                     {untied, "wte.weight"},
                                     {classifier, "embeddings.word_embeddings.weight"},
                                     {classifier, "embeddings.LayerNorm.weight"},
                                     {classifier, "classifier.weight"},
                                     {tiny_bert_config("BertForQuestionAnswering"), "qa_outputs.weight"}}) {
    EXPECT_EQ(precision_in(config, name), kernels::Precision::kFp32) << name;
  }
}

TEST(Checkpoint, StripsOfAnyHeightGiveTheSameRows) {
  const TempFolder folder;
  const WrittenWeights written = write_checkpoint(folder.path(), tiny_gpt2_config(), {.dtype = DType::kF16});
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  for (const char* name : {"wte.weight", "h.0.mlp.c_fc.weight", "ln_f.bias"}) {
    for (const std::size_t rows : {1u, 3u, 16u, 40u, 1000u}) {
      EXPECT_EQ(read_in_strips(checkpoint, name, rows), written.at(name).values) << name << ' ' << rows;
    }
  }
}

TEST(Checkpoint, TensorsLongerThanOneChunkAreReadWhole) {
  Json config = tiny_gpt2_config();
  config["vocab_size"] = 9001;  // 144,016 elements in chunks of 65,536
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    const TempFolder folder;
    const WrittenWeights written = write_checkpoint(folder.path(), config, {.dtype = dtype});
    const Checkpoint checkpoint = Checkpoint::open(folder.path());
    EXPECT_EQ(read(checkpoint, "wte.weight"), written.at("wte.weight").values);
    EXPECT_EQ(read_in_strips(checkpoint, "wte.weight", 5000), written.at("wte.weight").values);
  }
}

TEST(Checkpoint, DescribesShapeOrientationAndTask) {
  const TempFolder folder;
  Json config = tiny_bert_config("BertForQuestionAnswering");
  config.erase("architectures");
  write_checkpoint(folder.path(), tiny_bert_config("BertForQuestionAnswering"));
  folder.write("config.json", config.dump());
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.task(), Task::kQuestionAnswering);
  EXPECT_EQ(checkpoint.shape("encoder.layer.0.intermediate.dense.weight"), std::pair(std::size_t{24}, std::size_t{16}));
  EXPECT_EQ(checkpoint.shape("qa_outputs.bias"), std::pair(std::size_t{1}, std::size_t{2}));
  EXPECT_EQ(checkpoint.orientation("qa_outputs.weight"), Orientation::kLinear);
  EXPECT_FALSE(checkpoint.has("classifier.weight"));
  EXPECT_EQ(error_message([&] { read(checkpoint, "classifier.weight"); }),
            folder.path() + ":classifier.weight: expected this tensor, found none");
}

TEST(Checkpoint, SeveralThreadsReadAtOnce) {
  const TempFolder folder;
  const WrittenWeights written = write_checkpoint(folder.path(), tiny_gpt2_config(), {.dtype = DType::kF16, .shards = 2});
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        for (const auto& [name, weight] : written) wrong[t] += read(checkpoint, name) == weight.values ? 0 : 1;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
}

// ---------------------------------------------------------------- values (robustness A.12)

/// A folder whose token embeddings hold `value` at row 7, column 3.
std::string write_with_value(const TempFolder& folder, float value, DType dtype = DType::kF32) {
  const Json config = tiny_gpt2_config();
  const ModelConfig model = read_model_config(JsonFile::parse(config.dump(), "c"));
  WrittenWeights written;
  std::vector<RawTensor> tensors = random_tensors(model, {.dtype = dtype}, written);
  for (RawTensor& t : tensors) {
    if (t.name != "transformer.wte.weight") continue;
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t top = bits >> 16;  // of a bfloat16
    const std::size_t size = dtype_bits(dtype) / 8, at = (7 * 16 + 3) * size;
    std::memcpy(t.bytes.data() + at, dtype == DType::kF32 ? &bits : &top, size);
  }
  folder.write("config.json", config.dump());
  return folder.write("model.safetensors", safetensors_file(tensors));
}

TEST(RobustnessA12, NanAndInfAreRefusedWithTensorAndPosition) {
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    for (const auto& [value, text] : {std::pair(std::numeric_limits<float>::quiet_NaN(), "nan"), {-std::numeric_limits<float>::infinity(), "-inf"}}) {
      const TempFolder folder;
      const std::string expected = write_with_value(folder, value, dtype) +
                                   fmt::format(":transformer.wte.weight: expected finite values, found {} at row 7, column 3", text);
      const Checkpoint checkpoint = Checkpoint::open(folder.path());
      EXPECT_EQ(error_message([&] { read(checkpoint, "wte.weight"); }), expected);
      EXPECT_EQ(error_message([&] { read_in_strips(checkpoint, "wte.weight", 5); }), expected);
      EXPECT_EQ(error_message([&] { read(checkpoint, "wpe.weight"); }), "");
      const Checkpoint unchecked = Checkpoint::open(folder.path(), {.check = ValueCheck::kNone});
      EXPECT_EQ(read(unchecked, "wte.weight").size(), 640u);
    }
  }
}

TEST(RobustnessA12, DenormalsAreReadUnlessTheStrictCheckIsOn) {
  const TempFolder folder;
  write_with_value(folder, 1e-40f);
  EXPECT_EQ(read(Checkpoint::open(folder.path()), "wte.weight")[7 * 16 + 3], 1e-40f);
  const Checkpoint strict = Checkpoint::open(folder.path(), {.check = ValueCheck::kNormal});
  EXPECT_THAT(error_message([&] { read(strict, "wte.weight"); }), HasSubstr("expected finite, normal values, found 1e-40 at row 7, column 3"));
}

// ---------------------------------------------------------------- folders

TEST(RobustnessA9, AFileThatShrinksWhileInUseGivesAnErrorInEveryReader) {
  const TempFolder folder;
  write_checkpoint(folder.path(), tiny_gpt2_config());
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  std::filesystem::resize_file(folder.path("model.safetensors"), checkpoint.file_bytes() - 8);  // ln_f.bias is the last
  EXPECT_THAT(error_message([&] { read(checkpoint, "ln_f.bias"); }), HasSubstr("expected more data, found the end of the file"));
  EXPECT_THAT(error_message([&] { read_in_strips(checkpoint, "wte.weight", 8); }), "");  // still whole
}

TEST(CheckpointFolder, WhatIsNotAModelFolderIsRefusedWithWhatWasLookedFor) {
  const TempFolder folder;
  EXPECT_EQ(refusal(folder.path("none")),
            folder.path("none") + ": expected a model folder with config.json and model.safetensors, found nothing");
  folder.write("file", "x");
  EXPECT_EQ(refusal(folder.path("file")),
            folder.path("file") + ": expected a model folder with config.json and model.safetensors, found a file");
  EXPECT_EQ(refusal(folder.path()), folder.path() + ": expected config.json beside model.safetensors or "
                                                    "model.safetensors.index.json, found no config.json");
  folder.write("config.json", tiny_gpt2_config().dump());
  EXPECT_EQ(refusal(folder.path()), folder.path() + ": expected model.safetensors or model.safetensors.index.json, found neither");
  folder.write("pytorch_model.bin", "x");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("found neither (pytorch_model.bin is there, but is not read)"));
}

TEST(CheckpointFolder, APipeInPlaceOfAFileIsNotWaitedFor) {
  const TempFolder folder;
  write_checkpoint(folder.path(), tiny_gpt2_config());
  std::filesystem::remove(folder.path("config.json"));
  ASSERT_EQ(::mkfifo(folder.path("config.json").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("found no config.json"));
  EXPECT_THAT(error_message([&] { InputFile file(folder.path("config.json")); }), HasSubstr("expected a regular file"));
}

// ---------------------------------------------------------------- memory (robustness C.41)

/// A folder of about `megabytes` of weights that take no room on the disk.
void write_sparse(const TempFolder& folder, std::uint64_t megabytes) {
  Json config = tiny_gpt2_config();
  const std::uint64_t vocab = megabytes * 1'000'000 / 64;
  config["vocab_size"] = vocab;
  const ModelConfig model = read_model_config(JsonFile::parse(config.dump(), "c"));
  Json header = Json::object();
  std::uint64_t offset = 0;
  const WeightsTable table(model);
  for (const WeightSpec& spec : table.specs()) {
    std::uint64_t bytes = 4;
    for (const std::uint64_t d : spec.shape) bytes *= d;
    header[spec.name] = {{"dtype", "F32"}, {"shape", spec.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  folder.write("config.json", config.dump());
  const std::string start = safetensors_file(header.dump());
  std::filesystem::resize_file(folder.write("model.safetensors", start), start.size() + offset);
}

TEST(RobustnessC41, TooLittleAddressSpaceIsRefusedBeforeLoadingWithTheNumberNeeded) {
  if (!kCanMeasure) GTEST_SKIP() << "address space limits do not go with sanitizers";
  const TempFolder folder;
  write_sparse(folder, 400);
  const std::uint64_t need = Checkpoint::open(folder.path(), {.check_memory = false}).weight_bytes();
  const auto open_with = [&](std::uint64_t megabytes, kernels::Precision precision = kernels::Precision::kFp32) {
    return run_in_child([&] {
      const rlimit limit{megabytes << 20, megabytes << 20};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) throw Error("cannot set the limit");
      Checkpoint::open(folder.path(), {.precision = precision, .limits = {}});
    });
  };
  const ChildResult small = open_with(370);
  EXPECT_EQ(small.status, 0);
  EXPECT_THAT(small.message, HasSubstr(fmt::format(": expected {} bytes of memory for the weights in fp32, found ", need)));
  EXPECT_THAT(small.message, HasSubstr("(RLIMIT_AS)"));
  EXPECT_LT(small.peak_growth_bytes, std::uint64_t{16} << 20);
  EXPECT_THAT(open_with(500, kernels::Precision::kInt8).message, "");  // 150 MB, and what the process has mapped
  EXPECT_EQ(open_with(4000).message, "");
}

TEST(WeightLoader, Int8TakesAsManyInputsAsItsSumsHoldAndRefusesOneMore) {
  const auto load = [](std::size_t inputs, kernels::Precision precision) {
    Json config = tiny_bert_config();
    config["intermediate_size"] = inputs;
    config["num_hidden_layers"] = 1;
    const ModelConfig shape = read_model_config(JsonFile::parse(config.dump(), "config.json"));
    const Checkpoint checkpoint = Checkpoint::random(shape, 1, precision);
    WeightLoader loader(checkpoint);
    Linear down;
    loader.linear({"encoder.layer.0.output.dense"}, 16, down);
    EXPECT_EQ(down.weight.in(), inputs);
  };
  constexpr std::size_t kMost = kernels::PackedMatrix::kMaxInt8Inputs;
  load(kMost, kernels::Precision::kInt8);
  EXPECT_THAT(error_message([&] { load(kMost + 1, kernels::Precision::kInt8); }),
              AllOf(HasSubstr("output.dense.weight"), HasSubstr("at most 131072 inputs for int8, found 131073")));
  load(kMost + 1, kernels::Precision::kBf16);
}

TEST(CheckpointMemory, LoadingTakesWhatThePrecisionTakes) {
  if (!kCanMeasure) GTEST_SKIP() << "the shadow memory of a sanitizer counts as resident";
  const TempFolder folder;
  write_sparse(folder, 200);
  for (const kernels::Precision precision : {kernels::Precision::kBf16, kernels::Precision::kInt8}) {
    const Checkpoint checkpoint = Checkpoint::open(folder.path(), {.precision = precision, .limits = {}});
    const ChildResult result = run_in_child([&] {
      ThreadPool threads(2);
      WeightLoader loader(checkpoint);
      kernels::PackedMatrix head;
      loader.packed_table("wte.weight", head);
      loader.run(threads);
      if (head.precision() != precision) throw Error("not the precision that was asked for");
    });
    EXPECT_EQ(result.message, "");
    EXPECT_LT(result.peak_growth_bytes, checkpoint.weight_bytes() + (std::uint64_t{8} << 20));
    // An output has 16 weights here: 64 bytes in fp32, 32 in bf16, 16 and 8 more in int8.
    EXPECT_LT(checkpoint.weight_bytes(), std::uint64_t{precision == kernels::Precision::kBf16 ? 101u : 76u} * 1'000'000);
  }
}

TEST(CheckpointMemory, ReadingTakesOneStripBeyondTheDestination) {
  if (!kCanMeasure) GTEST_SKIP() << "the shadow memory of a sanitizer counts as resident";
  const TempFolder folder;
  write_sparse(folder, 200);
  const ChildResult result = run_in_child([&] {
    const Checkpoint checkpoint = Checkpoint::open(folder.path());
    std::size_t rows_seen = 0;
    checkpoint.read_strips("wte.weight", 4096, [&](std::size_t, ConstMatrix rows) { rows_seen += rows.rows; });
    if (rows_seen != checkpoint.config().vocab) throw Error("rows are missing");
  });
  EXPECT_EQ(result.message, "");
  EXPECT_LT(result.peak_growth_bytes, std::uint64_t{8} << 20);  // of 200 MB
}

}  // namespace
}  // namespace spatten

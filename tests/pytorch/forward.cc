// SPDX-License-Identifier: Apache-2.0
// Runs a checkpoint on token ids and writes what came out as raw fp32, for compare.py.
//   forward MODEL_DIR IDS.json OUT.bin TASK     IDS.json: a list of lists of ids, run as one ragged batch
// TASK hidden: last hidden states, tokens x hidden. classify, spans, vocabulary: that head's logits.
// TASK lm: logits of every position by one prompt pass. cached: the same, token by token through the cache.
#include <cstdio>
#include <cstring>

#include "spatten/base/file.h"
#include "spatten/base/json.h"
#include "spatten/model/bert.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/gpt2.h"

namespace {

using namespace spatten;  // NOLINT: a test program

std::vector<std::vector<std::int32_t>> read_ids(const std::string& path) {
  const JsonFile file = JsonFile::load(path);
  std::vector<std::vector<std::int32_t>> out;
  for (const JsonNode& list : file.root().items()) {
    out.emplace_back();
    for (const JsonNode& id : list.items()) out.back().push_back(static_cast<std::int32_t>(id.integer(0, 1 << 30)));
  }
  return out;
}

void write(OutputFile& out, ConstMatrix m) {
  for (std::size_t r = 0; r < m.rows; ++r) out.write(m.row(r), m.cols * sizeof(float));
}

void run_bert(const Checkpoint& checkpoint, const std::vector<std::vector<std::int32_t>>& ids, const std::string& task,
              const RunOptions& options, OutputFile& out) {
  const Bert bert(checkpoint, *options.threads);
  std::vector<Encoding> batch(ids.size());
  for (std::size_t s = 0; s < ids.size(); ++s) {
    batch[s].ids = ids[s];
    batch[s].type_ids.assign(ids[s].size(), 0);
    for (std::size_t i = ids[s].size() / 2; i < ids[s].size(); ++i) batch[s].type_ids[i] = 1;
    batch[s].flags.assign(ids[s].size(), 0);
  }
  const EncoderOutput result = bert.encode(batch, options);
  if (task == "hidden") return write(out, result.hidden.view());
  if (task == "spans") return write(out, bert.spans(result.hidden.view(), options).view());
  if (task == "vocabulary") return write(out, bert.vocabulary(result.hidden.view(), options).view());
  OwnedMatrix<float> first(ids.size(), bert.config().hidden);
  for (std::size_t s = 0; s < ids.size(); ++s) {
    std::memcpy(first.row(s), result.hidden.row(result.offsets[s]), bert.config().hidden * sizeof(float));
  }
  write(out, bert.classify(bert.pool(first.view(), options).view(), options).view());
}

void run_gpt2(const Checkpoint& checkpoint, const std::vector<std::vector<std::int32_t>>& ids, const std::string& task,
              const RunOptions& options, OutputFile& out) {
  const Gpt2 gpt2(checkpoint, *options.threads);
  for (const std::vector<std::int32_t>& sequence : ids) {
    Decoder decoder = gpt2.start(options);
    if (task == "lm") {
      write(out, gpt2.extend_all_logits(decoder, sequence, options).view());
      continue;
    }
    for (const std::int32_t id : sequence) {
      Decoder* const one[] = {&decoder};
      const std::vector<std::int32_t> token[] = {{id}};
      write(out, gpt2.extend(one, token, options).view());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    ThreadPool threads(ThreadPool::available_cores());
    RunOptions options;
    options.threads = &threads;
    const Checkpoint checkpoint = Checkpoint::open(argv[1]);
    OutputFile out(argv[3]);
    (checkpoint.config().family == Family::kBert ? run_bert : run_gpt2)(checkpoint, read_ids(argv[2]), argv[4], options, out);
    out.commit();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "forward: %s\n", e.what());
    return 1;
  }
  return 0;
}

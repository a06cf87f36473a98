// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/speed_cases.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "spatten/model/checkpoint.h"
#include "spatten/study/model_workloads.h"
#include "spatten/study/roofs.h"

namespace spatten {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr kernels::Precision kFp32 = kernels::Precision::kFp32;

/// Collects cases; each knows the case before it in the same group as its possible baseline.
class CaseList {
 public:
  explicit CaseList(const SpeedSetup& setup) : setup_(setup) {}

  bool wanted(const std::string& name) const { return name.find(setup_.only) != std::string::npos; }

  void roofs(ThreadPool& threads) {
    const std::string name = fmt::format("oneDNN {0}^3", setup_.gemm_size);
    for (const auto& [layout, what] : {std::pair(kernels::GemmRoof::Weights::kPlain, ""), {kernels::GemmRoof::Weights::kPacked, ", packed"}}) {
      add(name + what, threads, SpeedRole::kGemmRoof, "product", std::make_unique<GemmRoofWorkload>(setup_.gemm_size, layout, threads));
    }
    add("read memory", threads, SpeedRole::kReadRoof, "read", std::make_unique<ReadRoofWorkload>(setup_.read_bytes, threads));
  }

  /// Dense on all threads, then each policy over it, the caller's last, then the caller's precisions; with `one_thread` the dense
  /// run on one thread comes first. make(precision, run).
  template <class Make>
  void model(const std::string& name, const char* unit, const std::vector<std::string>& policies, bool one_thread, const Make& make) {
    std::optional<std::size_t> single;
    if (one_thread && setup_.all != setup_.one) single = add(name, *setup_.one, SpeedRole::kModel, unit, make(kFp32, run(*setup_.one, "")));
    const std::size_t dense = add(name, *setup_.all, SpeedRole::kModel, unit, make(kFp32, run(*setup_.all, "")));
    cases_[dense].baseline = single;
    for (const std::string& policy : with_more(policies)) {
      const std::size_t pruned = add(name, *setup_.all, SpeedRole::kModel, unit, make(kFp32, run(*setup_.all, policy)));
      cases_[pruned].policy = policy;
      cases_[pruned].baseline = dense;
    }
    for (const kernels::Precision precision : setup_.more_precisions) {
      const std::size_t rounded = add(name, *setup_.all, SpeedRole::kModel, unit, make(precision, run(*setup_.all, "")));
      cases_[rounded].precision = precision;
      cases_[rounded].baseline = dense;
    }
  }

  std::vector<SpeedCase> take() { return std::move(cases_); }

 private:
  std::vector<std::string> with_more(std::vector<std::string> policies) const {
    for (const std::string& name : setup_.more_policies) {
      if (std::find(policies.begin(), policies.end(), name) == policies.end()) policies.push_back(name);
    }
    return policies;
  }

  ModelRun run(ThreadPool& threads, const std::string& policy) const {
    return {&threads, policy.empty() ? std::nullopt : std::optional(setup_.policy(policy))};
  }

  std::size_t add(const std::string& name, ThreadPool& threads, SpeedRole role, const char* unit, std::unique_ptr<Workload> workload) {
    SpeedCase& c = cases_.emplace_back();
    c.name = name;
    c.threads = threads.size();
    c.role = role;
    c.unit = unit;
    c.workload = std::move(workload);
    return cases_.size() - 1;
  }

  const SpeedSetup& setup_;
  std::vector<SpeedCase> cases_;
};

using Policies = std::vector<std::string>;

template <class Family>
using Models = std::map<kernels::Precision, std::shared_ptr<const Family>>;

/// One per precision that is measured; open(precision) gives the checkpoint.
template <class Family, class Open>
Models<Family> load_models(const SpeedSetup& setup, const Open& open) {
  Models<Family> out;
  out[kFp32] = std::make_shared<const Family>(open(kFp32), *setup.all);
  for (const kernels::Precision p : setup.more_precisions) out[p] = std::make_shared<const Family>(open(p), *setup.all);
  return out;
}

struct EncoderCase {
  std::size_t tokens = 0, passes = 1;  // of a text, of a sample
  Policies policies = {};
  bool one_thread = false;  // the dense run on one thread, too
};

void add_encoder(CaseList& list, const std::string& name, const Models<Bert>& models, const EncoderCase& c) {
  list.model(name, "pass", c.policies, c.one_thread, [&](kernels::Precision p, ModelRun run) {
    return std::make_unique<EncoderWorkload>(models.at(p), c.tokens, c.passes, std::move(run));
  });
}

void add_decoder(CaseList& list, const std::string& name, const Models<Gpt2>& models, DecoderWorkload::Shape shape,
                 const Policies& policies) {
  list.model(name, "token", policies, false, [&](kernels::Precision p, ModelRun run) {
    return std::make_unique<DecoderWorkload>(models.at(p), shape, std::move(run));
  });
}

/// The shape of a window that fits the model: as asked for, or in the middle of what the model takes.
DecoderWorkload::Shape decoder_shape(const ModelConfig& config, std::size_t context, std::size_t tokens_per_run) {
  const std::size_t window = std::min<std::size_t>(64, config.max_positions / 2);
  context = std::clamp<std::size_t>(context, window / 2 + 1, config.max_positions - window / 2);
  return {context, window, std::min(tokens_per_run, window)};
}

void add_random_encoder(CaseList& list, const SpeedSetup& setup) {
  const auto name = [](std::size_t tokens) { return fmt::format("bert-base {} tokens", tokens); };
  const std::size_t limit = setup.encoder.max_positions, few = std::min<std::size_t>(128, limit), many = std::min<std::size_t>(384, limit);
  if (!list.wanted(name(few)) && !list.wanted(name(many))) return;
  const auto models = load_models<Bert>(setup, [&](kernels::Precision p) { return Checkpoint::random(setup.encoder, kSeed, p); });
  if (list.wanted(name(few))) add_encoder(list, name(few), models, {.tokens = few});
  if (list.wanted(name(many))) add_encoder(list, name(many), models, {.tokens = many, .policies = {"tokens-half-early", "tokens-half"}, .one_thread = true});
}

void add_random_decoder(CaseList& list, const SpeedSetup& setup) {
  const auto name = [](std::size_t context) { return fmt::format("gpt2-small context {}", context); };
  std::vector<DecoderWorkload::Shape> shapes;
  for (const std::size_t context : {128u, 900u}) {
    const auto shape = decoder_shape(setup.decoder, context, 8);
    if (list.wanted(name(shape.context))) shapes.push_back(shape);
  }
  if (shapes.empty()) return;
  const auto models = load_models<Gpt2>(setup, [&](kernels::Precision p) { return Checkpoint::random(setup.decoder, kSeed, p); });
  for (const auto& shape : shapes) add_decoder(list, name(shape.context), models, shape, {"kv-4x"});
}

/// Small models: several passes a sample, so that a sample lasts milliseconds.
void add_folder(CaseList& list, const SpeedSetup& setup, const std::string& folder) {
  const std::string base = std::filesystem::path(folder).filename().string();
  if (!list.wanted(base)) return;
  const auto open = [&](kernels::Precision p) { return Checkpoint::open(folder, {.precision = p, .limits = {}}); };
  const ModelConfig config = open(kFp32).config();
  if (config.family == Family::kBert) {
    const std::size_t tokens = std::min<std::size_t>(64, config.max_positions);
    add_encoder(list, fmt::format("{} {} tokens", base, tokens), load_models<Bert>(setup, open),
                {.tokens = tokens, .passes = 8, .policies = {"tokens-half"}});
  } else {
    const auto shape = decoder_shape(config, config.max_positions / 2, 32);
    add_decoder(list, fmt::format("{} context {}", base, shape.context), load_models<Gpt2>(setup, open), shape, {"kv-4x"});
  }
}

}  // namespace

std::vector<SpeedCase> speed_cases(const SpeedSetup& setup) {
  CaseList list(setup);
  if (setup.one != setup.all) list.roofs(*setup.one);
  list.roofs(*setup.all);
  add_random_encoder(list, setup);
  add_random_decoder(list, setup);
  for (const std::string& folder : setup.folders) add_folder(list, setup, folder);
  return list.take();
}

}  // namespace spatten

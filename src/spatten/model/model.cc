// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/model.h"

#include "spatten/base/fields.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/tokenizer/load.h"

namespace spatten {
namespace {

[[noreturn]] void wrong_family(const Model& model, std::string_view task, std::string_view wanted) {
  throw Error(model.folder, "", fmt::format("expected a {} model for {}, found {}", wanted, task, enum_name(model.config.family)));
}

}  // namespace

const Bert& Model::as_bert(std::string_view task) const {
  if (!bert) wrong_family(*this, task, "bert");
  return *bert;
}

const Gpt2& Model::as_gpt2(std::string_view task) const {
  if (!gpt2) wrong_family(*this, task, "gpt2");
  return *gpt2;
}

Model load_model(const std::string& folder, ThreadPool& threads, const LoadOptions& options) {
  CheckpointOptions checkpoint_options;
  checkpoint_options.check = options.check_finite ? ValueCheck::kFinite : ValueCheck::kNone;
  checkpoint_options.precision = options.precision;
  const Checkpoint checkpoint = Checkpoint::open(folder, checkpoint_options);
  Model model;
  model.folder = folder;
  model.config = checkpoint.config();
  model.tokenizer = load_tokenizer(folder, model.config.family);
  if (model.tokenizer->vocab_size() > model.config.vocab) {
    throw Error(folder, "", fmt::format("expected at most {} tokens in the vocabulary (vocab_size), found {}",
                                        model.config.vocab, model.tokenizer->vocab_size()));
  }
  switch (model.config.family) {  // the list of families
    case Family::kBert: model.bert.emplace(checkpoint, threads); break;
    case Family::kGpt2: model.gpt2.emplace(checkpoint, threads); break;
  }
  return model;
}

}  // namespace spatten

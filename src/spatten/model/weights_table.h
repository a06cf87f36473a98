// SPDX-License-Identifier: Apache-2.0
// Which tensors a family has for a task: canonical name, shape, orientation, whether it must be there. A file's names
// are matched to the table, so that nothing above knows about prefixes ("bert.", "transformer."), the gamma and beta of
// old files, tied heads or buffers that are no weights.
//
// Canonical names are those of the base model without a prefix, and of the heads:
//   bert  embeddings.{word,position,token_type}_embeddings.weight, embeddings.LayerNorm.{weight,bias},
//         encoder.layer.N.attention.self.{query,key,value}.{weight,bias},
//         encoder.layer.N.attention.output.{dense,LayerNorm}.{weight,bias},
//         encoder.layer.N.intermediate.dense.{weight,bias}, encoder.layer.N.output.{dense,LayerNorm}.{weight,bias},
//         pooler.dense.{weight,bias}, classifier.{weight,bias}, qa_outputs.{weight,bias},
//         cls.predictions.transform.{dense,LayerNorm}.{weight,bias}, cls.predictions.decoder.weight (untied), cls.predictions.bias
//   gpt2  wte.weight, wpe.weight, h.N.{ln_1,ln_2}.{weight,bias}, h.N.attn.{c_attn,c_proj}.{weight,bias},
//         h.N.mlp.{c_fc,c_proj}.{weight,bias}, ln_f.{weight,bias}, lm_head.weight (untied)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/model/config.h"
#include "spatten/model/dtype.h"
#include "spatten/model/safetensors.h"

namespace spatten {

enum class Orientation {
  kNone,    // vectors and embedding tables
  kLinear,  // [out, in], rows are output channels (torch.nn.Linear)
  kConv1d,  // [in, out] (GPT-2's Conv1D)
};

enum class Presence { kRequired, kOptional };

/// Which tensors take the precision that a model is loaded at (kernels/precision.h): the matrices of the blocks, of pooler and LM
/// head, and an embedding table that is the LM head. Others are looked up, are vectors, or have a handful of outputs that
/// cost nothing and decide the answer.
enum class Rounding { kNever, kToPrecision };

struct WeightSpec {
  std::string name;                  // canonical
  std::vector<std::string> aliases;  // other names for it
  std::string tied_name;             // a copy that files may hold; read only when the tensor itself is absent
  std::vector<std::uint64_t> shape;
  std::string shape_keys;            // the shape in keys of config.json: "vocab_size x hidden_size"
  Orientation orientation = Orientation::kNone;  // a Conv1D may be stored as Linear, then in all tensors of a file
  Presence presence = Presence::kRequired;       // optional: weight and bias together or neither
  Rounding rounding = Rounding::kNever;
};

/// A tensor of the table in a file.
struct StoredWeight {
  std::string name;                       // canonical
  const SafetensorsFile* file = nullptr;
  const TensorInfo* tensor = nullptr;
  Orientation orientation = Orientation::kNone;  // as stored
  Rounding rounding = Rounding::kNever;
};

class WeightsTable {
 public:
  /// `config.task` must be set.
  explicit WeightsTable(const ModelConfig& config);

  const std::vector<WeightSpec>& specs() const { return specs_; }
  /// Sum of the elements of the required tensors.
  std::uint64_t required_elements() const;

  /// Matches the tensors of all files to the table. Throws Error that names file and tensor for one that is missing,
  /// unknown, present under two names, of another type or of another shape. Sorted by canonical name.
  std::vector<StoredWeight> resolve(std::span<const SafetensorsFile> files, const std::string& folder) const;

 private:
  std::string title_;  // for errors: "bert for question-answering with 12 layers"
  std::vector<WeightSpec> specs_;
  std::vector<std::string> ignored_;  // buffers and heads that no task here uses; a name, or a prefix that ends in "."
};

/// The task that these tensors serve, for a config.json without "architectures".
Task task_of_tensors(Family family, std::span<const SafetensorsFile> files);

}  // namespace spatten

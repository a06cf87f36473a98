// SPDX-License-Identifier: Apache-2.0
// WeightsTable::resolve: which tensor of the files is which line of the table.
#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "spatten/base/nearest.h"
#include "spatten/model/weights_table.h"

namespace spatten {
namespace {

struct Found {
  const SafetensorsFile* file = nullptr;
  const TensorInfo* tensor = nullptr;
};

[[noreturn]] void fail(const Found& found, const std::string& message) {
  throw Error(found.file->path(), printable(found.tensor->name, 120), message);
}

std::vector<std::uint64_t> transposed(const std::vector<std::uint64_t>& shape) { return {shape.rbegin(), shape.rend()}; }

/// "encoder.layer.0.output.dense" of "encoder.layer.0.output.dense.bias"
std::string_view stem(std::string_view name) { return name.substr(0, name.rfind('.')); }

class Matcher {
 public:
  Matcher(const std::vector<WeightSpec>& specs, const std::vector<std::string>& ignored)
      : specs_(specs), own_(specs.size()), tied_(specs.size()) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      own_names_[specs[i].name] = i;
      for (const std::string& alias : specs[i].aliases) own_names_[alias] = i;
      if (!specs[i].tied_name.empty()) tied_names_[specs[i].tied_name] = i;
    }
    for (const std::string& name : ignored) {
      if (name.ends_with('.')) {
        ignored_prefixes_.push_back(name);
      } else {
        ignored_names_.insert(name);
      }
    }
  }

  void take(const Found& found) {
    const std::string& name = found.tensor->name;
    if (const auto own = own_names_.find(name); own != own_names_.end()) {
      place(own_[own->second], found);
    } else if (const auto tied = tied_names_.find(name); tied != tied_names_.end()) {
      place(tied_[tied->second], found);
    } else if (!is_ignored(name)) {
      unknown_.push_back(found);
    }
  }

  std::vector<StoredWeight> finish(const std::string& place, const std::string& title) {
    decide_orientation();
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      for (const Found& found : {own_[i], tied_[i]}) {
        if (found.tensor != nullptr) check(specs_[i], found);
      }
      if (own_[i].tensor == nullptr) own_[i] = tied_[i];
    }
    refuse_missing(place);
    if (!unknown_.empty()) {
      fail(unknown_.front(), fmt::format("expected only the tensors of {}, found this one, too{}", title,
                                         did_you_mean(unknown_.front().tensor->name, canonical_names())));
    }
    return stored();
  }

 private:
  void place(Found& slot, const Found& found) const {
    if (slot.tensor != nullptr) {
      fail(found, fmt::format("expected one tensor of this meaning, found \"{}\", too", printable(slot.tensor->name, 120)));
    }
    slot = found;
  }

  bool is_ignored(std::string_view name) const {
    return ignored_names_.contains(name) ||
           std::any_of(ignored_prefixes_.begin(), ignored_prefixes_.end(), [&](auto p) { return name.starts_with(p); });
  }

  /// Some files hold GPT-2's Conv1D matrices transposed, as Linear. The shape tells, but for square matrices it cannot:
  /// those follow the first matrix that is not square (c_attn never is).
  void decide_orientation() {
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      const WeightSpec& spec = specs_[i];
      if (spec.orientation != Orientation::kConv1d || own_[i].tensor == nullptr || spec.shape[0] == spec.shape[1]) continue;
      conv1d_as_linear_ = own_[i].tensor->shape == transposed(spec.shape);
      return;
    }
  }
  bool is_transposed(const WeightSpec& spec) const { return spec.orientation == Orientation::kConv1d && conv1d_as_linear_; }

  void check(const WeightSpec& spec, const Found& found) const {
    if (!is_weight_dtype(found.tensor->dtype)) {
      fail(found, fmt::format("expected F32, F16 or BF16, found {}", dtype_name(found.tensor->dtype)));
    }
    const auto shape = is_transposed(spec) ? transposed(spec.shape) : spec.shape;
    if (found.tensor->shape != shape) {
      fail(found, fmt::format("expected shape {} ({}{} in config.json), found {}", shape_text(shape), spec.shape_keys,
                              is_transposed(spec) ? ", transposed," : "", shape_text(found.tensor->shape)));
    }
  }

  void refuse_missing(const std::string& place) const {
    std::set<std::string_view> begun;  // optional layers of which something is there
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (own_[i].tensor != nullptr) begun.insert(stem(specs_[i].name));
    }
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      const WeightSpec& spec = specs_[i];
      if (own_[i].tensor != nullptr || (spec.presence == Presence::kOptional && !begun.contains(stem(spec.name)))) continue;
      throw Error(place, spec.name, fmt::format("expected this tensor ({}), found none{}", spec.shape_keys, nearest_unknown(spec)));
    }
  }

  std::string nearest_unknown(const WeightSpec& spec) const {
    constexpr std::size_t kTried = 1000;  // enough for every honest file, and bounds the time for others
    std::vector<std::string> names;
    for (const Found& u : unknown_) {
      if (names.size() < kTried && u.tensor->name.size() <= 200) names.push_back(u.tensor->name);
    }
    std::vector<std::string> spellings = spec.aliases;
    spellings.push_back(spec.name);
    std::string best;
    std::size_t least = SIZE_MAX;
    for (const std::string& spelling : spellings) {
      const std::string name = nearest(spelling, names);
      if (name.empty() || edit_distance(spelling, name) >= least) continue;
      least = edit_distance(spelling, name);
      best = name;
    }
    return best.empty() ? "" : fmt::format("; the nearest unknown name is \"{}\"", printable(best, 120));
  }

  std::vector<std::string> canonical_names() const {
    std::vector<std::string> names;
    for (const WeightSpec& spec : specs_) names.push_back(spec.name);
    return names;
  }

  std::vector<StoredWeight> stored() const {
    std::vector<StoredWeight> out;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (own_[i].tensor == nullptr) continue;
      const Orientation orientation = is_transposed(specs_[i]) ? Orientation::kLinear : specs_[i].orientation;
      out.push_back({specs_[i].name, own_[i].file, own_[i].tensor, orientation, specs_[i].rounding});
    }
    std::sort(out.begin(), out.end(), [](const StoredWeight& a, const StoredWeight& b) { return a.name < b.name; });
    return out;
  }

  const std::vector<WeightSpec>& specs_;
  std::unordered_map<std::string_view, std::size_t> own_names_, tied_names_;
  std::unordered_set<std::string_view> ignored_names_;
  std::vector<std::string_view> ignored_prefixes_;
  std::vector<Found> own_, tied_;  // per line of the table
  std::vector<Found> unknown_;
  bool conv1d_as_linear_ = false;
};

}  // namespace

std::vector<StoredWeight> WeightsTable::resolve(std::span<const SafetensorsFile> files, const std::string& folder) const {
  Matcher matcher(specs_, ignored_);
  for (const SafetensorsFile& file : files) {
    for (const TensorInfo& tensor : file.tensors()) matcher.take({&file, &tensor});
  }
  return matcher.finish(files.size() == 1 ? files[0].path() : folder, title_);
}

}  // namespace spatten

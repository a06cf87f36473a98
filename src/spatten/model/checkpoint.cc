// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/checkpoint.h"

#include <algorithm>
#include <cmath>

#include "spatten/base/fields.h"
#include "spatten/base/file.h"
#include "spatten/base/memory_budget.h"
#include "spatten/base/random.h"
#include "spatten/model/model_files.h"

namespace spatten {
namespace {

constexpr std::size_t kChunkElements = 1 << 16;  // converted at once: stays in a core's cache

void require_folder(const std::string& folder) {
  if (is_directory(folder)) return;
  throw Error(folder, "", fmt::format("expected a model folder with config.json and model.safetensors, found {}",
                                      is_file(folder) ? "a file" : "nothing"));
}

std::string config_path(const std::string& folder) {
  if (!is_file(join_path(folder, "config.json"))) {
    throw Error(folder, "", "expected config.json beside model.safetensors or model.safetensors.index.json, found no config.json");
  }
  return path_inside(folder, "config.json");
}

/// Shape of the table as rows x columns.
std::pair<std::size_t, std::size_t> rows_and_columns(const TensorInfo& tensor) {
  const auto& s = tensor.shape;
  return s.size() == 1 ? std::pair<std::size_t, std::size_t>{1, s[0]} : std::pair<std::size_t, std::size_t>{s[0], s[1]};
}

/// Random values of a tensor are uniform in offset +- half_width.
struct ValueRange {
  double offset = 0, half_width = 0;
};

/// Normalisation around one, small biases, embeddings of a trained size, matrices that keep the variance.
ValueRange trained_range(const StoredWeight& weight) {
  const std::vector<std::uint64_t>& shape = weight.tensor->shape;
  if (shape.size() == 1) return {weight.name.ends_with(".weight") ? 1.0 : 0.0, 0.1};
  if (weight.orientation == Orientation::kNone) return {0, 0.5};
  const std::uint64_t inputs = weight.orientation == Orientation::kConv1d ? shape[0] : shape[1];
  return {0, std::sqrt(3.0 / static_cast<double>(inputs))};
}

}  // namespace

Checkpoint Checkpoint::open(const std::string& folder, const CheckpointOptions& options) {
  require_folder(folder);
  Checkpoint out;
  out.folder_ = folder;
  out.options_ = options;
  out.config_ = load_model_config(config_path(folder));
  out.files_ = open_weight_files(folder, options.limits);
  if (!out.config_.task) out.config_.task = task_of_tensors(out.config_.family, out.files_);
  out.weights_ = WeightsTable(out.config_).resolve(out.files_, folder);
  if (options.check_memory) out.require_memory_for_weights();
  return out;
}

Checkpoint Checkpoint::random(const ModelConfig& config, std::uint64_t seed, kernels::Precision precision) {
  Checkpoint out;
  out.folder_ = "random weights";
  out.config_ = config;
  out.seed_ = seed;
  out.options_.precision = precision;
  const WeightsTable table(config);
  std::vector<WeightSpec> specs = table.specs();
  std::erase_if(specs, [](const WeightSpec& spec) { return spec.presence == Presence::kOptional; });
  std::sort(specs.begin(), specs.end(), [](const WeightSpec& a, const WeightSpec& b) { return a.name < b.name; });
  for (const WeightSpec& spec : specs) {
    TensorInfo& tensor = out.made_up_.emplace_back();
    tensor.name = spec.name;
    tensor.shape = spec.shape;
    tensor.bytes = 4 * tensor.elements();
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    out.weights_.push_back({specs[i].name, nullptr, &out.made_up_[i], specs[i].orientation, specs[i].rounding});
  }
  out.require_memory_for_weights();
  return out;
}

std::uint64_t Checkpoint::parameters() const {
  std::uint64_t sum = 0;  // of tensors that lie in files: far below 2^64
  for (const StoredWeight& w : weights_) sum += w.tensor->elements();
  return sum;
}

std::uint64_t Checkpoint::weight_bytes() const {
  std::uint64_t sum = 0;
  for (const StoredWeight& w : weights_) {
    const kernels::Precision kept = precision_of(w);
    sum += w.tensor->elements() * kernels::weight_bytes(kept);
    const auto [rows, columns] = rows_and_columns(*w.tensor);
    if (kept == kernels::Precision::kInt8) sum += kernels::kInt8OutputBytes * (w.orientation == Orientation::kConv1d ? columns : rows);
  }
  return sum;
}

void Checkpoint::require_memory_for_weights() const {
  require_memory(weight_bytes(), folder_, fmt::format("the weights in {}", enum_name(precision())));
}

std::uint64_t Checkpoint::file_bytes() const {
  std::uint64_t sum = 0;
  for (const SafetensorsFile& f : files_) sum += f.size();
  return sum;
}

const StoredWeight* Checkpoint::find(std::string_view name) const {
  const auto at = std::lower_bound(weights_.begin(), weights_.end(), name,
                                   [](const StoredWeight& w, std::string_view n) { return w.name < n; });
  return at != weights_.end() && at->name == name ? &*at : nullptr;
}

const StoredWeight& Checkpoint::get(std::string_view name) const {
  const StoredWeight* weight = find(name);
  if (weight == nullptr) throw Error(folder_, name, "expected this tensor, found none");
  return *weight;
}

bool Checkpoint::has(std::string_view name) const { return find(name) != nullptr; }

std::pair<std::size_t, std::size_t> Checkpoint::shape(std::string_view name) const {
  return rows_and_columns(*get(name).tensor);
}

Orientation Checkpoint::orientation(std::string_view name) const { return get(name).orientation; }

kernels::Precision Checkpoint::precision_of(const StoredWeight& weight) const {
  return weight.rounding == Rounding::kToPrecision ? options_.precision : kernels::Precision::kFp32;
}

kernels::Precision Checkpoint::precision(std::string_view name) const { return precision_of(get(name)); }

void Checkpoint::read(std::string_view name, float* out) const {
  const StoredWeight& weight = get(name);
  read_elements(weight, 0, weight.tensor->elements(), out);
}

void Checkpoint::read_strips(std::string_view name, std::size_t rows_per_strip,
                             const std::function<void(std::size_t, ConstMatrix)>& use) const {
  SPATTEN_CHECK(rows_per_strip > 0);
  const StoredWeight& weight = get(name);
  const auto [rows, columns] = rows_and_columns(*weight.tensor);
  OwnedMatrix<float> strip(std::min(rows, rows_per_strip), columns);
  for (std::size_t first = 0; first < rows; first += rows_per_strip) {
    const std::size_t count = std::min(rows - first, rows_per_strip);
    read_elements(weight, std::uint64_t{first} * columns, count * columns, strip.data());
    use(first, ConstMatrix(strip.data(), count, columns));
  }
}

void Checkpoint::read_elements(const StoredWeight& weight, std::uint64_t first, std::size_t count, float* out) const {
  if (weight.file == nullptr) return make_elements(weight, first, count, out);
  const TensorInfo& tensor = *weight.tensor;
  const std::uint64_t size = dtype_bits(tensor.dtype) / 8;
  const bool in_place = tensor.dtype == DType::kF32;
  Buffer<unsigned char> raw(in_place ? 0 : std::min(count, kChunkElements) * size);
  for (std::size_t done = 0; done < count; done += kChunkElements) {
    const std::size_t n = std::min(count - done, kChunkElements);
    float* to = out + done;
    weight.file->read_bytes(tensor, (first + done) * size, in_place ? static_cast<void*>(to) : raw.data(), n * size);
    if (!in_place) convert_to_f32(tensor.dtype, raw.data(), n, to);
    if (const std::size_t bad = first_refused(options_.check, to, n); bad != n) refuse_value(weight, first + done + bad, to[bad]);
  }
}

void Checkpoint::make_elements(const StoredWeight& weight, std::uint64_t first, std::size_t count, float* out) const {
  // A stream per tensor, entered at any element.
  Random random(seed_);
  random.skip(static_cast<std::uint64_t>(&weight - weights_.data()) + 1);
  Random stream(random.next());
  stream.skip(first);
  const ValueRange range = trained_range(weight);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(range.offset + range.half_width * (2 * stream.uniform() - 1));
}

void Checkpoint::refuse_value(const StoredWeight& weight, std::uint64_t element, float value) const {
  const std::size_t columns = rows_and_columns(*weight.tensor).second;
  throw Error(weight.file->path(), printable(weight.tensor->name, 120),
              fmt::format("expected {} values, found {} at row {}, column {}",
                          options_.check == ValueCheck::kNormal ? "finite, normal" : "finite", value, element / columns,
                          element % columns));
}

}  // namespace spatten

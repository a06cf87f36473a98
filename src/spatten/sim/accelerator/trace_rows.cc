// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/trace_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numeric>
#include <type_traits>

#include "spatten/base/error.h"
#include "spatten/sim/accelerator/fixed_datapath.h"

namespace spatten::sim {
namespace {

constexpr std::uint64_t kLayerAlignment = std::uint64_t{1} << 24;
constexpr std::uint64_t kUnknownHeads = 64;  // room for the heads of a trace that does not say how many there are

template <std::unsigned_integral T>
T round_up(T value, std::type_identity_t<T> step) {
  return (value + step - 1) / step * step;
}

// Each line holds `lanes` of the next 2 * lanes ids, sorted: half of them, as after pruning (rtl: SpAttenController).
std::vector<std::uint32_t> make_index_memory(std::uint32_t lanes, std::uint32_t max_keys) {
  std::vector<std::uint32_t> memory;
  JavaRandom random(1);
  std::vector<std::uint32_t> shuffled(2 * lanes);
  for (std::uint32_t line = 0; line * lanes < max_keys; ++line) {
    std::iota(shuffled.begin(), shuffled.end(), 0u);
    for (std::uint32_t n = 2 * lanes; n > 1; --n) {
      std::swap(shuffled[n - 1], shuffled[static_cast<std::size_t>(random.next_int(static_cast<std::int32_t>(n)))]);
    }
    std::sort(shuffled.begin(), shuffled.begin() + lanes);
    for (std::uint32_t i = 0; i < lanes; ++i) memory.push_back((shuffled[i] + line * lanes) % max_keys);
  }
  return memory;
}

// The top-k stage reads the same lines again, one group of ids per line of scores, with a counter that has moved on by the
// time it is used: a line of scores gets the ids of the next group (published RTL, SpAttenController).
std::vector<std::uint32_t> make_value_index_memory(const std::vector<std::uint32_t>& keys, std::uint32_t lanes, std::uint32_t group) {
  std::vector<std::uint32_t> memory(keys.size());
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = keys[i / lanes * lanes + (i % lanes + group) % lanes];
  return memory;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  Random random(a * 0x9E3779B97F4A7C15ull + b);
  return random.next();
}

// Share of row r when `total` is dealt out evenly over `rows`.
std::uint64_t share(std::uint64_t total, std::uint64_t rows, std::uint64_t r) {
  return total * (r + 1) / rows - total * r / rows;
}

// Values that a row keeps of the `seen` keys that it sees: as many as it may where the record says no less, else its part of
// values_total, in proportion to what it sees.
std::uint64_t values_kept(const trace::Record& record, std::uint64_t row, std::uint64_t seen) {
  const std::uint64_t most = std::min<std::uint64_t>(record.values, seen);
  if (record.rows == 1 || trace::value_pairs(record) == trace::most_value_pairs(record)) return most;
  if (!record.causal) return std::min(most, share(record.values_total, record.rows, row));
  const double kept = static_cast<double>(record.values_total) / static_cast<double>(trace::key_pairs(record));
  const std::uint64_t before = row * seen - row * (row + 1) / 2;  // keys that the rows before it see, over all of them
  const auto so_far = [&](std::uint64_t pairs) { return std::llround(kept * static_cast<double>(pairs)); };
  return std::min<std::uint64_t>(most, static_cast<std::uint64_t>(so_far(before + seen) - so_far(before)));
}

}  // namespace

struct TraceRows::Owned : Row {
  std::shared_ptr<std::vector<std::uint32_t>> key_ids;
  std::vector<std::uint32_t> value_ids;
  RowData numbers;
};

TraceRows::TraceRows(trace::Source& source, const ChipSpec& chip, std::uint32_t access_bytes, std::uint32_t batch,
                     OperandStore* operands, std::uint64_t capacity_bytes)
    : source_(source), chip_(chip), access_bytes_(access_bytes), batch_(batch), operands_(operands), capacity_bytes_(capacity_bytes),
      random_(chip.topk.seed) {
  if (chip.rows.ids == RowSpec::Ids::kIndexMemory) {
    key_index_memory_ = make_index_memory(chip.fetcher.lanes, chip.rows.max_keys);
    value_index_memory_ = make_value_index_memory(key_index_memory_, chip.fetcher.lanes, chip.results_per_line());
  }
}

TraceRows::~TraceRows() = default;

Row* TraceRows::next() {
  if (ready_.empty() && !fill()) return nullptr;
  Row* row = ready_.front();
  ready_.pop_front();
  return row;
}

// A group's first row outlives the group: the others point to it.
void TraceRows::release(Row* row) {
  if (row->last_part) released_.push_back(row->group);
}

// Rows of finished groups are used again once the top-k engine has let go of their last lines.
void TraceRows::reclaim() {
  while (!released_.empty()) {
    for (const Row* member = released_.front(); member != nullptr; member = member->next_in_group) {
      if (member->in_topk) return;
    }
    for (Row* member = released_.front(); member != nullptr; member = member->next_in_group) {
      free_.push_back(static_cast<Owned*>(member));
    }
    released_.pop_front();
  }
}

std::optional<trace::Record> TraceRows::take_record() {
  if (pushed_back_) return std::exchange(pushed_back_, std::nullopt);
  trace::Record record;
  if (source_done_ || !source_.next(record)) {
    source_done_ = true;
    return std::nullopt;
  }
  ++records_;
  return record;
}

bool TraceRows::fill() {
  const std::optional<trace::Record> record = take_record();
  if (!record) return false;
  std::optional<trace::Record> partner;
  if (lies_in_pairs(*record)) {
    partner = take_record();
    const bool pairs = partner && partner->step == record->step && partner->layer == record->layer && lies_in_pairs(*partner) &&
                       (windows() || partner->head / 2 == record->head / 2) && partner->keys == record->keys &&
                       partner->values == record->values && partner->head_dim == record->head_dim && pair_fits(*record);
    if (!pairs) pushed_back_ = std::exchange(partner, std::nullopt);
  }
  make_group(*record, partner ? &*partner : nullptr);
  return true;
}

// Vectors of 6 bits are no whole number of accesses: those of two heads lie side by side.
bool TraceRows::lies_in_pairs(const trace::Record& record) const {
  return storage(record).key_bits == 6 && storage(record).value_bits == 6 && record.rows == 1 && batch_ == 0;
}

// Two heads side by side take twice the lines.
bool TraceRows::pair_fits(const trace::Record& record) const {
  return 2 * chip_.sram_lines(rounded(record.keys), record.head_dim) <= std::min(chip_.key_sram.lines, chip_.value_sram.lines);
}

std::uint32_t TraceRows::rounded(std::uint32_t count) const { return static_cast<std::uint32_t>(chip_.rounded(count)); }

TraceRows::Storage TraceRows::storage(const trace::Record& record) const {
  const std::uint32_t key = record.key_msb_bits == 0 ? 32 : record.key_msb_bits;
  const std::uint32_t value = record.value_bits == 0 ? 32 : record.value_bits;
  if (chip_.rows.widths == RowSpec::Widths::kStored) return {key, record.key_lsb_bits, value, false};
  const auto known = [](std::uint32_t bits) { return bits == 4 || bits == 6 || bits == 8; };
  return {known(key) ? key : 8, 4, known(value) ? value : 8, !known(key)};
}

void TraceRows::make_group(const trace::Record& record, const trace::Record* partner) {
  if (layers_.empty() || layers_.back().step != record.step || layers_.back().layer != record.layer) {
    layers_.push_back({record.step, record.layer});
  }
  const std::uint32_t rows = batch_ > 0 && record.rows == 1 ? batch_ : record.rows;
  const std::uint32_t fused = partner ? 2 : 1;
  Row* group = nullptr;
  Row* previous = nullptr;
  for (std::uint32_t part = 0; part < rows * fused; ++part) {
    const trace::Record& own = part == 0 || !partner ? record : *partner;
    Row* row = make_row(own, partner ? 0 : part, group);
    if (!group) group = row;
    row->part = part;
    row->last_part = part + 1 == rows * fused;
    row->fused = fused;
    row->values_with_keys = record.rows > 1;
    place(*row, own, storage(own));
    give_numbers(*row, own, partner ? 0 : part);
    choose_ids(*row, own);
    plan_selection(*row, own, !partner || part == 0);
    if (row->last_part) plan_token_selection(*row, own);
    if (previous) previous->next_in_group = row;
    previous = row;
    ready_.push_back(row);
  }
  const auto lines = [&](std::uint32_t vectors) { return static_cast<std::uint32_t>(chip_.sram_lines(vectors, record.head_dim)) * fused; };
  group->key_alloc_lines = lines(group->key.vectors);
  group->value_alloc_lines = lines(group->value.vectors);
}

Row* TraceRows::make_row(const trace::Record& record, std::uint32_t query_row, Row* group) {
  if (free_.empty()) reclaim();
  if (free_.empty()) {
    all_.push_back(std::make_unique<Owned>());
    free_.push_back(all_.back().get());
  }
  Owned* owned = free_.back();
  free_.pop_back();
  static_cast<Row&>(*owned) = Row{};
  owned->key_ids.reset();
  Row& row = *owned;
  row.id = next_id_++;
  row.group = group ? group : &row;
  row.layer_slot = static_cast<std::uint32_t>(layers_.size() - 1);
  row.head = record.head;
  row.head_dim = record.head_dim;
  const std::uint32_t seen = record.causal && record.rows > 1 ? record.keys - record.rows + query_row + 1 : record.keys;
  const auto values = static_cast<std::uint32_t>(values_kept(record, query_row, seen));
  row.keys = rounded(seen);
  row.values = rounded(std::max(1u, values));
  const bool low_bits = record.lsb_mask.empty() ? share(record.lsb_rows, record.rows, query_row) > 0
                                                : (record.lsb_mask[query_row / 8] >> (query_row % 8) & 1) != 0;
  row.replay = (low_bits || storage(record).forced_lsb) && !reaches_threshold(row);
  return &row;
}

// The authors force a second pass by a threshold of +2047, which one of `keys` random 12-bit scores may reach.
bool TraceRows::reaches_threshold(const Row& row) const {
  if (!chip_.rows.random_data) return false;
  Random random(mix(chip_.topk.seed + 3, row.id));
  for (std::uint32_t key = 0; key < row.keys; ++key) {
    if (random.below(4096) == 0) return true;
  }
  return false;
}

void TraceRows::give_numbers(Row& row, const trace::Record& record, std::uint32_t query_row) {
  if (!operands_ || query_row >= record.rows) return;
  RowData& numbers = static_cast<Owned&>(row).numbers;
  numbers = RowData{};
  numbers.head = operands_->find(record);
  if (!numbers.head) return;
  SPATTEN_CHECK(numbers.head->rows.size() == record.rows && numbers.head->keys.full.rows == record.keys);
  numbers.record = record;
  numbers.query_row = query_row;
  const algo::FixedRowSetting& setting = numbers.head->rows[query_row];
  row.keys = static_cast<std::uint32_t>(setting.visible);
  row.values = static_cast<std::uint32_t>(setting.value_keep > 0 ? std::min(setting.value_keep, setting.visible) : setting.visible);
  row.select_values = row.values < row.keys;
  if (!row.values_with_keys) row.value.vectors = row.values;
  row.data = &numbers;
}

// Addresses and sizes of what is fetched. A head of 6 bits whose neighbour is gone reads its part of their vectors.
void TraceRows::place(Row& row, const trace::Record& record, const Storage& storage) {
  const auto vector_bytes = [&](std::uint32_t bits, std::uint32_t fused) {
    return round_up((record.head_dim * bits * fused + 7) / 8, access_bytes_);
  };
  const std::uint32_t neighbours = !windows() && lies_in_pairs(record) ? 2 : row.fused;  // heads whose vectors lie side by side
  const std::uint32_t key = vector_bytes(storage.key_bits, neighbours), value = vector_bytes(storage.value_bits, neighbours);
  const std::uint32_t low = vector_bytes(storage.lsb_bits == 0 ? 4 : storage.lsb_bits, 1), query = vector_bytes(12, 1);
  const std::uint32_t keys = rounded(record.keys), values = row.values_with_keys ? keys : row.values;
  // A second head whose neighbour is gone begins inside their vectors, perhaps inside an access.
  const bool second = row.fused < neighbours && record.head % neighbours != 0;
  const auto before = [&](std::uint32_t bits) { return second ? record.head_dim * bits / 8 : 0; };
  const auto first_access = [&](std::uint32_t bits) { return before(bits) / access_bytes_; };
  const auto accesses = [&](std::uint32_t bits) {
    const std::uint32_t end = before(bits) + (record.head_dim * bits * row.fused + 7) / 8;
    return (end + access_bytes_ - 1) / access_bytes_ - first_access(bits);
  };
  std::uint64_t key_base, low_base, value_base, query_base = 0, output_base = 0;
  if (windows()) {
    const std::uint64_t window = std::uint64_t{0x10000} * row.id;
    key_base = 0xAB10000 + window;
    low_base = 0xAB20000 + window;
    value_base = 0xCD10000 + window;
  } else {
    // Five arrays per layer, [head][position][dim], as a model holds them: keys, low bits of keys, values, queries, outputs. A
    // decoder's have room for the longest context, an encoder's are as long as the sentence. One position more lets each head
    // begin in another channel: the tokens that all heads keep would load the same ones. Layers begin where the bits above
    // channel, bank and column change, so that two of them differ in DRAM rows only.
    const std::uint64_t positions = (record.rows > 1 && !record.causal ? record.context : chip_.rows.max_keys) + 1;
    const std::uint64_t heads = source_.header().heads > 0 ? source_.header().heads : kUnknownHeads;
    const std::uint64_t own = record.head * positions, all = heads * positions;  // vectors before this head's, and in all
    const std::uint64_t shared = row.group->head / neighbours * positions, all_shared = (heads + neighbours - 1) / neighbours * positions;
    const std::uint64_t lows = all_shared * key, values_begin = lows + all * low;
    const std::uint64_t queries = values_begin + all_shared * value, outputs = queries + all * query;
    const std::uint64_t layer = record.layer * round_up(outputs + all * query, kLayerAlignment);
    if (const std::uint64_t end = layer + outputs + all * query; end > capacity_bytes_) {
      throw Error(fmt::format("layer {}: expected at most the {} bytes of the memory (memory.organization, memory.channels), found {} up to its end",
                              record.layer, capacity_bytes_, end));
    }
    key_base = layer + shared * key + std::uint64_t{first_access(storage.key_bits)} * access_bytes_;
    low_base = layer + lows + own * low;
    value_base = layer + values_begin + shared * value + std::uint64_t{first_access(storage.value_bits)} * access_bytes_;
    query_base = layer + queries + own * query;
    output_base = layer + outputs + own * query;
    const std::uint64_t position = record.rows > 1 ? row.part : record.context - 1;
    query_base += position % positions * query;
    output_base += position % positions * query;
  }
  row.key = {key_base, keys, key, accesses(storage.key_bits), nullptr};
  row.key_lsb = {low_base, row.keys, low, low / access_bytes_, nullptr};
  row.value = {value_base, values, value, accesses(storage.value_bits), nullptr};
  row.query = {query_base, 1, query, query / access_bytes_, nullptr};
  row.output_address = output_base;
  row.output_accesses = chip_.controller.write_outputs ? query / access_bytes_ : 0;
}

// The survivors of a layer: the same for all its heads, and nested from layer to layer, as cascade pruning leaves them.
const std::uint32_t* TraceRows::survivors(const trace::Record& record) {
  if (record.keys == record.context) return nullptr;
  if (survivors_ && survivors_context_ == record.context && survivors_keys_ == record.keys) return survivors_->data();
  assumptions_.insert("The trace does not say which tokens survive: a seeded choice of as many, nested from layer to layer and "
                      "with the current token, stands in for them.");
  if (priorities_.size() < record.context) {
    for (std::size_t i = priorities_.size(); i < record.context; ++i) {
      priorities_.push_back(static_cast<std::uint32_t>(mix(chip_.topk.seed, i) >> 33));
    }
  }
  std::vector<std::uint32_t> order(record.context - 1);
  std::iota(order.begin(), order.end(), 0u);
  const std::uint32_t kept = record.keys - 1;
  std::nth_element(order.begin(), order.begin() + kept, order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return priorities_[a] != priorities_[b] ? priorities_[a] < priorities_[b] : a < b;
  });
  order.resize(kept);
  std::sort(order.begin(), order.end());
  order.push_back(record.context - 1);
  survivors_ = std::make_shared<std::vector<std::uint32_t>>(std::move(order));
  survivors_context_ = record.context;
  survivors_keys_ = record.keys;
  return survivors_->data();
}

void TraceRows::choose_ids(Row& row, const trace::Record& record) {
  if (chip_.rows.ids == RowSpec::Ids::kIndexMemory) {
    assumptions_.insert("Which vectors a row reads is the pattern in the index memory of the published RTL.");
    row.key.ids = row.key_lsb.ids = key_index_memory_.data();
    row.value.ids = value_index_memory_.data();
    return;
  }
  Owned& owned = static_cast<Owned&>(row);
  if (!record.key_ids.empty()) {
    if (row.part == 0 || row.fused == 2) owned.key_ids = std::make_shared<std::vector<std::uint32_t>>(record.key_ids);
    row.key.ids = owned.key_ids ? owned.key_ids->data() : row.group->key.ids;
  } else if (chip_.rows.count_rounding == 1) {
    row.key.ids = survivors(record);
    if (row.key.ids) owned.key_ids = survivors_;
  }
  row.key_lsb.ids = row.key.ids;
  row.value.ids = row.key.ids;
  if (row.values_with_keys || row.part != 0 || row.values >= row.keys || row.data) return;
  // Local value pruning keeps some of them: a seeded choice, in order, since the trace has no probabilities.
  assumptions_.insert("The trace has no probabilities: which values a row keeps is a seeded choice.");
  owned.value_ids.clear();
  Random random(mix(mix(chip_.topk.seed, record.context), std::uint64_t{record.keys} << 20 | record.head));
  for (std::uint32_t i = 0; i < row.keys && owned.value_ids.size() < row.values; ++i) {
    if (random.below(row.keys - i) < row.values - owned.value_ids.size()) owned.value_ids.push_back(row.key.ids ? row.key.ids[i] : i);
  }
  row.value.ids = owned.value_ids.data();
}

void TraceRows::plan_selection(Row& row, const trace::Record& record, bool first_of_pair) {
  row.select_values = row.values < row.keys;
  const SelectionCost cost{chip_.topk.lanes, chip_.topk.pass_overhead_cycles};
  Selection selection;
  if (chip_.rows.pivots == RowSpec::Pivots::kJavaValues) {
    if (!first_of_pair) return;
    selection = select_java_values(record.keys, record.values, cost, java_);  // drawn, though unused, when all values are kept
  } else if (row.select_values) {
    random_ = Random(mix(mix(chip_.topk.seed + 1, record.context), (std::uint64_t{record.keys} << 20 | record.head) * 4096 + row.part));
    selection = select_random_ranks(row.keys, row.values, cost, random_);
  }
  if (!row.select_values || !chip_.topk.enabled) return;
  if (!row.data) {
    assumptions_.insert(chip_.rows.pivots == RowSpec::Pivots::kJavaValues
                            ? "The trace has no probabilities: the passes of a row's quick-select are those of java.util.Random's values, as the authors draw them."
                            : "The trace has no probabilities: the passes of a row's quick-select are those of random ranks.");
  }
  row.select_cycles = selection.cycles;
  row.select_passes = selection.passes;
  row.select_compares = selection.compares;
  row.select_packed = selection.packed;
}

void TraceRows::plan_token_selection(Row& row, const trace::Record& record) {
  if (!chip_.rows.select_tokens) return;
  if (record.top_k_tokens == 0 && record.top_k_heads == 0) return;
  assumptions_.insert("The passes of the token and head top-k are those of random ranks: scores are not looked at.");
  const SelectionCost cost{chip_.topk.lanes, chip_.topk.pass_overhead_cycles};
  Random random(mix(mix(chip_.topk.seed + 2, record.context), record.top_k_tokens));
  const auto plan = [&](std::uint32_t candidates, std::uint32_t kept) {
    const Selection selection = select_random_ranks(candidates, kept, cost, random);
    row.selection_cycles += selection.cycles;
    row.selection_compares += selection.compares;
    row.selection_packed += selection.packed;
    row.selection_elements += candidates;
    row.selection_kept += kept;
  };
  if (record.top_k_tokens > 0) {
    // Those that are alive; all of them when the next pass opens them again.
    plan(record.top_k_tokens <= record.keys ? record.keys : record.context, record.top_k_tokens);
  }
  if (record.top_k_heads > 0) plan(std::max(record.head + 1, source_.header().heads), record.top_k_heads);
}

}  // namespace spatten::sim

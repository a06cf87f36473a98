// SPDX-License-Identifier: Apache-2.0
#include "spatten/cost/technology.h"

#include <cmath>

namespace spatten::cost {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 20;
constexpr double kMost = 1e9, kMostScale = 1e12;  // far beyond any chip, far from where sums overflow

void require_text(const JsonNode& node, const char* key, const std::string& value) {
  if (!value.empty()) return;
  if (node.find(key)) node.at(key).fail_expected("a text that is not empty");
  node.fail(fmt::format("expected the key \"{}\", found none", key));
}

void require_not_negative(const JsonNode& node, const char* key, double value) {
  if (!node.find(key)) node.fail(fmt::format("expected the key \"{}\", found none", key));
  if (!(value >= 0) || !std::isfinite(value)) node.at(key).fail_expected("a number of at least 0");
  if (value > kMost) node.at(key).fail_expected(fmt::format("a number of at most {:g}", kMost));
}

void require_positive(const JsonNode& node, const char* key, double value) {
  if (!(value > 0) || !std::isfinite(value)) node.at(key).fail_expected("a number above 0");
  if (value > kMostScale) node.at(key).fail_expected(fmt::format("a number of at most {:g}", kMostScale));
}

void require_on_chip(const JsonNode& node, Kind kind) {
  if (!node.find("kind")) node.fail("expected the key \"kind\" (logic or sram), found none");
  if (kind == Kind::kDram) node.at("kind").fail("expected logic or sram, found dram: the memory's file has the energy of DRAM");
}

std::vector<std::string> names_of(const std::vector<Block>& blocks) {
  std::vector<std::string> out;
  for (const Block& b : blocks) out.push_back(b.name);
  return out;
}

/// The value under a dotted key, null when there is none.
const Json* find_dotted(const Json& object, std::string_view key) {
  const Json* at = &object;
  for (;;) {
    const auto dot = key.find('.');
    if (!at->is_object()) return nullptr;
    const auto it = at->find(std::string(key.substr(0, dot)));
    if (it == at->end()) return nullptr;
    at = &*it;
    if (dot == std::string_view::npos) return at;
    key.remove_prefix(dot + 1);
  }
}

/// Every dotted key with a number behind it.
void list_numbers(const Json& object, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) list_numbers(value, prefix + key + ".", out);
    if (value.is_number()) out.push_back(prefix + key);
  }
}

}  // namespace

void Scale::validate(const JsonNode& node) const {
  require_text(node, "key", key);
  require_positive(node, "reference", reference);
  if (power < 1 || power > 4) node.at("power").fail_expected("an integer from 1 to 4");
}

void Block::validate(const JsonNode& node) const {
  require_text(node, "name", name);
  require_text(node, "title", title);
  require_positive(node, "energy_factor", energy_factor);
  require_positive(node, "area_factor", area_factor);
}

void Action::validate(const JsonNode& node) const {
  require_text(node, "counter", counter);
  const auto dot = counter.find('.');
  if (dot == 0 || dot == std::string::npos || dot + 1 == counter.size()) node.at("counter").fail_expected("UNIT.COUNTER");
  require_not_negative(node, "pj", pj);
  require_on_chip(node, kind);
  require_text(node, "source", source);
}

void Leak::validate(const JsonNode& node) const {
  require_text(node, "part", part);
  require_not_negative(node, "milliwatts", milliwatts);
  require_on_chip(node, kind);
  require_text(node, "source", source);
}

void Area::validate(const JsonNode& node) const {
  require_text(node, "part", part);
  require_not_negative(node, "mm2", mm2);
  require_text(node, "source", source);
}

void DramCost::validate(const JsonNode& node) const {
  require_text(node, "block", block);
  require_positive(node, "energy_factor", energy_factor);
}

Technology Technology::load(const std::string& path) { return Technology(JsonFile::load(path, {.bytes = kMaxBytes})); }

Technology Technology::parse(std::string text, std::string name) {
  return Technology(JsonFile::parse(std::move(text), std::move(name), {.bytes = kMaxBytes}));
}

Technology::Technology(JsonFile file) : file_(std::make_shared<const JsonFile>(std::move(file))) {
  read_fields(file_->root(), data_);
  if (data_.blocks.empty()) file_->root().fail("expected \"blocks\" with at least one block, found none");
  if (!file_->root().find("dram")) file_->root().fail("expected the key \"dram\", found none");
  check_blocks();
  check_entries("actions", data_.actions);
  check_entries("leaks", data_.leaks);
  check_entries("areas", data_.areas);
}

const std::string& Technology::name() const { return file_->name(); }

void Technology::check_blocks() const {
  const std::vector<std::string> names = names_of(data_.blocks);
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) fail("blocks", i, "name", fmt::format("expected each block once, found \"{}\" again", printable(names[i])));
    }
  }
  for (const std::string& n : names) {
    if (n == data_.dram.block) return;
  }
  file_->root().at("dram").at("block").fail(
      fmt::format("expected the name of a block, found \"{}\"{}", printable(data_.dram.block), did_you_mean(data_.dram.block, names)));
}

template <class T>
void Technology::check_entries(const char* list, const std::vector<T>& entries) const {
  const std::vector<std::string> names = names_of(data_.blocks);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    bool known = false;
    for (const std::string& n : names) known = known || n == entries[i].block;
    if (!known) {
      fail(list, i, "block", fmt::format("expected the name of a block, found \"{}\"{}", printable(entries[i].block), did_you_mean(entries[i].block, names)));
    }
  }
}

std::size_t Technology::block(std::string_view name) const {
  for (std::size_t i = 0; i < data_.blocks.size(); ++i) {
    if (data_.blocks[i].name == name) return i;
  }
  SPATTEN_CHECK(false);
  return 0;
}

void Technology::fail(std::string_view list, std::size_t index, std::string_view key, std::string_view message) const {
  const JsonNode entry = file_->root().at(list).items().at(index);
  if (entry.find(key)) entry.at(key).fail(message);
  entry.fail(message);
}

double Technology::scale(std::string_view list, std::size_t index, const std::vector<Scale>& scales, const Json& chip) const {
  double out = 1;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const Json* value = find_dotted(chip, scales[i].key);
    if (value == nullptr || !value->is_number()) {
      std::vector<std::string> known;
      list_numbers(chip, "", known);
      file_->root().at(list).items().at(index).at("scales").items().at(i).at("key").fail(
          fmt::format("expected a number of the chip, found \"{}\"{}", printable(scales[i].key), did_you_mean(scales[i].key, known)));
    }
    const double ratio = value->get<double>() / scales[i].reference;
    for (std::uint32_t p = 0; p < scales[i].power; ++p) out *= ratio;
    if (!(out <= kMostScale)) {
      file_->root().at(list).items().at(index).at("scales").items().at(i).fail(
          fmt::format("expected scales of at most {:g} in all, found {:g} for {} = {}", kMostScale, out, scales[i].key, value->dump()));
    }
  }
  return out;
}

}  // namespace spatten::cost

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/inputs.h"

#include "spatten/base/nearest.h"
#include "spatten/base/utf8.h"

namespace spatten::app {
namespace {

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos; }

std::vector<std::string> keys_of(ItemShape shape) {
  switch (shape) {
    case ItemShape::kText: return {"id", "text", "pair"};
    case ItemShape::kContext: return {"id", "question", "context"};
    case ItemShape::kQuery: return {"id", "query", "passages"};
  }
  return {};
}

/// Keys that we do not use are fine (labels, sources), but one letter beside a key that we use is a slip of the pen.
void refuse_near_misses(const JsonNode& object, const std::vector<std::string>& known) {
  for (const JsonNode& member : object.items()) {
    for (const std::string& k : known) {
      if (edit_distance(member.key(), k) == 1) member.fail(fmt::format("unknown key, did you mean \"{}\"?", k));
    }
  }
}

}  // namespace

void require_utf8(const std::string& text, const std::string& place) {
  const std::size_t bad = first_invalid_utf8(text);
  if (bad == text.size()) return;
  throw Error(place, fmt::format("byte {}", bad + 1),
              fmt::format("expected UTF-8, found the byte 0x{:02x}", static_cast<unsigned char>(text[bad])));
}

ItemReader::ItemReader(const Arguments& arguments, const InputOptions& options, ItemRules rules,
                       const std::atomic<bool>* cancelled)
    : rules_(std::move(rules)), json_lines_(options.json_lines), cancelled_(cancelled) {
  for (const std::string& a : arguments) sources_.push_back({a == "-", a});
  for (const std::string& f : options.files) sources_.push_back({true, f});
  if (sources_.empty()) throw UsageError("expected a text, --file FILE or - (standard input), found no input");
}

std::optional<std::size_t> ItemReader::expected_items() const {
  for (const Source& s : sources_) {
    if (s.is_file) return std::nullopt;
  }
  return sources_.size();
}

bool ItemReader::next_line(std::string& line, std::string& place) {
  for (;;) {
    if (reader_) {
      if (reader_->next(line)) {
        place = fmt::format("{}:{}", reader_->name(), reader_->line_number());
        return true;
      }
      reader_.reset();
    }
    if (next_source_ == sources_.size()) return false;
    const Source& source = sources_[next_source_++];
    if (!source.is_file) {
      line = source.value;
      place = fmt::format("argument {}", ++arguments_);
      return true;
    }
    reader_ = std::make_unique<LineReader>(source.value, cancelled_);
  }
}

bool ItemReader::next(Item& out) {
  std::string line;
  out = Item();
  if (!next_line(line, out.place)) return false;
  out.id = items_++;
  const std::string place = out.place;
  require_utf8(line, place);
  if (json_lines_) {
    parse_json(std::move(line), place, out);
  } else {
    out.text = std::move(line);
  }
  if (!out.pair) out.pair = rules_.pair;
  if (rules_.shape == ItemShape::kContext && !out.pair) throw UsageError("--question", "", "expected a question, found none");
  if (!rules_.allow_empty && is_blank(out.text)) throw Error(place, "", "expected a text, found an empty one");
  return true;
}

void ItemReader::parse_json(std::string line, const std::string& place, Item& out) const {
  const JsonFile file = JsonFile::parse(std::move(line), place);
  const JsonNode root = file.root();
  if (!root.is_object()) root.fail_expected("an object");
  refuse_near_misses(root, keys_of(rules_.shape));
  if (const auto id = root.find("id")) {
    if (!id->is_string() && !id->json().is_number_integer()) id->fail_expected("a string or an integer");
    out.id = id->json();
  }
  switch (rules_.shape) {
    case ItemShape::kText:
      out.text = root.at("text").string();
      if (const auto pair = root.find("pair")) out.pair = pair->string();
      break;
    case ItemShape::kContext:
      out.text = root.at("context").string();
      if (const auto question = root.find("question")) out.pair = question->string();
      break;
    case ItemShape::kQuery: {
      out.text = root.at("query").string();
      const JsonNode passages = root.at("passages");
      if (!passages.is_array()) passages.fail_expected("an array of texts");
      for (const JsonNode& p : passages.items()) out.passages.push_back(p.string());
      if (out.passages.empty()) passages.fail("expected at least one passage, found none");
      break;
    }
  }
}

}  // namespace spatten::app

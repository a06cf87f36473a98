// SPDX-License-Identifier: Apache-2.0
// `spatten tokenize`: text to token ids, and back with --decode. Needs no weights.
#include <filesystem>

#include "spatten/app/inputs.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/output.h"
#include "spatten/app/run_files.h"
#include "spatten/app/terminal.h"
#include "spatten/app/verb.h"
#include "spatten/model/tokenizer/load.h"

namespace spatten::app {
namespace {

class Tokenize final : public Verb {
 public:
  VerbHelp help() const override {
    return {"text to token ids, and back", "TEXT... | - | --file FILE",
            "Offsets count characters (code points) of the text. With --decode the inputs are ids, separated by spaces or commas.",
            "--model models/sst2-small \"an unforgettable film\""};
  }

  void add_options(CLI::App& app) override {
    add_flag(app, "--decode", decode_, "the inputs are ids, print their text");
    add_text(app, "--pair", pair_, "TEXT", "second text of each pair");
    add_flag(app, "--no-special", no_special_, "without [CLS] and [SEP]; with --decode: leave special tokens out");
    add_text(app, "--model", options_.model, "DIR", "folder with the tokenizer's files, or the name of a bundled model");
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_flag(app, "-q,--quiet", options_.quiet, "no notes or warnings");
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (decode_ && input_.json_lines) throw UsageError("--decode", "", "expected lines of ids, found --input-format jsonl");
    ItemRules rules{.shape = ItemShape::kText, .allow_empty = true, .pair = {}};
    if (!pair_.empty()) rules.pair = pair_;
    require_utf8(pair_, "--pair");
    ItemReader reader(arguments, input_, rules, environment.cancelled);
    const std::string folder = find_model(options_.model, environment.data_roots);
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(folder);
    std::vector<NamedFile> inputs = model_files(folder);
    for (const std::string& file : input_.files) inputs.push_back({"an input", file});
    require_distinct(output_files(options_), inputs);
    Output output(options_.output);
    for (Item item; reader.next(item);) {
      if (decode_) {
        write_text(output, *tokenizer, item);
      } else {
        write_tokens(output, *tokenizer, item);
      }
    }
    output.finish();
  }

 private:
  void write_tokens(Output& output, const Tokenizer& tokenizer, const Item& item) const {
    const EncodeOptions how{.special_tokens = !no_special_};
    const Encoding e = item.pair ? tokenizer.encode_pair(item.text, *item.pair, how) : tokenizer.encode(item.text, how);
    if (!options_.json) {
      for (std::size_t i = 0; i < e.size(); ++i) {
        output.write(fmt::format("{}{}:{}", i == 0 ? "" : " ", one_line(tokenizer.token(e.ids[i])), e.ids[i]));
      }
      output.write("\n");
      return;
    }
    Json tokens = Json::array();
    for (const std::int32_t id : e.ids) tokens.push_back(tokenizer.token(id));
    output.write_json({{"id", item.id}, {"token_ids", e.ids}, {"tokens", tokens}, {"offsets", offsets(e, item)}, {"type_ids", e.type_ids}});
  }

  /// [begin, end) in characters of the token's own text; [0, 0] for [CLS] and [SEP].
  static Json offsets(const Encoding& e, const Item& item) {
    std::vector<Offset> bytes[2], characters[2];
    for (std::size_t i = 0; i < e.size(); ++i) bytes[e.type_ids[i]].push_back(e.offsets[i]);
    characters[0] = character_offsets(item.text, bytes[0]);
    if (item.pair) characters[1] = character_offsets(*item.pair, bytes[1]);
    Json out = Json::array();
    std::size_t next[2] = {0, 0};
    for (const std::int32_t type : e.type_ids) {
      const Offset o = characters[type][next[type]++];
      out.push_back({o.begin, o.end});
    }
    return out;
  }

  void write_text(Output& output, const Tokenizer& tokenizer, const Item& item) const {
    const std::vector<std::int32_t> ids = parse_ids(item);
    std::string text;
    try {
      text = tokenizer.decode(ids, {.skip_special = no_special_});
    } catch (const Error& e) {
      throw Error(item.place, "", e.what());
    }
    if (options_.json) {
      output.write_json({{"id", item.id}, {"text", text}, {"token_ids", ids}});
    } else {
      output.write(text + "\n");
    }
  }

  static std::vector<std::int32_t> parse_ids(const Item& item) {
    std::vector<std::int32_t> ids;
    constexpr const char* kBetween = " \t,[]";
    for (std::size_t at = item.text.find_first_not_of(kBetween); at != std::string::npos;) {
      const std::size_t end = std::min(item.text.find_first_of(kBetween, at), item.text.size());
      ids.push_back(static_cast<std::int32_t>(parse_integer(item.place, item.text.substr(at, end - at), {0, INT32_MAX})));
      at = item.text.find_first_not_of(kBetween, end);
    }
    return ids;
  }

  CommonOptions options_;
  InputOptions input_;
  std::string pair_;
  bool decode_ = false, no_special_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_tokenize() { return std::make_unique<Tokenize>(); }

}  // namespace spatten::app

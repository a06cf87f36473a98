// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/fields.h"

namespace spatten {

void apply_override(Json& object, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw UsageError("--set", "", fmt::format("expected KEY=VALUE, found \"{}\"", printable(assignment)));
  }
  std::string_view path = assignment.substr(0, equals);
  const std::string text(assignment.substr(equals + 1));
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) value = text;
  Json* at = &object;
  for (;;) {
    const auto dot = path.find('.');
    const std::string key(path.substr(0, dot));
    if (!at->is_object()) throw UsageError("--set", assignment, "expected a key of an object");
    at = &(*at)[key];
    if (dot == std::string_view::npos) break;
    if (at->is_null()) *at = Json::object();
    path.remove_prefix(dot + 1);
  }
  *at = std::move(value);
}

JsonFile override_file(const JsonFile& file, const std::vector<std::string>& overrides) {
  Json object = file.root().json();
  std::string name = file.name();
  for (const std::string& assignment : overrides) {
    apply_override(object, assignment);
    name += " --set " + printable(assignment);
  }
  return JsonFile::parse(dump_json(object), name);
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/result_json.h"

#include <charconv>
#include <cmath>

#include "spatten/base/fields.h"

namespace spatten::app {
namespace {

void require_finite(double value) {
  if (!std::isfinite(value)) throw Error("expected a finite result, found NaN or infinity (an overflow in the model?)");
}

}  // namespace

Json number(float value) {
  require_finite(value);
  // Through text: the double nearest to the fp32 value's short decimal prints as that decimal, 0.1 and not 0.10000000149.
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

Json number(double value) {
  require_finite(value);
  return value;
}

Json numbers(std::span<const float> values) {
  Json out = Json::array();
  for (const float v : values) out.push_back(number(v));
  return out;
}

Json to_json(const Work& work) { return write_field(work); }

}  // namespace spatten::app

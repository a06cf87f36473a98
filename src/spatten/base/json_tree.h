// SPDX-License-Identifier: Apache-2.0
// The whole of nlohmann-json, for those who build JSON values or take them apart; base/json.h is enough to pass them on.
// Include this in place of <nlohmann/json.hpp>: values are destroyed here without a need of memory. The library's own way
// moves all children into a vector first, and a destructor that gets no memory for it ends the process (robustness C35).
// That vector saves it from deep recursion; JsonLimits bounds the depth of what is read, and what we write is shallow.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "spatten/base/json.h"

template <>
inline void spatten::Json::json_value::destroy(spatten::Json::value_t type) {
  const auto discard = [](auto* value) {
    std::destroy_at(value);
    std::allocator<std::remove_pointer_t<decltype(value)>>().deallocate(value, 1);
  };
  switch (type) {
    case spatten::Json::value_t::object: return discard(object);
    case spatten::Json::value_t::array: return discard(array);
    case spatten::Json::value_t::string: return discard(string);
    case spatten::Json::value_t::binary: return discard(binary);
    default: return;
  }
}

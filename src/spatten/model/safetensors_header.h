// SPDX-License-Identifier: Apache-2.0
// The JSON header of a safetensors file, checked while it streams past: no document is built, so that the memory is
// bounded by the limits whatever the header holds, and a wrong token is refused where it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spatten/model/safetensors.h"

namespace spatten {

/// Tensors of a header text, in its order; `offset` counts from the start of the data. Checked: JSON and UTF-8, the
/// closed set of keys, each once, known types, rank, bytes = shape x type. Not checked: how the tensors lie in the data.
/// Throws Error "PATH:TENSOR: ...".
std::vector<TensorInfo> parse_safetensors_header(std::string_view header, const std::string& path,
                                                 const SafetensorsLimits& limits);

}  // namespace spatten

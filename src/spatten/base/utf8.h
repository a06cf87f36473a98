// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace spatten {

/// Index of the first byte that does not belong to a valid sequence, or text.size().
std::size_t first_invalid_utf8(std::string_view text);

}  // namespace spatten

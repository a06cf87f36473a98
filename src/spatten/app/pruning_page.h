// SPDX-License-Identifier: Apache-2.0
// Pruning stories as one self-contained page: no outside resource, light and dark, everything that came from a user
// escaped. The rows read without a script; the script adds the card of the word under the pointer or the focus.
#pragma once

#include <string>
#include <vector>

#include "spatten/app/pruning_story.h"

namespace spatten::app {

/// The whole HTML document.
std::string pruning_page(const std::string& heading, const std::vector<PruningStory>& stories);

/// Text made safe between tags and inside a quoted attribute.
std::string escape_html(std::string_view text);

}  // namespace spatten::app

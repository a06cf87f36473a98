// SPDX-License-Identifier: Apache-2.0
// A pruning story as text for a terminal or a pipe: a line per layer with the tokens and heads that entered it, a bar of
// its work, and the sentence, in which words that left are dots.
#pragma once

#include <string>

#include "spatten/app/pruning_story.h"
#include "spatten/app/terminal.h"

namespace spatten::app {

/// In colour a word is struck through in the first layer that it missed; without, it is dots there already.
std::string pruning_view(const PruningStory& story, std::size_t columns, bool colour);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// What all pages share: colours of light and dark, type, cards.
#pragma once

#include <string_view>

namespace spatten::app {

inline constexpr std::string_view kBaseStyle = R"css(
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #646b76; --paper: #fbfbf9; --card: #ffffff; --line: #dfe1e5;
  --accent: #1f7a5c; --gone: #b4552d; --faint: #c9ccd2; --pale: #a4a9b2; --mark: #fff1b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa1ac; --paper: #15171a; --card: #1d2024;
  --line: #33373d; --accent: #56c79c; --gone: #e6895c; --faint: #4a4f57; --pale: #686e78; --mark: #4d4214; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
p { margin: .25rem 0 .75rem; }
.soft { color: var(--soft); }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem; margin: 1.5rem 0; }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: .75rem 0 1rem; }
.totals > div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; }
.totals b { display: block; font-size: 1.25rem; }
)css";

}  // namespace spatten::app

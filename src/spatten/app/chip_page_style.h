// SPDX-License-Identifier: Apache-2.0
// Style sheet of the chip's report (after page_style.h). One colour per meaning, in light and dark.
#pragma once

#include <string_view>

namespace spatten::app {

inline constexpr std::string_view kChipStyle = R"css(
:root { --busy: #1f7a5c; --memory: #c2462d; --no_input: #d98c21; --no_room: #8d5fb8; --order: #4a7fb5; --idle: #e4e6ea;
  --logic: #3a6ea5; --sram: #1f7a5c; --dram: #c2762d; }
@media (prefers-color-scheme: dark) { :root { --busy: #3fa97f; --memory: #e0664c; --no_input: #e3a648; --no_room: #ab84d6;
  --order: #6ea3d8; --idle: #30343a; --logic: #6ea3d8; --sram: #3fa97f; --dram: #e09a54; } }
.totals span { display: block; font-size: .8rem; color: var(--soft); }
.partial { border-color: var(--gone); color: var(--gone); font-weight: 600; }
.bars { display: grid; grid-template-columns: 10.5rem 1fr 10rem; gap: .3rem .75rem; align-items: center; font-size: .85rem; }
.bars .name { text-align: right; overflow-wrap: anywhere; }
.bars .end { color: var(--soft); font-variant-numeric: tabular-nums; }
.stack { display: flex; height: 1.05rem; border-radius: .2rem; overflow: hidden; }
.stack i { display: block; height: 100%; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .8rem; color: var(--soft); margin: .6rem 0 0; }
.key i { display: inline-block; width: .75rem; height: .75rem; border-radius: .15rem; margin-right: .35rem; vertical-align: -.08rem; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; margin: .5rem 0; }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-weight: 500; }
tfoot td { font-weight: 600; border-bottom: none; }
.wide { overflow-x: auto; }
.heat th, .heat td { padding: .1rem .3rem; font-size: .75rem; }
.heat td:last-child { text-align: left; color: var(--soft); white-space: nowrap; }
svg { width: 100%; height: auto; max-height: 26rem; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .roof { stroke: var(--accent); stroke-width: 2.5; fill: none; }
svg .drop { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
svg .point { fill: var(--memory); stroke: var(--card); stroke-width: 2; }
pre { overflow-x: auto; font-size: .78rem; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem; }
summary { cursor: pointer; }
li { margin: .2rem 0; }
@media (max-width: 40rem) { .bars { grid-template-columns: 1fr; } .bars .name { text-align: left; } }
)css";

}  // namespace spatten::app

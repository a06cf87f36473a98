// SPDX-License-Identifier: Apache-2.0
// Style sheet (after page_style.h) and script of the pruning page.
#pragma once

#include <string_view>

namespace spatten::app {

inline constexpr std::string_view kPageStyle = R"css(
body { padding-bottom: 14rem; }
.layer { display: grid; grid-template-columns: 11.5rem 1fr; gap: .75rem; padding: .45rem 0; border-top: 1px solid var(--line); }
.facts { font-size: .8rem; color: var(--soft); }
.facts b { color: var(--ink); }
.bar { height: .5rem; border-radius: .25rem; background: var(--faint); overflow: hidden; margin: .2rem 0; }
.bar i { display: block; height: 100%; background: var(--accent); }
.heads span { display: inline-block; width: .55rem; height: .55rem; border-radius: 50%; background: var(--accent); margin-right: .2rem; }
.heads .off { background: none; border: 1px solid var(--faint); }
.words { overflow-wrap: anywhere; }
.w { border-radius: .2rem; padding: 0 .08rem; cursor: default; }
.w.joins { padding-left: 0; margin-left: -.08rem; }
.w.special { color: var(--soft); font-size: .85em; }
.w.made { border-bottom: 2px dotted var(--accent); }
.w.leaves { color: var(--gone); text-decoration: line-through; }
.w.gone { color: var(--pale); }
.w.on, .w:focus { background: var(--mark); outline: none; }
#card { position: fixed; left: 0; right: 0; bottom: 0; background: var(--card); border-top: 2px solid var(--accent);
  padding: .6rem 1.25rem; max-height: 13rem; overflow: auto; }
#card h3 { margin: 0 0 .25rem; font-size: 1rem; }
#card .scores { display: flex; gap: .35rem; align-items: flex-end; }
#card .scores div { flex: 1 1 0; max-width: 4rem; font-size: .7rem; text-align: center; color: var(--soft); }
#card .scores i { display: block; background: var(--accent); border-radius: .15rem .15rem 0 0; min-height: 1px; }
#card .scores .off i { background: var(--faint); }
@media (max-width: 40rem) { .layer { grid-template-columns: 1fr; gap: .2rem; } }
)css";

inline constexpr std::string_view kPageScript = R"js(
const stories = JSON.parse(document.getElementById('data').textContent);
const card = document.getElementById('card');
let marked = [];
function show(element) {
  const [s, w] = element.dataset.w.split('.').map(Number);
  const word = stories[s].words[w];
  for (const m of marked) m.classList.remove('on');
  marked = document.querySelectorAll('[data-w="' + s + '.' + w + '"]');
  for (const m of marked) m.classList.add('on');
  const title = document.createElement('h3');
  const end = word.reached >= stories[s].layers ? 'reached the last layer' :
    'ran in ' + word.reached + ' of ' + stories[s].layers + ' layers, left before layer ' + word.reached;
  title.textContent = '\u201c' + word.text + '\u201d ' + end;
  const scores = document.createElement('div');
  scores.className = 'scores';
  const top = Math.max(...word.scores, 1e-9);
  word.scores.forEach((score, layer) => {
    const column = document.createElement('div');
    if (layer >= word.reached) column.className = 'off';
    const value = document.createElement('span'), block = document.createElement('i');
    value.textContent = score.toPrecision(3);
    block.style.height = (60 * score / top) + 'px';
    column.append(value, block, 'layer ' + layer);
    scores.append(column);
  });
  card.replaceChildren(title, scores);
}
for (const type of ['mouseover', 'focusin']) {
  document.addEventListener(type, event => { const e = event.target.closest('[data-w]'); if (e) show(e); });
}
)js";

}  // namespace spatten::app

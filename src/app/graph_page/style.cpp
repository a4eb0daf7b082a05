// What the graph page has beside the report's style: the picture, the controls, the panel.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view style() {
  return R"css(
body { display: flex; flex-direction: column; height: 100vh; height: 100dvh; }
header.top { max-width: none; margin: 0; width: 100%; padding: 14px 18px 8px; gap: 8px 20px; }
header.top > div:first-child { flex-basis: 160px; }
h1, h2, .name, .quote, li, td, dd, option { unicode-bidi: isolate; }
.controls { display: flex; flex-wrap: wrap; gap: 8px; padding: 0 18px 10px; align-items: center; }
.controls select { font: inherit; font-size: .85rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; padding: 5px 8px; flex: 0 1 190px; min-width: 0;
  text-overflow: ellipsis; }
.controls input[type=search] { flex: 1 1 200px; max-width: 420px; }
.board { flex: 1; min-height: 0; max-width: none; width: 100%; margin: 0; padding: 0 18px 14px;
  display: grid; grid-template-columns: minmax(0, 1fr) minmax(300px, 400px); gap: 14px; }
.board > section { margin: 0; padding: 0; min-height: 0; }
#stage { position: relative; overflow: hidden; }
#picture { position: absolute; inset: 0; width: 100%; height: 100%; display: block; cursor: grab;
  touch-action: none; border-radius: 14px; }
#picture.over { cursor: pointer; } #picture.moving { cursor: grabbing; }
#picture:focus-visible { outline-offset: -3px; }
.zoom { position: absolute; right: 10px; top: 10px; display: grid; gap: 6px; }
.zoom button { width: 36px; height: 36px; padding: 0; font-size: 1.05rem; line-height: 1; }
#status { position: absolute; left: 12px; bottom: 8px; right: 12px; pointer-events: none;
  font-size: .78rem; color: var(--soft); text-shadow: 0 0 3px var(--card), 0 0 3px var(--card); }
#panel { overflow-y: auto; overscroll-behavior: contain; }
#panel .inner { padding: 16px 18px 22px; }
#panel h2 { font-size: 1.2rem; line-height: 1.3; margin: 6px 0; }
#panel h2:focus { outline: none; }
#panel h3 { font-size: .85rem; color: var(--soft); margin: 18px 0 6px; }
button { white-space: nowrap; } button.item, button.link { white-space: normal; }
.row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 6px 0; }
.swatch { width: 11px; height: 11px; border-radius: 50%; flex: none; display: inline-block; }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain > li { border-top: 1px solid var(--line); }
ul.plain > li:first-child { border-top: 0; }
button.item { display: flex; width: 100%; gap: 9px; align-items: baseline; text-align: left;
  border: 0; border-radius: 6px; background: none; padding: 7px 4px; font-size: .92rem; }
button.item:hover { background: var(--wash); }
button.item .name { flex: 1; min-width: 0; }
button.item .swatch { align-self: center; }
button.small { padding: 1px 9px; font-size: .78rem; color: var(--soft); }
button.link { border: 0; background: none; padding: 0; color: var(--fire); font-size: inherit;
  text-align: left; text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: 3px; }
.relation { color: var(--soft); }
.proof { border-left: 3px solid var(--line); padding: 1px 0 1px 11px; margin: 9px 0; font-size: .92rem; }
.proof .soft { font-size: .78rem; }
.proof .quote { white-space: pre-line; }
.step { display: grid; grid-template-columns: 14px 1fr; gap: 2px 9px; align-items: center; }
.step .why { grid-column: 2; border-left: 2px solid var(--line); margin-left: -17px; padding: 4px 0 8px 15px; }
@media (max-width: 760px) {
  body { height: auto; display: block; }
  header.top { padding: 12px 12px 6px; } .controls { padding: 0 12px 8px; }
  .controls input[type=search] { flex-basis: 100%; max-width: none; }
  .controls select { flex: 1 1 90px; }
  .board { grid-template-columns: 1fr; padding: 0 12px 12px; }
  #stage { height: 58vh; min-height: 280px; } #panel { overflow: visible; }
  #panel .inner { padding: 14px 14px 20px; }
}
@media (prefers-reduced-motion: no-preference) { button { transition: border-color .15s; } }
)css";
}

std::string_view body() {
  return R"html(
<header class="top">
  <div><h1 id="title"></h1><div class="soft" id="about"></div></div>
  <div class="switches">
    <button id="language" type="button"></button>
    <button id="theme" type="button"></button>
  </div>
</header>
<div class="controls" id="controls" role="search"></div>
<main class="board">
  <section id="stage">
    <canvas id="picture" tabindex="0"></canvas>
    <div class="zoom" id="zoom"></div>
    <div id="status" role="status"></div>
  </section>
  <section id="panel"></section>
</main>
)html";
}

}  // namespace ondol::app::graph_parts

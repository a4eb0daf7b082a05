// Colours are named once for each theme; everything else refers to the names.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view style() {
  return R"css(
:root {
  color-scheme: light;
  --paper: #faf8f5; --card: #ffffff; --ink: #26221d; --soft: #6f675d; --line: #e5dfd6;
  --wash: #f3eee7; --fire: #b8470f; --fire-wash: #fbeade; --good: #2c7a4b; --good-wash: #e4f3e9;
  --bad: #b3303a; --bad-wash: #fae6e6; --open: #93681a; --open-wash: #fbf1d9; --dot: #7d8894;
}
:root[data-theme="dark"] {
  color-scheme: dark;
  --paper: #161412; --card: #201d1a; --ink: #ece6dd; --soft: #a79d90; --line: #38332d;
  --wash: #2a2622; --fire: #ff9d63; --fire-wash: #3a2618; --good: #6fce93; --good-wash: #1d3326;
  --bad: #ff8c90; --bad-wash: #3d2224; --open: #e8bd64; --open-wash: #382e18; --dot: #98a4b1;
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Apple SD Gothic Neo",
    "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif;
  word-break: keep-all; overflow-wrap: anywhere;
}
main, header.top, footer { max-width: 1140px; margin: 0 auto; padding: 0 20px; }
header.top { display: flex; gap: 12px 20px; align-items: flex-start; padding-top: 26px; flex-wrap: wrap; }
header.top > div:first-child { flex: 1 1 300px; }
h1 { font-size: 1.15rem; margin: 0; font-weight: 650; }
h2 { font-size: 1.15rem; margin: 0 0 4px; font-weight: 650; }
h3 { font-size: .95rem; margin: 18px 0 6px; font-weight: 650; }
p { margin: 0 0 10px; }
.soft { color: var(--soft); font-size: .875rem; }
.num { font-variant-numeric: tabular-nums; }
button {
  font: inherit; font-size: .85rem; color: var(--ink); background: var(--card); cursor: pointer;
  border: 1px solid var(--line); border-radius: 8px; padding: 5px 12px;
}
button:hover { border-color: var(--soft); }
button[aria-pressed="true"] { background: var(--ink); color: var(--paper); border-color: var(--ink); }
:focus-visible { outline: 2px solid var(--fire); outline-offset: 2px; }
.switches { display: flex; gap: 8px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 22px 24px; margin: 18px 0; }
section > .lead { color: var(--soft); font-size: .9rem; max-width: 72ch; margin-bottom: 14px; }
#advice { border-left: 6px solid var(--fire); }
#advice .verdict { font-size: 1.55rem; line-height: 1.3; font-weight: 680; margin: 8px 0 14px;
  letter-spacing: -.01em; text-wrap: balance; }
.chip { display: inline-block; font-size: .78rem; font-weight: 600; border-radius: 99px;
  padding: 2px 10px; background: var(--wash); color: var(--soft); white-space: nowrap; }
.chip.good { background: var(--good-wash); color: var(--good); }
.chip.bad { background: var(--bad-wash); color: var(--bad); }
.chip.open { background: var(--open-wash); color: var(--open); }
.chip.fire { background: var(--fire-wash); color: var(--fire); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px;
  margin: 4px 0 16px; }
.fact { background: var(--wash); border-radius: 10px; padding: 10px 14px; }
.fact b { display: block; font-size: 1.3rem; font-weight: 650; line-height: 1.25; }
.fact span { font-size: .8rem; color: var(--soft); }
ul.reasons { margin: 0; padding-left: 20px; }
ul.reasons li { margin: 3px 0; }
.notice { background: var(--open-wash); border-radius: 10px; padding: 10px 14px; margin: 14px 0 0;
  font-size: .92rem; }
.notice b { color: var(--open); }
.commands { margin-top: 16px; display: grid; gap: 6px; }
.command { display: flex; gap: 4px 12px; align-items: baseline; flex-wrap: wrap; font-size: .9rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85em; }
.command code { background: var(--wash); padding: 3px 9px; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: normal; }
td.num { white-space: nowrap; }
#table td:first-child { min-width: 190px; }
th { text-align: left; font-size: .78rem; font-weight: 600; color: var(--soft); vertical-align: bottom;
  padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); }
td { padding: 10px 10px 10px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
tr:last-child td { border-bottom: 0; }
tr.chosen td { background: linear-gradient(var(--fire-wash), var(--fire-wash)); }
tr.chosen td:first-child { box-shadow: -10px 0 0 var(--fire-wash); border-radius: 8px 0 0 8px; }
tr.chosen td:last-child { box-shadow: 10px 0 0 var(--fire-wash); border-radius: 0 8px 8px 0; }
td .name { font-weight: 620; }
td .score { font-weight: 680; font-size: 1.1rem; }
.scroll { overflow-x: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 18px; }
.pair section { margin: 0; }
svg { display: block; width: 100%; overflow: visible; }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
svg text.soft { fill: var(--soft); }
svg text.strong { font-weight: 650; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .82rem; color: var(--soft); margin-top: 8px; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 10px; align-items: center; }
input[type=search] { font: inherit; font-size: .85rem; padding: 5px 12px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); color: var(--ink); flex: 1 1 160px; min-width: 0; }
details.q { border-top: 1px solid var(--line); }
details.q > summary { list-style: none; cursor: pointer; padding: 10px 2px; display: grid; gap: 4px; }
details.q > summary::-webkit-details-marker { display: none; }
details.q[open] > summary { font-weight: 620; }
summary { cursor: pointer; }
.marks { display: flex; flex-wrap: wrap; gap: 5px; font-weight: 400; }
.mark { font-size: .76rem; border-radius: 6px; padding: 1px 8px; background: var(--bad-wash); color: var(--bad); }
.mark.right { background: var(--good-wash); color: var(--good); }
.mark.part { background: var(--open-wash); color: var(--open); }
.inside { padding: 4px 0 18px; }
.gold { background: var(--good-wash); border-radius: 10px; padding: 10px 14px; margin-bottom: 12px; }
.gold b { color: var(--good); font-size: .82rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px; }
.answer { border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; min-width: 0; }
.answer.chosen { border-color: var(--fire); }
.answer header { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; margin-bottom: 6px; }
.answer .said { white-space: pre-wrap; }
.answer details { margin-top: 8px; font-size: .86rem; }
.answer details > summary { color: var(--soft); }
.passage { border-left: 3px solid var(--line); padding: 2px 0 2px 10px; margin: 8px 0; }
.passage.gold-passage { border-left-color: var(--good); background: none; border-radius: 0; }
mark { background: var(--open-wash); color: inherit; padding: 0 2px; border-radius: 3px;
  box-shadow: inset 0 -2px 0 var(--open); }
pre { background: var(--wash); border-radius: 8px; padding: 10px 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 420px; overflow: auto; margin: 8px 0; }
dl { display: grid; grid-template-columns: minmax(110px, 220px) 1fr; gap: 4px 16px; margin: 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; }
footer { color: var(--soft); font-size: .82rem; padding-bottom: 40px; }
@media (max-width: 860px) { .pair { grid-template-columns: 1fr; } }
@media (max-width: 640px) {
  main, header.top, footer { padding-left: 12px; padding-right: 12px; }
  section { padding: 18px 16px; border-radius: 12px; }
  #advice .verdict { font-size: 1.3rem; }
  .facts { grid-template-columns: 1fr 1fr; }
  #table thead { display: none; }
  #table tr { display: grid; grid-template-columns: 1fr 1fr; gap: 2px 12px; padding: 10px 12px;
    border-bottom: 1px solid var(--line); border-radius: 10px; }
  #table tr.chosen { background: var(--fire-wash); }
  #table td, #table tr.chosen td { border: 0; padding: 3px 0; background: none; box-shadow: none; }
  #table td:first-child, #table td.wide { grid-column: 1 / -1; width: auto !important; }
  #table td[data-label]::before { content: attr(data-label); display: block; font-size: .75rem;
    color: var(--soft); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
}
@media print {
  .switches, .tools { display: none; } section { break-inside: avoid; border-color: #ccc; }
}
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
<main>
  <section id="advice"></section>
  <section id="table"></section>
  <div class="pair"><section id="costs"></section><section id="forest"></section></div>
  <section id="questions"></section>
  <section id="metrics"></section>
  <section id="reading"></section>
  <section id="environment"></section>
</main>
<footer id="footer"></footer>
)html";
}

}  // namespace ondol::eval::page

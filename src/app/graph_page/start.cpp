// Controls, pointer and keys, and the start of the script.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view script_start() {
  return R"js(
function chooser(label, everything, rows, value, apply) {
  const node = h('select', { 'aria-label': label }, h('option', { value: '' }, everything), rows.map(([key, text]) => h('option', { value: key }, shortened(text, 60))));
  node.value = value;
  node.onchange = () => { apply(node.value); change({ listed: 80 }); drawControls(); fitAll(); };
  return node;
}

function drawControls() {
  const search = h('input', { type: 'search', id: 'search', placeholder: w('search'), 'aria-label': w('search'), autocomplete: 'off',
    oninput: (event) => change({ search: event.target.value.trim(), selected: null, path: null, listed: 80 }) });
  search.value = state.search;
  search.onkeydown = (event) => {
    const first = document.querySelector('#entities button');
    if (event.key === 'Enter' && first) { event.preventDefault(); first.click(); }
    if (event.key === 'ArrowDown' && first) { event.preventDefault(); first.focus(); }
  };
  const types = [...new Set(N.map((node) => node.type))].sort();
  const groups = D.communities.map((its, c) => [String(c), `${its.name} (${its.size})`]).filter((_, c) => D.communities[c].size > 1);
  const documents = D.documents.map((name, d) => [String(d), name]).sort((a, b) => a[1] < b[1] ? -1 : 1);
  const filtered = state.community >= 0 || state.type !== null || state.document >= 0 || state.search !== '';
  place('controls', search,
    groups.length > 1 && chooser(w('community'), w('allCommunities'), groups, state.community < 0 ? '' : String(state.community),
      (v) => { state.community = v === '' ? -1 : Number(v); }),
    types.length > 1 && chooser(w('type'), w('allTypes'), types.map((t) => ['=' + t, t || w('noType')]), state.type === null ? '' : '=' + state.type,
      (v) => { state.type = v === '' ? null : v.slice(1); }),
    documents.length > 1 && chooser(w('document'), w('allDocuments'), documents, state.document < 0 ? '' : String(state.document),
      (v) => { state.document = v === '' ? -1 : Number(v); }),
    filtered && button(w('clear'), () => { change({ search: '', community: -1, type: null, document: -1, listed: 80 }); drawControls(); fitAll(); }));
}

function drawStatus() {
  const nodes = nodeShown.filter((x) => x).length, edges = edgeShown.filter((x) => x).length;
  place('status', w('status', nodes, edges) + (D.edges_hidden > 0 ? w('hidden', D.edges_hidden) : ''));
  canvas.setAttribute('aria-label', w('picture', nodes, edges));
}

function drawAll() {
  document.documentElement.lang = lang;
  document.documentElement.dataset.theme = theme;
  place('title', D.title);
  place('about', D.seed >= 0 ? w('near', N[D.seed].name, N.length - 1, D.entities) : N.length < D.entities ? w('whole', N.length, D.entities) : w('everything', N.length));
  place('language', w('other'));
  place('theme', w(theme === 'dark' ? 'light' : 'dark'));
  const tool = (sign, word, action) => button(sign, action, { title: w(word), 'aria-label': w(word) });
  place('zoom', tool('+', 'larger', () => zoom(1.35)), tool('−', 'smaller', () => zoom(1 / 1.35)), tool('⤢', 'fit', fitAll));
  drawControls(); drawStatus(); drawPanel(); drawPicture();
}

// What lies under a point of the canvas: a node before a link.
function hit(x, y) {
  let best = null, nearest = 7;
  N.forEach((node, n) => {
    if (!nodeShown[n]) return;
    const [nx, ny] = toScreen(node), d = Math.hypot(nx - x, ny - y) - radius(node);
    if (d < nearest) { nearest = d; best = { node: n }; }
  });
  if (best) return best;
  nearest = 6;
  E.forEach((edge, e) => {
    if (!edgeShown[e]) return;
    const [ax, ay] = toScreen(N[edge.a]), [bx, by] = toScreen(N[edge.b]), dx = bx - ax, dy = by - ay;
    const t = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
    const d = Math.hypot(ax + t * dx - x, ay + t * dy - y);
    if (d < nearest) { nearest = d; best = { edge: e }; }
  });
  return best;
}

// One pointer pans or drags a node, two zoom.
const pointers = new Map();
let grip = null;
const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
canvas.onpointerdown = (event) => {
  pointers.set(event.pointerId, at(event));
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = at(event), under = hit(x, y);
  grip = { x, y, under, node: under && under.node !== undefined ? under.node : -1, moved: pointers.size > 1 };
};
canvas.onpointermove = (event) => {
  const [x, y] = at(event), before = pointers.get(event.pointerId);
  if (!before) {
    const under = hit(x, y);
    if (JSON.stringify(under) !== JSON.stringify(hover)) { hover = under; canvas.classList.toggle('over', under !== null); drawPicture(); }
    return;
  }
  if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    const old = Math.hypot(before[0] - other[0], before[1] - other[1]), now = Math.hypot(x - other[0], y - other[1]);
    if (old > 0) zoom(now / old, (x + other[0]) / 2, (y + other[1]) / 2);
    if (grip) grip.moved = true;
  } else if (grip && (grip.moved || Math.hypot(x - grip.x, y - grip.y) > 4)) {
    grip.moved = true;
    canvas.classList.add('moving');
    const dx = x - before[0], dy = y - before[1];
    if (grip.node >= 0) { N[grip.node].x += dx / camera.k; N[grip.node].y += dy / camera.k; } else { camera.x += dx; camera.y += dy; camera.fitted = false; }
    drawPicture();
  }
  pointers.set(event.pointerId, [x, y]);
};
const release = (event) => {
  pointers.delete(event.pointerId);
  canvas.classList.remove('moving');
  if (event.type === 'pointerup' && grip && !grip.moved) {
    if (!grip.under) { if (state.selected || state.path) change({ selected: null, path: null }); }
    else if (grip.under.node !== undefined) selectNode(grip.under.node);
    else selectEdge(grip.under.edge);
  }
  if (pointers.size === 0) grip = null;
};
canvas.onpointerup = canvas.onpointercancel = release;
canvas.onpointerleave = () => { if (hover) { hover = null; drawPicture(); } };
canvas.addEventListener('wheel', (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY * (event.deltaMode ? .05 : .0015)), ...at(event)); }, { passive: false });
canvas.ondblclick = (event) => zoom(1.6, ...at(event));
canvas.onkeydown = (event) => {
  const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
  if (step) { camera.x += step[0]; camera.y += step[1]; camera.fitted = false; drawPicture(); }
  else if (event.key === '+' || event.key === '=') zoom(1.25);
  else if (event.key === '-') zoom(1 / 1.25);
  else if (event.key === '0') fitAll();
  else return;
  event.preventDefault();
};
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && (state.selected || state.path || state.from >= 0)) { change({ selected: null, path: null, from: -1 }); focusPanel(); }
  if (event.key === '/' && !/^(INPUT|SELECT)$/.test(event.target.tagName) && !event.ctrlKey && !event.metaKey) { event.preventDefault(); document.getElementById('search').focus(); }
});

document.getElementById('language').onclick = () => { lang = lang === 'ko' ? 'en' : 'ko'; drawAll(); };
document.getElementById('theme').onclick = () => { theme = theme === 'dark' ? 'light' : 'dark'; drawAll(); };

refilter(); drawAll(); resize();
new ResizeObserver(resize).observe(canvas.parentElement);
// #entity=NAME, with &to=NAME a path, with &link=1 the link between the two.
const named = (key) => hash.get(key) === null ? -1 : N.findIndex((node) => node.name === hash.get(key));
if (named('entity') >= 0 && named('to') >= 0) {
  const path = findPath(named('entity'), named('to'));
  if (hash.get('link') && path.edges.length === 1) selectEdge(path.edges[0]);
  else { change({ path, selected: { node: named('to') } }); bringIntoView(path.nodes || []); }
} else if (named('entity') >= 0) selectNode(named('entity'), true);
else if (D.seed >= 0) change({ selected: { node: D.seed } });
)js";
}

}  // namespace ondol::app::graph_parts

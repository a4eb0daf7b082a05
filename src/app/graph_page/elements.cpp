// What is selected and what is shown; neighbours and paths. Names only ever become text nodes.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view script_elements() {
  return R"js(
const N = D.nodes, E = D.edges;
const links = N.map(() => []);  // of every node: [edge, other end]
E.forEach((edge, i) => { links[edge.a].push([i, edge.b]); links[edge.b].push([i, edge.a]); });

const COLOURS = {
  light: ['#c4541a', '#2f6fb3', '#3b8a4f', '#8a5bb5', '#a87b10', '#c2477f', '#1f8585', '#6b7280', '#5560c4', '#7d8b1f', '#a8434a', '#4889ad'],
  dark: ['#ff9d63', '#7db4ee', '#7fcf94', '#c39cec', '#e2bb5c', '#f390bd', '#66c9c9', '#a9b1bd', '#a3abff', '#c4d16a', '#f0898f', '#92c9e6'],
};
const ALONE = '#9a948b';  // communities of one, and those beyond the colours
const colour = (node) => D.communities[node.community].size > 1 && COLOURS[theme][node.community] || ALONE;

const hasTypes = new Set(N.map((node) => node.type)).size > 1;

const state = {
  selected: null,  // { node } or { edge }
  path: null,      // { from, to, nodes, edges }; nodes is null when there is none
  from: -1,        // a path begins here and its end is being chosen
  search: '', community: -1, type: null, document: -1, listed: 80,
};

const inFilters = (node) => (state.community < 0 || node.community === state.community) &&
  (state.type === null || node.type === state.type) &&
  (state.document < 0 || node.documents.includes(state.document));
const folded = (text) => text.normalize('NFKC').toLowerCase();
const matchesSearch = (node) => state.search === '' ||
  [node.name, ...node.aliases].some((name) => folded(name).includes(folded(state.search)));

let nodeShown = [], edgeShown = [];
function refilter() {
  nodeShown = N.map(inFilters);
  edgeShown = E.map((edge) => nodeShown[edge.a] && nodeShown[edge.b] &&
    (state.document < 0 || edge.documents.includes(state.document)));
}

// Breadth first over what is shown; of equally short paths the one through the more central nodes.
function findPath(from, to) {
  const before = new Map([[from, null]]), queue = [from];
  for (let at = 0; at < queue.length && !before.has(to); ++at) {
    const next = links[queue[at]].filter(([edge]) => edgeShown[edge]).sort((a, b) => a[1] - b[1]);
    for (const [edge, other] of next) {
      if (!before.has(other)) { before.set(other, [queue[at], edge]); queue.push(other); }
    }
  }
  if (!before.has(to)) return { from, to, nodes: null, edges: [] };
  const nodes = [to], edges = [];
  for (let step = before.get(to); step; step = before.get(step[0])) { nodes.unshift(step[0]); edges.unshift(step[1]); }
  return { from, to, nodes, edges };
}

// The picture shows these strongly and the rest faintly; null: everything alike.
function emphasis() {
  const nodes = new Set(), edges = new Set();
  if (state.path) {
    (state.path.nodes || [state.path.from, state.path.to]).forEach((n) => nodes.add(n));
    state.path.edges.forEach((e) => edges.add(e));
  } else if (state.selected && state.selected.edge !== undefined) {
    const edge = E[state.selected.edge];
    nodes.add(edge.a); nodes.add(edge.b); edges.add(state.selected.edge);
  } else if (state.selected) {
    nodes.add(state.selected.node);
    links[state.selected.node].forEach(([e, other]) => { if (edgeShown[e]) { nodes.add(other); edges.add(e); } });
  } else if (state.search !== '') {
    N.forEach((node, n) => { if (nodeShown[n] && matchesSearch(node)) nodes.add(n); });
  } else return null;
  return { nodes, edges };
}

function change(next) {
  Object.assign(state, next);
  refilter();
  if (state.path) state.path = findPath(state.path.from, state.path.to);
  drawStatus(); drawPanel(); drawPicture();
}

function selectNode(n, move) {
  if (state.from >= 0 && state.from !== n) {
    const path = { from: state.from, to: n };
    return change({ path, from: -1, selected: { node: n } });
  }
  change({ selected: { node: n }, path: null, from: -1 });
  if (move) bringIntoView([n]);
  focusPanel();
}
function selectEdge(e) {
  change({ selected: { edge: e }, path: null, from: -1 });
  focusPanel();
}
)js";
}

}  // namespace ondol::app::graph_parts

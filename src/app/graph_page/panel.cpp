// The panel beside the picture: the list, an entity, a link, a path.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view script_panel() {
  return R"js(
const swatch = (node) => h('span', { class: 'swatch', style: `background:${colour(node)}` });
const button = (label, action, attributes) => h('button', { type: 'button', onclick: action, ...attributes }, label);
const nodeButton = (n) => button(N[n].name, () => selectNode(n, true), { class: 'link name' });
const item = (n, extra) => button([swatch(N[n]), h('span', { class: 'name' }, N[n].name, hasTypes && N[n].type && h('span', { class: 'soft' }, ' · ' + N[n].type)), extra && h('span', { class: 'soft num' }, extra)],
  () => selectNode(n, true), { class: 'item' });

// A quote with its marks; they count code points.
function marked(quote, marks) {
  const points = Array.from(quote.text), parts = [];
  let at = 0;
  for (const [from, to] of marks) {
    if (from < at) continue;
    parts.push(points.slice(at, from).join(''), h('mark', {}, points.slice(from, to).join('')));
    at = to;
  }
  return [quote.cut_from && '… ', parts, points.slice(at).join(''), quote.cut_to && ' …'];
}

const proof = ([q, marks]) => {
  const quote = D.quotes[q];
  return h('div', { class: 'proof' }, h('div', { class: 'quote' }, quote.title ? h('mark', {}, quote.text) : marked(quote, marks)),
    h('div', { class: 'soft name' }, D.documents[quote.document] + (quote.heading ? ' › ' + quote.heading : '') +
      (quote.title ? ' · ' + w('title') : '')));
};
const proofs = (all) => all.length > 0 ? all.map(proof) : h('p', { class: 'soft' }, w('noProof'));

const factLine = (edge, fact) => {
  const [subject, object] = fact.forth ? [edge.a, edge.b] : [edge.b, edge.a];
  return [nodeButton(subject), h('span', { class: 'relation' }, ' — ' + fact.label + ' → '), nodeButton(object)];
};
function factNotes(fact) {
  const notes = [fact.from && w('from', fact.from), fact.to && w('until', fact.to), fact.confidence < .995 && w('sure', Math.round(100 * fact.confidence))];
  return notes.filter((note) => note).join(' · ');
}

function drawList() {
  const found = N.map((_, n) => n).filter((n) => nodeShown[n] && matchesSearch(N[n]));
  const rest = found.length - state.listed;
  const groups = D.communities.map((its, c) => [its, c]).filter(([its]) => its.size > 1).slice(0, 12);
  const legend = state.community < 0 && state.search === '' && groups.length > 1 && [h('h3', {}, w('communities')),
    h('ul', { class: 'plain' }, groups.map(([its, c]) => h('li', {},
      button([swatch(N.find((node) => node.community === c)), h('span', { class: 'name' }, its.name), h('span', { class: 'soft num' }, its.size)],
        () => { change({ community: c, listed: 80 }); drawControls(); fitAll(); }, { class: 'item' }))))];
  return [h('h2', { tabindex: -1 }, w('entities') + ' ', h('span', { class: 'soft num' }, found.length)),
    h('p', { class: 'soft' }, state.from >= 0 ? w('choose') : w('hint')), legend,
    legend && h('h3', {}, w('entities')),
    found.length === 0 && h('p', { class: 'soft' }, w('none')),
    h('ul', { class: 'plain', id: 'entities' }, found.slice(0, state.listed).map((n) => h('li', {}, item(n, N[n].passages)))),
    rest > 0 && button(w('more', Math.min(rest, 200)), () => change({ listed: state.listed + 200 }))];
}

function pathButton(n) {
  if (state.from >= 0 && state.from !== n) return button(w('pathHere', shortened(N[state.from].name, 20)), () => selectNode(n));
  return button(w('pathFrom'), () => change({ from: n, selected: null, path: null }));
}

function drawEntity(n) {
  const node = N[n];
  const near = links[n].filter(([e]) => edgeShown[e]);
  const facts = near.flatMap(([e]) => E[e].facts.map((fact) => [e, fact]));
  const beside = near.filter(([e]) => E[e].passages > 0).sort((a, b) => E[b[0]].passages - E[a[0]].passages || E[b[0]].weight - E[a[0]].weight);
  return [h('h2', { tabindex: -1 }, node.name),
    h('div', { class: 'row' }, node.type && h('span', { class: 'chip name' }, node.type),
      h('span', { class: 'chip' }, swatch(node), ' ', D.communities[node.community].size > 1 ? shortened(D.communities[node.community].name, 34) : w('single')),
      node.hub && h('span', { class: 'chip open' }, w('hub'))),
    h('p', { class: 'soft' }, w('mentions', node.mentions, node.passages)),
    node.aliases.length > 0 && h('p', {}, h('span', { class: 'soft' }, w('also') + ': '), h('span', { class: 'name' }, node.aliases.join(', '))),
    h('div', { class: 'row' }, pathButton(n)),
    node.properties.length > 0 && [h('h3', {}, w('properties')), h('dl', {}, node.properties.map(([key, value]) => [h('dt', {}, key), h('dd', {}, value)]))],
    facts.length > 0 && [h('h3', {}, w('facts') + ' ' + facts.length), h('ul', { class: 'plain' }, facts.map(([e, fact]) =>
      h('li', { style: 'padding:6px 0' }, factLine(E[e], fact), ' ', h('span', { class: 'soft' }, factNotes(fact)), ' ', button(w('why'), () => selectEdge(e), { class: 'small' }))))],
    beside.length > 0 && [h('h3', {}, w('beside')), h('ul', { class: 'plain' }, beside.map(([e, other]) =>
      h('li', { class: 'row', style: 'margin:0;flex-wrap:nowrap' }, item(other, E[e].passages), button(w('why'), () => selectEdge(e), { class: 'small' }))))],
    near.length === 0 && h('p', { class: 'soft' }, w('noLinks')),
    h('h3', {}, w('named') + ' ' + (node.evidence.length < node.passages ? w('someOf', node.evidence.length, node.passages) : '')),
    proofs(node.evidence)];
}

function drawEdge(edge, heading) {
  return [heading && h('h2', { tabindex: -1 }, N[edge.a].name + ' · ' + N[edge.b].name),
    heading && h('div', { class: 'row' }, nodeButton(edge.a), h('span', { class: 'soft' }, '·'), nodeButton(edge.b)),
    edge.facts.map((fact) => [h('h3', {}, w('facts')), h('div', {}, factLine(edge, fact)), h('div', { class: 'soft' }, factNotes(fact)), proofs(fact.evidence)]),
    (edge.together.length > 0 || edge.facts.length === 0) && [h('h3', {}, w('together')), h('div', { class: 'soft num' }, w('togetherIn', edge.passages, edge.weight.toFixed(2))), proofs(edge.together)]];
}

function drawPath(path) {
  const head = [h('h2', { tabindex: -1 }, w('path', N[path.from].name, N[path.to].name))];
  if (!path.nodes) return [head, h('p', {}, w('noPath'))];
  return [head, h('p', { class: 'soft' }, w('steps', path.edges.length)), path.nodes.map((n, i) => {
    const edge = E[path.edges[i]];
    return h('div', { class: 'step' }, swatch(N[n]), nodeButton(n), edge && h('div', { class: 'why' },
      edge.facts.length > 0 ? edge.facts.slice(0, 2).map((fact) => [h('div', { class: 'soft' }, factLine(edge, fact)), fact.evidence.slice(0, 1).map(proof)])
        : edge.together.slice(0, 1).map(proof), button(w('why'), () => selectEdge(path.edges[i]), { class: 'small' })));
  })];
}

function drawPanel() {
  const at = state.selected, home = !state.path && !at;
  const away = () => { change({ selected: null, path: null, from: -1 }); focusPanel(); };
  place('panel', h('div', { class: 'inner' },
    !home && button('← ' + w('back'), away),
    home && state.from >= 0 && h('div', { class: 'notice', style: 'margin:0 0 10px' }, h('b', {}, N[state.from].name + ' → '), w('choose'), ' ', button(w('cancel'), away)),
    state.path ? drawPath(state.path) : home ? drawList() : at.edge !== undefined ? drawEdge(E[at.edge], true) : drawEntity(at.node)));
  document.getElementById('panel').scrollTop = 0;
}

// Brings the reader, and the keyboard, to what was chosen.
function focusPanel() {
  const heading = document.querySelector('#panel h2');
  if (heading) heading.focus({ preventScroll: innerWidth > 760 });
}
)js";
}

}  // namespace ondol::app::graph_parts

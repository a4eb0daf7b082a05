// The picture: one canvas, redrawn when something changes.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view script_canvas() {
  return R"js(
const canvas = document.getElementById('picture'), pen = canvas.getContext('2d');
const camera = { k: 1, x: 0, y: 0, fitted: true };  // screen = world * k + (x, y); fitted: nobody moved it yet
let size = { width: 0, height: 0 }, hover = null, waiting = false;

const toScreen = (node) => [node.x * camera.k + camera.x, node.y * camera.k + camera.y];
const radius = (node) => Math.max(node.r * Math.min(Math.sqrt(camera.k) * 1.05, 1.25), 3);
const shortened = (text, limit) => { const points = Array.from(text); return points.length > limit ? points.slice(0, limit - 1).join('') + '…' : text; };

function drawPicture() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}

function paint() {
  const style = getComputedStyle(document.documentElement), paper = (name) => style.getPropertyValue(name).trim();
  const look = { ink: paper('--ink'), soft: paper('--soft'), card: paper('--card'), fire: paper('--fire'), dot: paper('--dot') };
  const scale = devicePixelRatio || 1, strong = emphasis();
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  pen.lineCap = 'round';
  E.forEach((edge, i) => { if (edgeShown[i] && !(strong && strong.edges.has(i))) paintEdge(edge, i, strong, look); });
  E.forEach((edge, i) => { if (edgeShown[i] && strong && strong.edges.has(i)) paintEdge(edge, i, strong, look); });
  for (let n = N.length - 1; n >= 0; --n) if (nodeShown[n]) paintNode(n, strong, look);
  pen.globalAlpha = 1;
  paintLabels(strong, look);
}

function paintEdge(edge, i, strong, look) {
  const [ax, ay] = toScreen(N[edge.a]), [bx, by] = toScreen(N[edge.b]);
  const marked = strong && strong.edges.has(i), pointed = hover && hover.edge === i;
  pen.globalAlpha = marked || pointed ? .95 : strong ? .1 : edge.facts.length ? .7 : N[edge.a].community === N[edge.b].community ? .55 : .28;
  pen.strokeStyle = pointed || marked ? look.fire : look.dot;
  pen.lineWidth = (marked || pointed ? 2.2 : edge.facts.length ? 1.5 : .6 + edge.weight * .6);
  pen.beginPath(); pen.moveTo(ax, ay); pen.lineTo(bx, by); pen.stroke();
  if (edge.facts.some((fact) => fact.forth)) paintArrow(ax, ay, bx, by, radius(N[edge.b]));
  if (edge.facts.some((fact) => !fact.forth)) paintArrow(bx, by, ax, ay, radius(N[edge.a]));
}

function paintArrow(ax, ay, bx, by, gap) {
  const length = Math.hypot(bx - ax, by - ay);
  if (length < gap + 14) return;
  const ux = (bx - ax) / length, uy = (by - ay) / length, x = bx - ux * (gap + 2), y = by - uy * (gap + 2);
  pen.beginPath();
  pen.moveTo(x, y); pen.lineTo(x - ux * 7 + uy * 3.5, y - uy * 7 - ux * 3.5);
  pen.lineTo(x - ux * 7 - uy * 3.5, y - uy * 7 + ux * 3.5);
  pen.fillStyle = pen.strokeStyle; pen.fill();
}

const isChosen = (n) => (state.selected && state.selected.node === n) || state.from === n ||
  (state.path && (state.path.from === n || state.path.to === n));

function paintNode(n, strong, look) {
  const node = N[n], [x, y] = toScreen(node), r = radius(node);
  if (x < -30 || y < -30 || x > size.width + 30 || y > size.height + 30) return;
  pen.beginPath(); pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.globalAlpha = 1; pen.fillStyle = look.card; pen.fill();  // no link is seen through a faint circle
  pen.globalAlpha = !strong || strong.nodes.has(n) ? 1 : .22;
  pen.fillStyle = colour(node); pen.fill();
  pen.lineWidth = 1.5; pen.strokeStyle = look.card; pen.stroke();
  if (isChosen(n) || n === D.seed || (hover && hover.node === n)) {
    pen.beginPath(); pen.arc(x, y, r + 3, 0, 2 * Math.PI);
    pen.lineWidth = 2.5; pen.strokeStyle = isChosen(n) ? look.fire : look.ink; pen.stroke();
  }
}

// Names where there is room, the most important first; a name never lies over another or a chosen circle.
function paintLabels(strong, look) {
  const taken = [], hits = (a, b) => a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
  const order = N.map((_, n) => n).filter((n) => nodeShown[n] && (!strong || strong.nodes.has(n)));
  const weight = (n) => (isChosen(n) || (hover && hover.node === n) ? 1000 : 0) + N[n].r - n / 1000;
  order.sort((a, b) => weight(b) - weight(a));
  pen.lineJoin = 'round'; pen.textBaseline = 'middle';
  for (const n of order) if (N[n].r > 11) { const [x, y] = toScreen(N[n]), r = radius(N[n]); taken.push([x - r, y - r, 2 * r, 2 * r]); }
  let room = 60 + size.width * size.height / 9000;
  for (const n of order) {
    if (--room < 0) break;
    const node = N[n], [x, y] = toScreen(node), r = radius(node), big = node.r > 13.5 || isChosen(n);
    if (x < 0 || y < 0 || x > size.width || y > size.height) continue;
    const font = `${big ? '600 13px' : '12px'} ${getComputedStyle(document.body).fontFamily}`;
    pen.font = font;
    const name = shortened(node.name, 30), width = pen.measureText(name).width, height = 15;
    const places = [[x + r + 4, y - 8], [x - r - 4 - width, y - 8], [x - width / 2, y + r + 2], [x - width / 2, y - r - 17]];
    const box = places.map(([left, top]) => [left, top, width, height]).find((b) =>
      b[0] > 2 && b[0] + width < size.width - 2 && !taken.some((t) => hits(b, t)));
    if (!box && !isChosen(n)) continue;
    const put = box || [Math.max(2, Math.min(x + r + 4, size.width - width - 2)), y - 8, width, height];
    taken.push(put);
    pen.lineWidth = 3.5; pen.strokeStyle = look.card; pen.strokeText(name, put[0], put[1] + 8);
    pen.fillStyle = look.ink; pen.fillText(name, put[0], put[1] + 8);
  }
  if (!strong) return;
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  for (const e of strong.edges) paintRelation(E[e], taken, hits, look);
}

// What a link says, at its middle, as far as there is room.
function paintRelation(edge, taken, hits, look) {
  if (edge.facts.length === 0) return;
  const [ax, ay] = toScreen(N[edge.a]), [bx, by] = toScreen(N[edge.b]);
  const text = shortened(edge.facts[0].label, 28) + (edge.facts.length > 1 ? ' +' + (edge.facts.length - 1) : '');
  const width = pen.measureText(text).width, box = [(ax + bx - width) / 2, (ay + by) / 2 - 7, width, 14];
  if (taken.some((t) => hits(box, t))) return;
  taken.push(box);
  pen.lineWidth = 3.5; pen.strokeStyle = look.card; pen.strokeText(text, box[0], box[1] + 7);
  pen.fillStyle = look.fire; pen.fillText(text, box[0], box[1] + 7);
}

function zoom(factor, x = size.width / 2, y = size.height / 2) {
  const k = Math.min(Math.max(camera.k * factor, .05), 8), by = k / camera.k;
  camera.fitted = false;
  camera.x = x - (x - camera.x) * by; camera.y = y - (y - camera.y) * by; camera.k = k;
  drawPicture();
}

function fitTo(nodes) {
  if (nodes.length === 0 || size.width === 0) return;
  const xs = nodes.map((n) => N[n].x), ys = nodes.map((n) => N[n].y);
  const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
  const room = Math.min(60, size.width / 8);
  camera.k = Math.min((size.width - 2 * room) / Math.max(right - left, 80), (size.height - 2 * room) / Math.max(bottom - top, 80), 2.2);
  camera.x = size.width / 2 - (left + right) / 2 * camera.k;
  camera.y = size.height / 2 - (top + bottom) / 2 * camera.k;
  drawPicture();
}
const fitAll = () => { camera.fitted = true; fitTo(N.map((_, n) => n).filter((n) => nodeShown[n])); };

// Moves only when one of the nodes is out of sight.
function bringIntoView(nodes) {
  const outside = nodes.some((n) => { const [x, y] = toScreen(N[n]); return x < 20 || y < 20 || x > size.width - 20 || y > size.height - 20; });
  if (!outside) return;
  if (nodes.length > 1) return fitTo(nodes);
  const [x, y] = toScreen(N[nodes[0]]);
  camera.x += size.width / 2 - x; camera.y += size.height / 2 - y;
  drawPicture();
}

function resize() {
  const box = canvas.parentElement.getBoundingClientRect(), scale = devicePixelRatio || 1;
  if (box.width === size.width && box.height === size.height) return;
  const before = size;
  size = { width: box.width, height: box.height };
  canvas.width = Math.round(box.width * scale); canvas.height = Math.round(box.height * scale);
  if (camera.fitted) { fitAll(); return paint(); }
  camera.x += (size.width - before.width) / 2; camera.y += (size.height - before.height) / 2;
  paint();
}
)js";
}

}  // namespace ondol::app::graph_parts

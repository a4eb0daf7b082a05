// The two pictures, drawn at the width they have so that letters keep their size.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view script_charts() {
  return R"js(
const text = (x, y, attributes, value) => s('text', { x, y, ...attributes }, value);
const line = (x1, y1, x2, y2, attributes) => s('line', { x1, y1, x2, y2, ...attributes });

// Costs from low to high on an axis: places of the ticks and a function to pixels.
function costAxis(width, left) {
  const values = R.map((r) => r.cost_value).filter((v) => v > 0);
  const low = Math.min(...values), high = Math.max(...values);
  if (high / low > 20) {
    const a = Math.log10(low) - .25, b = Math.log10(high) + .25, ticks = [];
    for (let p = Math.ceil(a); p <= b; ++p) ticks.push(Math.pow(10, p));
    return { log: true, ticks, at: (v) => left + (Math.log10(Math.max(v, low / 2)) - a) / (b - a) * width };
  }
  const top = high * 1.15 || 1, step = niceStep(top, width > 300 ? 5 : 3), ticks = [];
  for (let v = 0; v <= top * 1.0001; v += step) ticks.push(v);
  return { log: false, ticks, at: (v) => left + v / top * width };
}

// A place for a label beside its point that covers no other label or point.
function placeLabels(dots, left, right, bottom) {
  const taken = dots.map((d) => [d.x - 7, d.y - 7, 14, 14]);
  const hits = (a, b) => a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
  for (const dot of dots) {
    const length = dot.name.length * 6.9 + 4, tries = [];
    for (const dy of [0, -15, 15, -29, 29, -43, 43, -57, 57]) {
      tries.push([dot.x + 11, dot.y + dy - 8, length, 15, 'start'], [dot.x - 11 - length, dot.y + dy - 8, length, 15, 'end']);
    }
    const fits = (b) => b[0] >= left + 2 && b[0] + b[2] <= right && b[1] + 15 <= bottom && !taken.some((t) => hits(b, t));
    const box = tries.find(fits) || tries[0];
    taken.push(box);
    dot.label = { x: box[4] === 'start' ? box[0] : box[0] + length, y: box[1] + 12, anchor: box[4] };
  }
}

function drawCosts() {
  const section = place('costs', h('h2', {}, w('charts')), h('p', { class: 'lead' }, w('chartsLead')));
  const full = Math.max(section.clientWidth - 48, 260), height = 300, left = 34, bottom = 42, top = 10;
  const low = Math.max(-.04, Math.min(...R.map((r) => r.interval[0])) - .05), high = Math.min(1, Math.max(...R.map((r) => r.interval[1])) + .03);
  const width = full - left - 8, axis = costAxis(width, left);
  const y = (v) => top + (high - v) / (high - low) * (height - top - bottom);
  const picture = s('svg', { viewBox: `0 0 ${full} ${height}`, height, role: 'img', 'aria-label': w('charts') });
  const step = niceStep(high - low, 5);
  for (let v = Math.ceil(low / step) * step; v <= high + 1e-9; v += step) {
    picture.append(line(left, y(v), full, y(v), { stroke: 'var(--line)' }),
      text(left - 8, y(v) + 4, { 'text-anchor': 'end', class: 'soft' }, score100(v)));
  }
  for (const tick of axis.ticks) {
    picture.append(line(axis.at(tick), height - bottom, axis.at(tick), height - bottom + 4, { stroke: 'var(--soft)' }),
      text(axis.at(tick), height - bottom + 18, { 'text-anchor': 'middle', class: 'soft' }, costText(tick)));
  }
  picture.append(text(left, height - 4, { class: 'soft' }, both(D.decision.cost_axis_title) + (axis.log ? ' ' + w('logAxis') : '')));
  const dots = byScore.map((i) => ({ i, name: R[i].name, x: axis.at(R[i].cost_value), y: y(R[i].score) }));
  placeLabels(dots, left, full + 8, height - bottom + 4);
  for (const dot of dots) {
    const r = R[dot.i];
    picture.append(line(dot.x, y(r.interval[0]), dot.x, y(r.interval[1]), { stroke: tone(dot.i), 'stroke-width': 2, opacity: .55 }));
  }
  for (const dot of dots) {
    const r = R[dot.i], strong = dot.i === chosen;
    picture.append(s('circle', { cx: dot.x, cy: dot.y, r: strong ? 7 : 5.5, fill: tone(dot.i), stroke: 'var(--card)', 'stroke-width': 2 },
      s('title', {}, `${r.name}: ${score100(r.score)} (${w('fromTo', score100(r.interval[0]), score100(r.interval[1]))}), ${costText(r.cost_value)}`)),
      text(dot.label.x, dot.label.y, { 'text-anchor': dot.label.anchor, class: strong ? 'strong' : null,
        style: 'paint-order:stroke;stroke:var(--card);stroke-width:4px' }, dot.name));
  }
  section.append(picture);
}

function drawForest() {
  const section = document.getElementById('forest');
  if (R.length < 2 || best < 0) return section.setAttribute('hidden', '');
  place('forest', h('h2', {}, w('forest')), h('p', { class: 'lead' }, w('forestLead', R[best].name, points(D.decision.margin))));
  const rows = byScore.filter((i) => i !== best), rowHeight = 44, top = 22, margin = D.decision.margin;
  const full = Math.max(section.clientWidth - 48, 260), height = top + rows.length * rowHeight + 30;
  const reach = [Math.min(-margin * 1.5, ...rows.map((i) => R[i].difference_interval[0])), Math.max(margin * 1.5, ...rows.map((i) => R[i].difference_interval[1]))];
  const pad = (reach[1] - reach[0]) * .04, a = reach[0] - pad, b = reach[1] + pad;
  const x = (v) => (v - a) / (b - a) * full;
  const foot = top + rows.length * rowHeight;
  const picture = s('svg', { viewBox: `0 0 ${full} ${height}`, height, role: 'img', 'aria-label': w('forest') },
    s('rect', { x: x(-margin), y: top - 4, width: full - x(-margin), height: foot - top + 4, fill: 'var(--good-wash)', opacity: .8 }),
    line(x(0), top - 4, x(0), foot, { stroke: 'var(--soft)', 'stroke-dasharray': '3 3' }),
    text(x(0) - 8, 11, { 'text-anchor': 'end', class: 'soft' }, w('worseSide')),
    x(0) + 60 < full && text(x(0) + 8, 11, { class: 'soft' }, w('betterSide')));
  const colour = { good: 'var(--good)', bad: 'var(--bad)', open: 'var(--open)' };
  rows.forEach((i, n) => {
    const r = R[i], y = top + n * rowHeight + 30, [word, kind] = standing(i), d = r.difference_interval;
    picture.append(
      text(0, y - 13, { class: i === chosen ? 'strong' : null, style: 'paint-order:stroke;stroke:var(--card);stroke-width:3px' }, r.name),
      text(full, y - 13, { 'text-anchor': 'end', style: `fill:${colour[kind]}` }, w(word)),
      line(x(d[0]), y, x(d[1]), y, { stroke: colour[kind], 'stroke-width': 2.5, 'stroke-linecap': 'round' }),
      s('circle', { cx: x(r.difference), cy: y, r: 5, fill: colour[kind], stroke: 'var(--card)', 'stroke-width': 2 },
        s('title', {}, `${r.name}: ${signed(r.difference)} (${w('fromTo', signed(d[0]), signed(d[1]))})`)));
  });
  const step = niceStep(b - a, full > 360 ? 6 : 4);
  for (let v = Math.ceil(a / step) * step; v <= b; v += step) {
    picture.append(text(Math.min(Math.max(x(v), 10), full - 10), foot + 18, { 'text-anchor': 'middle', class: 'soft' }, signed(v)));
  }
  section.append(picture);
}
)js";
}

}  // namespace ondol::eval::page

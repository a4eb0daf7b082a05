// Recommendation card, table of recipes, all measures, how to read, environment.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view script_overview() {
  return R"js(
function drawAdvice() {
  const d = D.decision, r = R[chosen], [label, kind] = WORDS[lang].status[d.status];
  const fact = (value, text) => h('div', { class: 'fact' }, h('b', { class: 'num' }, value), h('span', {}, text));
  const notes = D.warnings.map((warning) => h('div', { class: 'notice' }, h('b', {}, w('note') + ' '), both(warning)));
  place('advice',
    h('span', { class: 'chip ' + kind }, label),
    h('div', { class: 'verdict' }, both(d.headline)),
    r && h('div', { class: 'facts' },
      fact(score100(r.score), w('factScore') + ' (' + w('fromTo', score100(r.interval[0]), score100(r.interval[1])) + ')'),
      r.cost_value > 0 && fact(costText(r.cost_value), w('factCost')),
      R.length > 1 && fact(percent(r.p_best), w('factBest')),
      d.questions_more > 0 ? fact('+' + d.questions_more, w('factMore'))
        : r.cost.peak_memory_bytes > 0 && fact(bytes(r.cost.peak_memory_bytes), w('factMemory'))),
    h('ul', { class: 'reasons' }, d.reasons.map((reason) => h('li', {}, both(reason)))),
    h('div', { class: 'notice' }, h('b', {}, w('power') + ' '), both(d.power)),
    notes,
    D.next.length > 0 && h('div', { class: 'commands' }, h('h3', {}, w('next')),
      D.next.map((n) => h('div', { class: 'command' }, h('code', {}, n.command), h('span', { class: 'soft' }, both(n.what))))));
}

// A bar from 0 to 100 with the interval as a line over it.
function scoreBar(i) {
  const r = R[i], x = (v) => (1 + 98 * v).toFixed(2);
  return s('svg', { viewBox: '0 0 100 14', preserveAspectRatio: 'none', height: 14, style: 'min-width:80px', 'aria-hidden': 'true' },
    s('rect', { x: 0, y: 3, width: 100, height: 8, rx: 1, fill: 'var(--wash)' }),
    s('rect', { x: 0, y: 3, width: x(r.score), height: 8, rx: 1, fill: tone(i), opacity: .85 }),
    s('rect', { x: x(r.interval[0]), y: 6.2, width: (98 * (r.interval[1] - r.interval[0])).toFixed(2), height: 1.6, fill: 'var(--ink)' }));
}

function drawTable() {
  const cell = (label, attributes, ...children) => h('td', { 'data-label': label, ...attributes }, children);
  const head = ['recipe', 'score', null, 'versus', 'cost', 'tokens', 'memory', 'build', 'chance'];
  const row = (i) => {
    const r = R[i], [word, kind] = standing(i), c = r.cost;
    return h('tr', { class: i === chosen ? 'chosen' : null },
      h('td', {}, h('span', { class: 'name' }, r.name), ' ', i === chosen && h('span', { class: 'chip fire' }, w('recommended')),
        h('div', { class: 'soft' }, both(r.description))),
      cell(w('score'), { class: 'num' }, h('span', { class: 'score' }, score100(r.score)),
        h('div', { class: 'soft' }, w('fromTo', score100(r.interval[0]), score100(r.interval[1])))),
      h('td', { class: 'wide', style: 'width:14%' }, scoreBar(i)),
      cell(w('versus'), {}, h('span', { class: 'chip ' + kind }, w(word)),
        i !== best && h('div', { class: 'soft num' }, r.difference > -0.0005 ? w('level') : w('behind', points(-r.difference)))),
      cell(w('cost'), { class: 'num' }, seconds(c.latency_p50_s), h('div', { class: 'soft' }, 'p95 ' + seconds(c.latency_p95_s))),
      cell(w('tokens'), { class: 'num' }, Math.round(c.tokens_in) + ' / ' + Math.round(c.tokens_out)),
      cell(w('memory'), { class: 'num' }, c.peak_memory_bytes ? bytes(c.peak_memory_bytes) : '–'),
      cell(w('build'), { class: 'num' }, c.build_s ? seconds(c.build_s) : '–'),
      cell(w('chance'), { class: 'num' }, percent(r.p_best)));
  };
  place('table', h('h2', {}, w('table')), h('p', { class: 'lead' }, w('tableLead')),
    h('table', {}, h('thead', {}, h('tr', {}, head.map((key) => h('th', {}, key ? w(key) : '')))),
      h('tbody', {}, byScore.map(row))));
}

function drawMetrics() {
  if (D.metrics.length === 0) return place('metrics').setAttribute('hidden', '');
  const value = (r, m) => {
    const cell = r.metrics[m.name];
    if (!cell) return h('td', { class: 'soft' }, '–');
    return h('td', { class: 'num' }, score100(cell.mean),
      h('div', { class: 'soft' }, w('fromTo', score100(cell.interval[0]), score100(cell.interval[1])) + ' · n ' + cell.questions));
  };
  place('metrics', h('h2', {}, w('metrics')), h('p', { class: 'lead' }, w('metricsLead')),
    h('div', { class: 'scroll' }, h('table', {},
      h('thead', {}, h('tr', {}, h('th', {}, ''), byScore.map((i) => h('th', {}, R[i].name)))),
      h('tbody', {}, D.metrics.map((m) => h('tr', {},
        h('td', { style: 'min-width:190px' }, both(m.title), h('div', { class: 'soft' }, both(m.meaning))), byScore.map((i) => value(R[i], m))))))));
}

function drawReading() {
  const d = D.decision, values = [Math.round(100 * d.confidence), points(d.margin)];
  place('reading', h('h2', {}, w('reading')), h('dl', {}, WORDS[lang].readingText.map(([term, text]) =>
    [h('dt', {}, term), h('dd', {}, fill(text, values))])));
}

function drawEnvironment() {
  const d = D.decision;
  const rows = [[w('program'), D.program], [w('made'), D.created], [w('command'), h('code', {}, D.command)], [w('seed'), String(D.seed)],
    [w('repeatsLabel'), String(D.repeats)], [w('margin'), points(d.margin)], ...D.environment.map((e) => [both(e.label), e.value])];
  const pair = (p) => h('tr', {}, h('td', {}, p.a + ' − ' + p.b), h('td', { class: 'num' }, signed(p.difference)),
    h('td', { class: 'num' }, w('fromTo', signed(p.interval[0]), signed(p.interval[1]))), h('td', { class: 'num' }, p.better),
    h('td', { class: 'num' }, p.worse), h('td', {}, p.test), h('td', { class: 'num' }, pvalue(p.p)),
    h('td', { class: 'num' }, p.shown ? h('b', {}, pvalue(p.p_holm)) : pvalue(p.p_holm)));
  place('environment', h('h2', {}, w('environment')), h('dl', {}, rows.map(([label, value]) => [h('dt', {}, label), h('dd', {}, value)])),
    D.pairs.length > 0 && h('details', {}, h('summary', {}, h('h3', { style: 'display:inline-block' }, w('pairsTitle'))),
      h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, WORDS[lang].pairHead.map((x) => h('th', {}, x)))),
        h('tbody', {}, D.pairs.map(pair))))),
    R.map((r) => h('details', {}, h('summary', { class: 'soft' }, w('config', r.name)), h('pre', {}, r.config))));
  place('footer', w('footer', D.program));
}
)js";
}

}  // namespace ondol::eval::page

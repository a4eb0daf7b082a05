// Question by question, and the start of the script.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view script_questions() {
  return R"js(
const view = { filter: 'all', search: '', shown: 40 };
const mark = (answer) => answer.error ? 'failed' : answer.score >= .995 ? 'right' : answer.score > .005 ? 'part' : 'missed';

function matches(q, filter) {
  if (filter === 'wrong') return q.results[chosen] && q.results[chosen].score < .5;
  if (filter === 'differs') return new Set(q.results.map((a) => Math.round(100 * a.score))).size > 1;
  return true;
}
const found = (q) => view.search === '' ||
  [q.question, ...q.answers, ...q.results.map((a) => a.text)].some((x) => x.toLowerCase().includes(view.search.toLowerCase()));

// The text with its highlights; offsets count code points.
function highlighted(passage) {
  const points = Array.from(passage.text), parts = [];
  let at = 0;
  for (const [from, to] of [...passage.highlights].sort((a, b) => a[0] - b[0])) {
    if (from < at) continue;
    parts.push(points.slice(at, from).join(''), h('mark', {}, points.slice(from, to).join('')));
    at = to;
  }
  return [parts, points.slice(at).join('')];
}

function drawAnswer(answer, i) {
  const kind = mark(answer), colour = { right: 'good', part: 'open', missed: 'bad', failed: 'bad' }[kind];
  return h('div', { class: 'answer' + (i === chosen ? ' chosen' : '') },
    h('header', {}, h('b', {}, answer.recipe), h('span', { class: 'chip ' + colour }, w(kind) + (kind === 'part' ? ' ' + score100(answer.score) : '')),
      answer.refused && h('span', { class: 'chip' }, w('refusedMark')),
      answer.latency_s > 0 && h('span', { class: 'soft num' }, seconds(answer.latency_s))),
    answer.error ? h('div', { class: 'said soft' }, answer.error) : h('div', { class: 'said' }, answer.text || w('noAnswer')),
    answer.passages.length > 0 && h('details', {}, h('summary', {}, w('passages', answer.passages.length)),
      answer.passages.map((p) => h('div', { class: 'passage' + (p.gold ? ' gold-passage' : '') },
        h('div', { class: 'soft' }, p.document + (p.heading ? ' › ' + p.heading : '') + ' ', p.cited && h('span', { class: 'chip' }, w('cited')),
          ' ', p.gold && h('span', { class: 'chip good' }, w('goldMark'))), highlighted(p)))),
    answer.prompt && h('details', {}, h('summary', {}, w('prompt')), h('pre', {}, answer.prompt)),
    answer.other_repeats.length > 0 && h('details', {}, h('summary', {}, w('repeats', answer.other_repeats.length)),
      answer.other_repeats.map((x) => h('pre', {}, x))));
}

function drawQuestion(q) {
  const inside = h('div', { class: 'inside' });
  const open = (event) => {
    if (!event.target.open || inside.firstChild) return;
    inside.append(
      h('div', { class: 'gold' }, h('b', {}, w('expected') + ' '), q.unanswerable ? w('nothing') : q.answers.join(' / '),
        q.gold.map((g) => h('div', { class: 'soft' }, w('quote') + ': ' + g.document + (g.quote ? ' — “' + g.quote + '”' : ''))),
        h('div', { class: 'soft' }, w('judged') + ': ' + q.metric + (both(q.metric_why) ? ' (' + both(q.metric_why) + ')' : ''))),
      h('div', { class: 'answers' }, q.results.map(drawAnswer)));
  };
  return h('details', { class: 'q', ontoggle: open },
    h('summary', {}, h('span', {}, q.question), h('span', { class: 'marks' }, q.results.map((a) => {
      const kind = mark(a), sign = { right: '✓', part: '◐', missed: '✗', failed: '!' }[kind];
      return h('span', { class: 'mark ' + kind, title: w(kind) }, sign + ' ' + a.recipe);
    }))), inside);
}

function drawList() {
  const list = D.questions.filter((q) => matches(q, view.filter) && found(q));
  const rest = list.length - view.shown;
  place('list', list.slice(0, view.shown).map(drawQuestion), list.length === 0 && h('p', { class: 'soft' }, w('none')),
    rest > 0 && h('button', { type: 'button', onclick: () => { view.shown += 100; drawList(); } }, w('more', Math.min(rest, 100))));
}

function drawQuestions() {
  if (D.questions.length === 0) return document.getElementById('questions').setAttribute('hidden', '');
  const choose = (filter) => () => { view.filter = filter; view.shown = 40; drawQuestions(); };
  const button = (filter) => h('button', { type: 'button', 'aria-pressed': String(view.filter === filter), onclick: choose(filter) },
    w(filter, D.questions.filter((q) => matches(q, filter)).length, chosen >= 0 ? R[chosen].name : ''));
  const search = h('input', { type: 'search', placeholder: w('search'), 'aria-label': w('search'),
    oninput: (event) => { view.search = event.target.value; view.shown = 40; drawList(); } });
  search.value = view.search;
  place('questions', h('h2', {}, w('questions')), h('p', { class: 'lead' }, w('questionsLead')),
    h('div', { class: 'tools' }, button('all'), chosen >= 0 && button('wrong'), R.length > 1 && button('differs'), search),
    h('div', { id: 'list' }));
  drawList();
}

function drawAll() {
  document.documentElement.lang = lang;
  document.documentElement.dataset.theme = theme;
  place('title', D.title);
  place('about', w('about', D.decision.questions, D.split, R.length, D.created));
  place('language', w('other'));
  place('theme', w(theme === 'dark' ? 'light' : 'dark'));
  drawAdvice(); drawTable(); drawCosts(); drawForest(); drawQuestions(); drawMetrics(); drawReading(); drawEnvironment();
}

document.getElementById('language').onclick = () => { lang = lang === 'ko' ? 'en' : 'ko'; drawAll(); };
document.getElementById('theme').onclick = () => { theme = theme === 'dark' ? 'light' : 'dark'; document.documentElement.dataset.theme = theme; drawAll(); };
let widthBefore = innerWidth;
addEventListener('resize', () => { if (innerWidth !== widthBefore) { widthBefore = innerWidth; drawCosts(); drawForest(); } });
drawAll();
if (hash.get('open')) document.querySelectorAll('details.q').forEach((q, i) => { if (i < Number(hash.get('open'))) q.open = true; });
)js";
}

}  // namespace ondol::eval::page

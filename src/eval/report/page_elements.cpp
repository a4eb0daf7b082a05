// Helpers of the script. Texts only ever become text nodes: nothing from the data is read as HTML.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view script_helpers() {
  return R"js(
const D = JSON.parse(document.getElementById('data').textContent);
const hash = new URLSearchParams(location.hash.slice(1));  // #lang=ko&theme=dark, to link a view
let lang = hash.get('lang') || ((navigator.language || '').startsWith('ko') ? 'ko' : 'en');
if (!WORDS[lang]) lang = 'en';
let theme = hash.get('theme') || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

const fill = (text, values) => text.replace(/\{(\d)\}/g, (_, i) => values[i]);
const w = (key, ...values) => fill(WORDS[lang][key], values);
const both = (text) => (text && (text[lang] || text.en)) || '';

function make(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'onclick' || key === 'oninput' || key === 'ontoggle') node[key] = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}
const h = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) =>
  make(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
const place = (id, ...children) => {
  const node = document.getElementById(id);
  node.replaceChildren(...children.flat(3).filter((child) => child));
  return node;
};
)js";
}

std::string_view script_elements() {
  return R"js(
const score100 = (x) => String(Math.round(100 * x));
const points = (x) => {
  const value = (Math.round(1000 * Math.abs(x)) / 10).toString();
  return (x < -0.0005 ? '−' : '') + value;
};
const signed = (x) => (x > 0.0005 ? '+' : '') + points(x);
const seconds = (x) => x === 0 ? '0' : x < 0.995 ? Math.round(1000 * x) + ' ms' : x < 90 ? x.toFixed(1) + ' s' : (x / 60).toFixed(1) + ' min';
const bytes = (x) => x >= 1 << 30 ? (x / (1 << 30)).toFixed(1) + ' GiB' : Math.round(x / (1 << 20)) + ' MiB';
const pvalue = (x) => x < 0.001 ? '< 0.001' : x.toFixed(3);
const percent = (x) => x > 0.99 ? '> 99 %' : x < 0.01 ? '< 1 %' : Math.round(100 * x) + ' %';
const costText = (x) => D.decision.cost_axis === 'tokens' ? String(Math.round(x)) : seconds(x);

const R = D.recipes;
const chosen = R.findIndex((r) => r.name === D.decision.chosen);
const best = R.findIndex((r) => r.name === D.decision.best);
const byScore = R.map((_, i) => i).sort((a, b) => R[b].score - R[a].score || a - b);

// Where a recipe stands against the best: word and colour.
function standing(i) {
  const r = R[i];
  if (!r.within_caps) return ['overCap', 'bad'];
  if (i === best) return ['top', 'good'];
  if (r.shown_worse) return ['worse', 'bad'];
  return r.good_enough ? ['enough', 'good'] : ['open', 'open'];
}
const tone = (i) => i === chosen ? 'var(--fire)' : 'var(--dot)';

// A round step for an axis of about `count` steps.
function niceStep(span, count) {
  const raw = Math.max(span, 1e-12) / count, power = Math.pow(10, Math.floor(Math.log10(raw)));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= raw);
}
)js";
}

}  // namespace ondol::eval::page

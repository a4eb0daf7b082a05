#include "ground/refusal.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ground/analysis.h"

namespace ondol::ground {

double evidence_support(const Query& query, std::span<const Evidence> evidence) {
  const Analyzer analyzer({.drop_stop_words = true});
  std::vector<std::set<std::string>> pieces;
  for (const Evidence& piece : evidence) {
    std::set<std::string>& terms = pieces.emplace_back();
    for (const std::string* part : {&piece.title, &piece.heading, &piece.text}) {
      for (std::string& term : analyzer.terms(*part)) terms.insert(std::move(term));
    }
  }
  std::map<std::string, double> weights;
  double total = 0;
  for (const std::string& term : analyzer.terms(query.text)) {
    if (weights.contains(term)) continue;
    const auto with_term = static_cast<double>(std::count_if(
        pieces.begin(), pieces.end(), [&](const auto& terms) { return terms.contains(term); }));
    const auto n = static_cast<double>(pieces.size());
    weights[term] = std::log(1.0 + (n - with_term + 0.5) / (with_term + 0.5));
    total += weights[term];
  }
  double best = 0;
  for (const std::set<std::string>& terms : pieces) {
    double held = 0;
    for (const auto& [term, weight] : weights) {
      if (terms.contains(term)) held += weight;
    }
    best = std::max(best, total > 0 ? held / total : 0.0);
  }
  return best;
}

SupportThreshold fit_support_threshold(std::span<const SupportExample> examples) {
  const auto answerable = static_cast<double>(
      std::count_if(examples.begin(), examples.end(), [](const auto& e) { return e.answerable; }));
  const double unanswerable = static_cast<double>(examples.size()) - answerable;
  SupportThreshold best;
  if (answerable == 0 || unanswerable == 0) return best;
  std::set<double> cuts;  // halfway between neighbours: no example stands on a threshold
  std::set<double> values;
  for (const SupportExample& example : examples) values.insert(example.support);
  for (auto it = values.begin(); std::next(it) != values.end(); ++it) {
    cuts.insert((*it + *std::next(it)) / 2);
  }
  for (const double cut : cuts) {
    double kept = 0;
    double refused = 0;
    for (const SupportExample& example : examples) {
      if (example.answerable) kept += example.support >= cut;
      if (!example.answerable) refused += example.support < cut;
    }
    const double accuracy = (kept / answerable + refused / unanswerable) / 2;
    if (accuracy > best.balanced_accuracy) best = {cut, accuracy};
  }
  return best;
}

}  // namespace ondol::ground

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

}  // namespace ondol::ground

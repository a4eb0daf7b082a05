// diversity: maximal marginal relevance (Carbonell and Goldstein 1998), so that five passages do
// not say one thing five times. Passages are taken one by one, each with the greatest
// (1 - diversity) * relevance - diversity * (likeness to what is taken already). Relevance is the
// search's own score brought to 0 .. 1, likeness the cosine of the passages' term counts: no model
// is needed, in any language.
#include <algorithm>
#include <cmath>
#include <map>

#include "ground/analysis.h"
#include "ground/retrievers/decorators.h"

namespace ondol::ground {
namespace {

using Terms = std::map<std::string, double>;

Terms terms_of(const Analyzer& analyzer, const std::string& text) {
  Terms terms;
  for (std::string& term : analyzer.terms(text)) terms[std::move(term)] += 1;
  double square = 0;
  for (const auto& [term, count] : terms) square += count * count;
  for (auto& [term, count] : terms) count /= std::sqrt(square);
  return terms;
}

double likeness(const Terms& a, const Terms& b) {
  double dot = 0;
  for (const auto& [term, weight] : a) {
    const auto found = b.find(term);
    if (found != b.end()) dot += weight * found->second;
  }
  return dot;
}

class DiverseDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const size_t depth = std::max(k, static_cast<size_t>(config_.rerank_candidates));
    auto found = base().retrieve_all(queries, depth);
    for (std::vector<Evidence>& list : found) list = choose(std::move(list), k);
    return found;
  }

 private:
  std::vector<Evidence> choose(std::vector<Evidence> list, size_t k) const;
};

std::vector<Evidence> DiverseDecorator::choose(std::vector<Evidence> list, size_t k) const {
  if (list.empty() || k == 0) return {};
  const Analyzer analyzer({.drop_stop_words = true});
  std::vector<Terms> terms;
  for (const Evidence& piece : list) terms.push_back(terms_of(analyzer, piece.text));
  const double high = list.front().score, range = high - list.back().score;
  std::vector<double> nearest(list.size(), 0.0);  // to what is taken
  std::vector<bool> taken(list.size(), false);
  std::vector<Evidence> out;
  while (out.size() < std::min(k, list.size())) {
    size_t best = list.size();
    double best_gain = 0;
    for (size_t i = 0; i < list.size(); ++i) {
      if (taken[i]) continue;
      const double relevance = range > 0 ? 1 - (high - list[i].score) / range : 1;
      const double gain = (1 - config_.diversity) * relevance - config_.diversity * nearest[i];
      if (best == list.size() || gain > best_gain) best = i, best_gain = gain;
    }
    taken[best] = true;
    for (size_t i = 0; i < list.size(); ++i) {
      nearest[i] = std::max(nearest[i], likeness(terms[best], terms[i]));
    }
    out.push_back(std::move(list[best]));
    // Never above what was taken before: gains fall, as likeness only grows.
    out.back().score = best_gain;
  }
  return out;
}

}  // namespace

std::unique_ptr<Retriever> make_diverse(std::unique_ptr<Retriever> base,
                                        const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<DiverseDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground

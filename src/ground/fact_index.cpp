#include "ground/fact_index.h"

#include <algorithm>
#include <map>

#include "ground/analysis.h"
#include "ground/bm25.h"

namespace ondol::ground {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

}  // namespace

std::string fact_text(const EntityGraph& graph, int32_t number) {
  const GraphFact& fact = graph.facts()[static_cast<size_t>(number)];
  return graph.entities()[static_cast<size_t>(fact.subject)].label + " " + fact.label + " " +
         graph.entities()[static_cast<size_t>(fact.object)].label;
}

FactIndex::FactIndex(const EntityGraph& graph)
    : facts_(static_cast<int64_t>(graph.facts().size())) {
  const Analyzer analyzer;
  int64_t terms_all = 0;
  for (size_t f = 0; f < graph.facts().size(); ++f) {
    const std::vector<std::string> terms =
        analyzer.terms(fact_text(graph, static_cast<int32_t>(f)));
    std::map<std::string, int32_t> counts;
    for (const std::string& term : terms) ++counts[term];
    for (const auto& [term, count] : counts) {
      postings_[term].push_back(
          {static_cast<int64_t>(f), count, static_cast<int32_t>(terms.size())});
    }
    terms_all += static_cast<int64_t>(terms.size());
  }
  if (facts_ > 0 && terms_all > 0) {
    average_length_ = static_cast<double>(terms_all) / static_cast<double>(facts_);
  }
}

std::vector<ScoredFact> FactIndex::search(std::span<const std::string> terms, size_t k) const {
  std::map<std::string, int> counts;
  for (const std::string& term : terms) ++counts[term];
  std::unordered_map<int32_t, double> scores;
  for (const auto& [term, repeats] : counts) {
    const auto found = postings_.find(term);
    if (found == postings_.end()) continue;
    const double idf = repeats * bm25_idf(facts_, static_cast<int64_t>(found->second.size()));
    for (const store::Posting& posting : found->second) {
      scores[static_cast<int32_t>(posting.chunk)] +=
          bm25_term(idf, posting, average_length_, kK1, kB);
    }
  }
  std::vector<ScoredFact> all;
  for (const auto& [fact, score] : scores) all.push_back({fact, score});
  const size_t kept = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    [](const ScoredFact& a, const ScoredFact& b) {
                      return a.score != b.score ? a.score > b.score : a.fact < b.fact;
                    });
  all.resize(kept);
  return all;
}

}  // namespace ondol::ground

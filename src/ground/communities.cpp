#include "ground/communities.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ground/analysis.h"
#include "ground/graph/pagerank.h"
#include "ground/sentences.h"

namespace ondol::ground {
namespace {

// Passages read for a digest; a community that spans more is told by these.
constexpr size_t kPassagesRead = 30;

graph::CsrGraph entity_graph(const EntityGraph& graph) {
  std::vector<graph::Edge> edges;
  const auto hub = [&](int32_t e) { return graph.entities()[static_cast<size_t>(e)].hub; };
  for (const GraphFact& fact : graph.facts()) {
    if (hub(fact.subject) || hub(fact.object)) continue;
    edges.push_back(
        {fact.subject, fact.object, static_cast<double>(std::max<size_t>(fact.proof.size(), 1))});
  }
  for (const CoOccurrence& tie : graph.co_occurrences()) {
    if (hub(tie.first) || hub(tie.second)) continue;
    edges.push_back({tie.first, tie.second, tie.weight});
  }
  return graph::undirected(static_cast<int64_t>(graph.entities().size()), edges);
}

struct Candidate {
  DigestSentence sentence;
  std::map<std::string, double> terms;
  double score = 0;
};

std::vector<Candidate> sentences_of(const std::vector<int32_t>& passages,
                                    const std::function<std::string(int32_t)>& text_of) {
  const Analyzer analyzer({.drop_stop_words = true});
  std::vector<Candidate> all;
  for (const int32_t passage : passages) {
    const std::string body = text_of(passage);
    for (const PlacedSentence& placed : placed_sentences(body)) {
      Candidate candidate;
      candidate.sentence = {passage, placed.char_from, placed.char_to, std::string(placed.text)};
      for (const std::string& term : analyzer.terms(candidate.sentence.text)) {
        candidate.terms[term] += 1;
      }
      all.push_back(std::move(candidate));
    }
  }
  return all;
}

double length(const std::map<std::string, double>& terms) {
  double sum = 0;
  for (const auto& [term, count] : terms) sum += count * count;
  return std::sqrt(sum);
}

// Cosine to the mean of all sentences.
void score_by_centroid(std::vector<Candidate>& all) {
  std::map<std::string, double> centroid;
  for (const Candidate& candidate : all) {
    const double size = length(candidate.terms);
    for (const auto& [term, count] : candidate.terms) centroid[term] += count / size;
  }
  const double centroid_size = length(centroid);
  for (Candidate& candidate : all) {
    const double size = length(candidate.terms) * centroid_size;
    for (const auto& [term, count] : candidate.terms) {
      if (size > 0) candidate.score += count * centroid[term] / size;
    }
  }
}

// The passages that name the most of these entities.
std::vector<int32_t> passages_about(const EntityGraph& graph, std::span<const int32_t> members,
                                    size_t passages_max) {
  std::map<int32_t, int64_t> counts;
  for (const int32_t e : members) {
    const GraphEntity& entity = graph.entities()[static_cast<size_t>(e)];
    std::set<int32_t> seen;
    for (const GraphPlace& place : entity.mentions) seen.insert(place.passage);
    for (const int32_t passage : seen) ++counts[passage];
  }
  std::vector<std::pair<int32_t, int64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<int32_t> passages;
  for (const auto& [passage, count] : order) {
    if (passages.size() < passages_max) passages.push_back(passage);
  }
  return passages;
}

}  // namespace

Communities find_communities(const EntityGraph& graph, const CommunityOptions& options) {
  const graph::CsrGraph ties = entity_graph(graph);
  Communities found;
  graph::HierarchyOptions hierarchy;
  hierarchy.size_max = options.size_max;
  hierarchy.leiden.seed = options.seed;
  found.tree = graph::hierarchical_leiden(ties, hierarchy);
  if (found.tree.size() > 0) found.modularity = graph::modularity(ties, found.tree.at_level(0));
  found.page_rank = graph::pagerank(ties);
  return found;
}

std::vector<int32_t> central_entities(const Communities& communities, int32_t community) {
  const auto members = communities.tree.members(community);
  std::vector<int32_t> order(members.begin(), members.end());
  const auto rank = [&](int32_t e) { return communities.page_rank[static_cast<size_t>(e)]; };
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; });
  return order;
}

std::vector<int32_t> inner_facts(const EntityGraph& graph, std::span<const int32_t> entities) {
  const std::set<int32_t> inside(entities.begin(), entities.end());
  std::vector<int32_t> facts;
  for (size_t f = 0; f < graph.facts().size(); ++f) {
    const GraphFact& fact = graph.facts()[f];
    if (inside.contains(fact.subject) && inside.contains(fact.object)) {
      facts.push_back(static_cast<int32_t>(f));
    }
  }
  std::stable_sort(facts.begin(), facts.end(), [&](int32_t a, int32_t b) {
    return graph.facts()[static_cast<size_t>(a)].proof.size() >
           graph.facts()[static_cast<size_t>(b)].proof.size();
  });
  return facts;
}

std::vector<DigestSentence> central_sentences(
    const EntityGraph& graph, std::span<const int32_t> entities,
    const std::function<std::string(int32_t passage)>& text_of, size_t passages_max) {
  std::vector<Candidate> all = sentences_of(passages_about(graph, entities, passages_max), text_of);
  score_by_centroid(all);
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  std::vector<DigestSentence> sentences;
  for (Candidate& candidate : all) sentences.push_back(std::move(candidate.sentence));
  return sentences;
}

Digest digest(const Communities& communities, const EntityGraph& graph, int32_t community,
              const std::function<std::string(int32_t passage)>& text_of,
              const DigestOptions& options) {
  Digest out;
  out.entities = central_entities(communities, community);
  out.facts = inner_facts(graph, out.entities);
  std::set<int32_t> told;
  for (DigestSentence& sentence :
       central_sentences(graph, communities.tree.members(community), text_of, kPassagesRead)) {
    if (out.sentences.size() >= options.sentences) break;
    if (!told.insert(sentence.passage).second) continue;
    out.sentences.push_back(std::move(sentence));
  }
  out.entities.resize(std::min(out.entities.size(), options.entities));
  return out;
}

}  // namespace ondol::ground

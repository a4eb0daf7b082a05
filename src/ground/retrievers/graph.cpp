// Searches that follow relations: personalised PageRank over entities and passages from what the
// question names (HippoRAG 2, Gutierrez et al. 2025; LinearRAG, 2025), passages ranked by the share
// of the walk that they hold.
//
//   graph-local   seeds are the entities named and the ends of the facts that share the question's
//                 words; passages only where neither is found
//   hybrid-graph  the same, and the passages that words and meaning find, in one restart vector:
//                 fusing ranks afterwards would count that evidence twice
#include <algorithm>
#include <map>
#include <mutex>

#include "ground/entity_graph.h"
#include "ground/fact_index.h"
#include "ground/graph/pagerank.h"
#include "ground/retrievers/graph_budget.h"
#include "ground/retrievers/retrievers.h"
#include "ground/validity.h"

namespace ondol::ground {
namespace {

constexpr double kEpsilon = 1e-6;  // of the push: far below the scores of the first hundred

constexpr size_t kFactsRescored = 10;  // times the facts wanted

class GraphRetriever final : public Retriever {
 public:
  GraphRetriever(std::string_view kind, const RetrieverConfig& config, Corpus& corpus)
      : kind_(kind), config_(config), corpus_(corpus) {}
  std::string_view kind() const override { return kind_; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const bool hybrid = kind_ == "hybrid-graph";
    const size_t depth = std::max(k, static_cast<size_t>(config_.candidates));
    std::vector<std::vector<ScoredChunk>> by_meaning(queries.size());
    if (hybrid && corpus_.has_embedder()) by_meaning = corpus_.search_vectors(queries, depth);
    std::vector<std::vector<Evidence>> results;
    for (size_t i = 0; i < queries.size(); ++i) {
      const auto best = search(queries[i], by_meaning[i], k, depth);
      results.push_back(config_.budget_tokens > 0 ? within_budget(queries[i], best, k)
                                                  : corpus_.resolve(queries[i], best, kind()));
    }
    return results;
  }

 private:
  std::vector<ScoredChunk> search(const Query& query, const std::vector<ScoredChunk>& by_meaning,
                                  size_t k, size_t depth);
  std::vector<Evidence> within_budget(const Query& query, std::vector<ScoredChunk> passages,
                                      size_t k);
  std::vector<ScoredFact> fact_seeds(const Query& query, const EntityGraph& graph);
  std::map<int32_t, double> entity_seeds(const Query& query, const EntityGraph& graph);
  std::vector<ScoredChunk> passage_seeds(const Query& query,
                                         const std::vector<ScoredChunk>& by_meaning, size_t depth);

  std::string_view kind_;
  RetrieverConfig config_;
  Corpus& corpus_;
  std::mutex mutex_;  // of the workspace
  graph::PushWorkspace workspace_;
};

// The facts that are most about the question: best by their words, and where there is an embedder
// the nearest of a longer list (HippoRAG 2 takes the nearest of all).
std::vector<ScoredFact> GraphRetriever::fact_seeds(const Query& query, const EntityGraph& graph) {
  if (graph.facts().empty() || config_.facts == 0) return {};
  const auto wanted = static_cast<size_t>(config_.facts);
  const bool by_meaning = kind_ == "hybrid-graph" && corpus_.embeds(query.text);
  const bool longer = by_meaning || !config_.as_of.empty();  // some of it will be left out
  std::vector<ScoredFact> facts =
      corpus_.facts(query)->search(corpus_.terms(query), longer ? kFactsRescored * wanted : wanted);
  std::erase_if(facts, [&](const ScoredFact& found) {
    // The index may be of a graph that another program changed in between.
    if (static_cast<size_t>(found.fact) >= graph.facts().size()) return true;
    const GraphFact& fact = graph.facts()[static_cast<size_t>(found.fact)];
    return !config_.as_of.empty() && !holds_at(fact.valid_from, fact.valid_to, config_.as_of);
  });
  if (by_meaning && !facts.empty()) {
    std::vector<std::string> texts;
    for (const ScoredFact& found : facts) texts.push_back(fact_text(graph, found.fact));
    const std::vector<double> near = corpus_.cosines(query.text, texts);
    for (size_t i = 0; i < near.size(); ++i) facts[i].score = std::max(near[i], 0.0);
    std::stable_sort(facts.begin(), facts.end(),
                     [](const ScoredFact& a, const ScoredFact& b) { return a.score > b.score; });
  }
  facts.resize(std::min(wanted, facts.size()));
  return facts;
}

// An entity of many passages says little about any of them: weights are divided by their number.
std::map<int32_t, double> GraphRetriever::entity_seeds(const Query& query,
                                                       const EntityGraph& graph) {
  std::map<int32_t, double> seeds;
  const auto add = [&](int32_t e, double weight) {
    const GraphEntity& entity = graph.entities()[static_cast<size_t>(e)];
    if (entity.hub || weight <= 0) return;
    double& seed = seeds[e];
    seed = std::max(seed, weight / static_cast<double>(std::max<int64_t>(entity.passages, 1)));
  };
  for (const int32_t entity : graph.spot(query.text)) add(entity, 1.0);
  const std::vector<ScoredFact> facts = fact_seeds(query, graph);
  for (const ScoredFact& found : facts) {
    const GraphFact& fact = graph.facts()[static_cast<size_t>(found.fact)];
    const double weight = found.score / std::max(facts.front().score, 1e-9);
    add(fact.subject, weight);
    add(fact.object, weight);
  }
  return seeds;
}

std::vector<ScoredChunk> GraphRetriever::passage_seeds(const Query& query,
                                                       const std::vector<ScoredChunk>& by_meaning,
                                                       size_t depth) {
  const auto words = corpus_.search_bm25(query, depth, config_.bm25_k1, config_.bm25_b);
  const double meaning = by_meaning.empty() ? 0.0 : config_.meaning_weight;
  return fuse_convex(words, by_meaning, meaning, words.size() + by_meaning.size());
}

std::vector<ScoredChunk> GraphRetriever::search(const Query& query,
                                                const std::vector<ScoredChunk>& by_meaning,
                                                size_t k, size_t depth) {
  const auto graph = corpus_.graph(query);
  std::vector<graph::NodeWeight> restart;
  std::map<store::ChunkId, double> outside;  // passages that name nothing: no node, only a score
  const auto seeds = entity_seeds(query, *graph);
  for (const auto& [entity, weight] : seeds) restart.push_back({entity, weight});
  if (kind_ == "hybrid-graph" || seeds.empty()) {
    for (const auto& [chunk, weight] : passage_seeds(query, by_meaning, depth)) {
      if (weight <= 0) continue;
      const int32_t passage = graph->passage_of(chunk);
      const double seed = weight * config_.passage_weight;
      if (passage < 0)
        outside[chunk] = seed;
      else
        restart.push_back({graph->passage_node(passage), seed});
    }
  }
  double total = 0;
  for (const auto& seed : restart) total += seed.weight;
  for (const auto& [chunk, seed] : outside) total += seed;
  if (total <= 0) return {};
  std::vector<ScoredChunk> all;
  for (const auto& [chunk, seed] : outside)
    all.push_back({chunk, (1 - config_.alpha) * seed / total});
  if (all.size() < outside.size() + restart.size()) {
    double inside = 0;
    for (const auto& seed : restart) inside += seed.weight;
    const std::lock_guard guard(mutex_);
    const auto entities = static_cast<int32_t>(graph->entities().size());
    for (const graph::NodeWeight& node : graph::personalised_pagerank_push(
             graph->walk(), restart, {.alpha = config_.alpha, .epsilon = kEpsilon}, workspace_)) {
      if (node.node < entities) continue;
      all.push_back({graph->passages()[static_cast<size_t>(node.node - entities)],
                     node.weight * inside / total});
    }
  }
  std::sort(all.begin(), all.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  all.resize(std::min(k, all.size()));
  return all;
}

// With reports and facts of what the question names, by the weight that it has in the walk.
std::vector<Evidence> GraphRetriever::within_budget(const Query& query,
                                                    std::vector<ScoredChunk> passages, size_t k) {
  const auto graph = corpus_.graph(query);
  const auto seeds = entity_seeds(query, *graph);
  GraphFindings found{.graph = graph, .passages = std::move(passages)};
  for (const auto& [entity, weight] : seeds) found.entities.push_back(entity);
  std::stable_sort(found.entities.begin(), found.entities.end(),
                   [&](int32_t a, int32_t b) { return seeds.at(a) > seeds.at(b); });
  for (const ScoredFact& fact : fact_seeds(query, *graph)) found.facts.push_back(fact.fact);
  return spend_budget(corpus_, query, config_, found, k, kind());
}

}  // namespace

std::unique_ptr<Retriever> make_graph_local_retriever(const RetrieverConfig& config,
                                                      Corpus& corpus) {
  return std::make_unique<GraphRetriever>("graph-local", config, corpus);
}

std::unique_ptr<Retriever> make_hybrid_graph_retriever(const RetrieverConfig& config,
                                                       Corpus& corpus) {
  return std::make_unique<GraphRetriever>("hybrid-graph", config, corpus);
}

}  // namespace ondol::ground

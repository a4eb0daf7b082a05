// For questions about a whole: passages of as many different subjects as the question touches,
// instead of several about the nearest one. Subjects are the communities of the entity graph.
//
// Candidates are found by words (and by meaning, where there is an embedder). Communities are
// ranked by what their candidates score in all; then the best passage of each comes, then the
// second of each. The level is the coarsest on which the question touches as many communities as
// passages are wanted (a descent as in MS graphrag's dynamic community selection, without a model).
#include <algorithm>
#include <map>

#include "ground/communities.h"
#include "ground/entity_graph.h"
#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

struct Subject {
  double score = 0;
  std::vector<ScoredChunk> passages;  // best first
};

class GraphGlobalRetriever final : public Retriever {
 public:
  GraphGlobalRetriever(const RetrieverConfig& config, Corpus& corpus)
      : config_(config), corpus_(corpus) {}
  std::string_view kind() const override { return "graph-global"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const size_t depth = std::max(k, static_cast<size_t>(config_.candidates));
    std::vector<std::vector<ScoredChunk>> by_meaning(queries.size());
    if (corpus_.has_embedder()) by_meaning = corpus_.search_vectors(queries, depth);
    std::vector<std::vector<Evidence>> results;
    for (size_t i = 0; i < queries.size(); ++i) {
      const auto words = corpus_.search_bm25(queries[i], depth, config_.bm25_k1, config_.bm25_b);
      const auto found = by_meaning[i].empty()
                             ? words
                             : fuse_convex(words, by_meaning[i], config_.vector_weight, depth);
      results.push_back(corpus_.resolve(queries[i], spread(queries[i], found, k), kind()));
    }
    return results;
  }

 private:
  std::vector<ScoredChunk> spread(const Query& query, const std::vector<ScoredChunk>& found,
                                  size_t k);

  RetrieverConfig config_;
  Corpus& corpus_;
};

// The community most of a passage's entities are in; -1 - passage: none, a subject of its own.
std::vector<int32_t> subjects_of(const EntityGraph& graph, const std::vector<int32_t>& community) {
  std::vector<std::map<int32_t, int64_t>> counts(graph.passages().size());
  for (size_t e = 0; e < graph.entities().size(); ++e) {
    if (graph.entities()[e].hub) continue;
    for (const GraphPlace& place : graph.entities()[e].mentions) {
      ++counts[static_cast<size_t>(place.passage)][community[e]];
    }
  }
  std::vector<int32_t> subject(counts.size());
  for (size_t p = 0; p < counts.size(); ++p) {
    const auto most =
        std::max_element(counts[p].begin(), counts[p].end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    subject[p] = most == counts[p].end() ? -1 - static_cast<int32_t>(p) : most->first;
  }
  return subject;
}

std::map<int32_t, Subject> group(const EntityGraph& graph, const std::vector<int32_t>& subject,
                                 const std::vector<ScoredChunk>& found) {
  std::map<int32_t, Subject> groups;
  // Passages that name nothing at all have no place in the graph; each is a subject of its own.
  auto alone = static_cast<int32_t>(-1 - static_cast<int64_t>(graph.passages().size()));
  for (const ScoredChunk& chunk : found) {
    const int32_t passage = graph.passage_of(chunk.id);
    Subject& its = groups[passage < 0 ? alone-- : subject[static_cast<size_t>(passage)]];
    its.score += chunk.score;
    its.passages.push_back(chunk);
  }
  return groups;
}

std::vector<ScoredChunk> GraphGlobalRetriever::spread(const Query& query,
                                                      const std::vector<ScoredChunk>& found,
                                                      size_t k) {
  if (found.empty() || k == 0) return {};
  const auto graph = corpus_.graph(query);
  const auto communities = corpus_.communities(query);
  std::map<int32_t, Subject> groups;
  for (int32_t level = 0; level < std::max(communities->tree.levels(), 1); ++level) {
    groups = group(*graph, subjects_of(*graph, communities->tree.at_level(level)), found);
    if (groups.size() >= k) break;
  }
  std::vector<const Subject*> order;
  for (const auto& [id, subject] : groups) order.push_back(&subject);
  // The subject of the single best passage leads: a question about one thing stays about it.
  std::stable_sort(order.begin(), order.end(), [](const Subject* a, const Subject* b) {
    return a->passages[0].score != b->passages[0].score
               ? a->passages[0].score > b->passages[0].score
               : a->passages[0].id < b->passages[0].id;
  });
  std::stable_sort(order.begin() + 1, order.end(),
                   [](const Subject* a, const Subject* b) { return a->score > b->score; });
  std::vector<ScoredChunk> out;
  for (size_t round = 0; out.size() < k; ++round) {
    bool any = false;
    for (const Subject* subject : order) {
      if (round >= subject->passages.size() || out.size() >= k) continue;
      any = true;
      // Scores say the order: 1 for the first, then down to 0.
      out.push_back({subject->passages[round].id, 0});
    }
    if (!any) break;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].score = 1.0 - static_cast<double>(i) / static_cast<double>(out.size());
  }
  return out;
}

}  // namespace

std::unique_ptr<Retriever> make_graph_global_retriever(const RetrieverConfig& config,
                                                       Corpus& corpus) {
  return std::make_unique<GraphGlobalRetriever>(config, corpus);
}

}  // namespace ondol::ground

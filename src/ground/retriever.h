// Retrievers: a question to the chunks that may answer it. A new one is one file in retrievers/ and
// one row in registry.cpp; the contract test runs over the table.
//
//   Corpus corpus(*store, shelf, embedder);              // embedder may be null
//   std::unique_ptr<Retriever> r = make_retriever({.kind = "hybrid"}, corpus);
//   std::vector<Evidence> found = r->retrieve(query, 5);
//
// Results: at most k, best first, no chunk twice; equal scores by chunk id. query.principal and
// query.filter bound what exists for the search, counts included. An empty index gives no result.
// Corpus and Retriever are thread-safe; a Corpus outlives its retrievers and sees writes of other
// processes at the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/cached_generator.h"
#include "infer/embedder.h"
#include "infer/reranker.h"
#include "infer/slots.h"
#include "store/knowledge_graph.h"
#include "store/store.h"

namespace ondol::ground {

struct Communities;
class FactIndex;
class EntityGraph;

struct ScoredChunk {
  store::ChunkId id = 0;
  double score = 0;
  bool operator==(const ScoredChunk&) const = default;
};

// What there is to search; whoever fills it keeps it alive.
struct CorpusSources {
  store::Store* store = nullptr;  // null: no documents are ingested
  store::CollectionId collection = 0;
  Embedder* embedder = nullptr;
  store::KnowledgeGraph* knowledge = nullptr;  // an external knowledge graph; null: none
  std::set<std::string> functional;         // relations of which a later fact ends the one before
  std::function<CachedGenerator&()> model;  // that searches may ask, made when first wanted
  std::function<CachedGenerator&()> judge;  // of what is relevant; empty: the same
  std::function<Reranker&(const std::string&)> reranker;  // by the name of its model
};

// One collection opened for searching, with what searches share: postings and vectors in memory
// for the last scopes asked for, thrown away when the collection's generation moves on. Searching
// documents where there is no store throws Error(kNotFound).
class Corpus {
 public:
  explicit Corpus(const CorpusSources& sources);
  Corpus(store::Store& store, store::CollectionId collection, Embedder* embedder);
  ~Corpus();
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;

  bool has_embedder() const;
  Embedder* embedder() const { return embedder_; }  // null: none
  // False for a text in letters that the embedder's languages do not use: it would be compared by
  // noise.
  bool embeds(std::string_view text) const;
  store::KnowledgeGraph* knowledge() const;
  bool has_model() const;
  // The model that searches ask. Throws Error(kInvalidArgument) where there is none.
  CachedGenerator& model() const;
  CachedGenerator& judge() const;  // the one that says what is relevant; else model()
  // Throws Error(kInvalidArgument) where nobody loads rerankers, and what loading throws.
  Reranker& reranker(const std::string& name) const;
  // The same passages and caches, with another embedder whose vectors are of the same space (it has
  // the same id): for searches that move a question before it is compared.
  Corpus with_embedder(Embedder& embedder) const;
  // Chunks the query may see.
  int64_t size(const Query& query);
  std::vector<ScoredChunk> search_bm25(const Query& query, size_t k, double k1, double b);
  // One result a query, embedded in batches. Empty for a query written in a script that the
  // embedder's languages do not use. Throws Error(kInvalidArgument) without an embedder.
  std::vector<std::vector<ScoredChunk>> search_vectors(std::span<const Query> queries, size_t k);
  // What the query's scope sees of the property graph. Throws Error(kNotFound) where there are
  // passages and no graph was ever built of them.
  std::shared_ptr<const EntityGraph> graph(const Query& query);
  std::shared_ptr<const FactIndex> facts(const Query& query);
  std::shared_ptr<const Communities> communities(const Query& query);
  // How near each text is to the question by meaning. Only where embeds(question).
  std::vector<double> cosines(const std::string& question, std::span<const std::string> texts);
  // The terms of the question, without function words.
  std::vector<std::string> terms(const Query& query) const;
  std::vector<Evidence> resolve(const Query& query, std::span<const ScoredChunk> chunks,
                                std::string_view provider);
  // Every chunk of a document that the query may see, by ordinal; score 0, no provider.
  std::vector<Evidence> document(const Query& query, const std::string& uri);
  // Whether a graph was built of the documents that the query may see.
  bool has_graph(const Query& query);

 private:
  struct State;
  Corpus(std::shared_ptr<State> state, Embedder* embedder);
  std::shared_ptr<State> state_;
  Embedder* embedder_ = nullptr;
};

// The fields of a recipe's `knowledge` entry that this room owns.
struct RetrieverConfig {
  std::string kind = "hybrid";
  double bm25_k1 = 1.2;  // Robertson and Zaragoza 2009; Lucene's defaults
  double bm25_b = 0.75;
  std::string fusion = "rrf";  // "rrf" or "convex" (min-max normalised scores, Bruch et al. 2023)
  double rrf_constant = 60;    // Cormack, Clarke and Buettcher 2009
  double vector_weight = 0.5;  // of convex fusion
  int64_t candidates = 100;    // taken from each half before fusion, at least k
  // Searches of the graph (retrievers/graph.cpp).
  double alpha = 0.5;            // probability of following an edge
  int64_t facts = 5;             // that seed the walk, best by BM25
  std::string as_of;             // a date: facts that do not hold then count for nothing
  double passage_weight = 0.05;  // of passages among the seeds, to that of entities
  // hybrid-graph: of passages found by meaning, to those found by words. High, because the words
  // of the question also seed the walk as names and facts.
  double meaning_weight = 0.85;
  // graph-local, hybrid-graph: tokens, by estimate, that reports, passages and facts share; 0:
  // passages alone. What neither reports nor passages take is for facts.
  int64_t budget_tokens = 0;
  double report_share = 0.15;  // the shares of MS graphrag 3.1
  double passage_share = 0.5;
  // graph-reports (retrievers/graph_reports.cpp)
  int64_t relevance_tests = 100;  // reports compared with a question, at most
  int64_t level_max = 2;          // how deep the search goes down; 0: the coarsest level alone
  std::string rating = "words";   // how they are compared: "words" (and meaning) or "model"
  bool lazy = false;              // what is found and has no report gets one made now
  // What stands around a retriever of any kind (retrievers/decorators.h).
  std::string query = "plain";     // "rewrite", "multi-query", "hyde", "follow-up"
  int64_t variants = 3;            // of multi-query, and drafts of hyde
  int64_t rounds = 2;              // of follow-up, at most
  std::string rerank;              // a cross-encoder; "model", "likelihood": the workspace's model
  int64_t rerank_candidates = 20;  // looked at by rerank and diversity, at least k
  double diversity = 0;            // of maximal marginal relevance: 1 - lambda; 0: off
  std::string expand = "none";     // "parent", "neighbours"
  int64_t expand_words = 400;      // of what a passage grows to
};

class Retriever {
 public:
  virtual ~Retriever() = default;
  virtual std::string_view kind() const = 0;
  // One result a query, in order.
  virtual std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                          size_t k) = 0;
  std::vector<Evidence> retrieve(const Query& query, size_t k);
  // What is to be told of the searches since the last call, a sentence each: where a search did
  // not do what its fields say and went on without it.
  virtual std::vector<std::string> take_notices() { return {}; }
};

enum class EmbedderUse : uint8_t { kNone, kMay, kMust };  // may: better with one

struct RetrieverInfo {
  std::string_view kind;
  std::string_view summary;  // one line for help
  EmbedderUse embedder;
  bool needs_graph;      // of the documents' own names and facts: `ondol ingest --graph`
  bool needs_knowledge;  // an external knowledge graph; such a kind searches no documents
  bool needs_model;      // that it may ask
  std::unique_ptr<Retriever> (*make)(const RetrieverConfig& config, Corpus& corpus);
};
std::span<const RetrieverInfo> retriever_registry();
// Throws Error(kInvalidArgument) for an unknown kind (the message lists the known ones), a value
// out of range, or a kind that needs an embedder or a knowledge graph where the
// corpus has none; and for fields that need a model where there is none.
std::unique_ptr<Retriever> make_retriever(const RetrieverConfig& config, Corpus& corpus);

}  // namespace ondol::ground

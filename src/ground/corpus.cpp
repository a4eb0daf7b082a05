#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "ground/analysis.h"
#include "ground/bm25.h"
#include "ground/communities.h"
#include "ground/document.h"
#include "ground/entity_graph.h"
#include "ground/entity_resolution.h"
#include "ground/fact_index.h"
#include "ground/retriever.h"
#include "store/vector_index.h"

namespace ondol::ground {
namespace {

// Views kept in memory: one a scope. A chat for a team meets a few principals, not hundreds.
constexpr size_t kViewsMax = 8;
// Texts handed to the embedder at a time.
constexpr size_t kEmbedBatch = 64;

// What one scope sees of the collection at one generation.
struct View {
  store::Scope scope;
  int64_t generation = 0;
  store::LengthStatistics lengths;
  std::unordered_map<std::string, std::vector<store::Posting>> postings;  // as terms are asked for
  std::unique_ptr<store::ExactVectorIndex> vectors;                       // when first asked for
  std::shared_ptr<const EntityGraph> graph;                               // likewise
  std::optional<bool> has_graph;                                          // likewise
  std::shared_ptr<const FactIndex> facts;
  std::shared_ptr<const Communities> communities;
};

bool better(const ScoredChunk& a, const ScoredChunk& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

void keep_best(std::vector<ScoredChunk>& all, size_t k) {
  const size_t kept = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    better);
  all.resize(kept);
}

}  // namespace

struct Corpus::State {
  CorpusSources sources;
  std::mutex mutex;
  Analyzer analyzer;                         // of questions
  std::vector<std::shared_ptr<View>> views;  // the most recently used last

  View& view(const Query& query);
  const std::vector<store::Posting>& postings(View& view, const std::string& term);
  store::ExactVectorIndex& vectors(View& view, const std::string& id, size_t dimensions);
  const std::shared_ptr<const EntityGraph>& graph(View& view);
  store::Store& store() const;
};

store::Store& Corpus::State::store() const {
  if (sources.store != nullptr) return *sources.store;
  throw Error(ErrorCode::kNotFound, "[retrieve] no documents are ingested; try `ondol ingest`");
}

View& Corpus::State::view(const Query& query) {
  const store::Scope scope{sources.collection, query.principal, query.filter};
  const int64_t generation = store().generation(sources.collection);
  const auto found = std::find_if(views.begin(), views.end(),
                                  [&](const auto& view) { return view->scope == scope; });
  if (found != views.end() && (*found)->generation == generation) {
    std::rotate(found, found + 1, views.end());
    return *views.back();
  }
  if (found != views.end()) views.erase(found);
  if (views.size() >= kViewsMax) views.erase(views.begin());
  auto fresh = std::make_shared<View>();
  fresh->scope = scope;
  fresh->generation = generation;
  fresh->lengths = store().length_statistics(scope);
  views.push_back(std::move(fresh));
  return *views.back();
}

const std::vector<store::Posting>& Corpus::State::postings(View& view, const std::string& term) {
  const auto found = view.postings.find(term);
  if (found != view.postings.end()) return found->second;
  return view.postings.emplace(term, store().postings(view.scope, term)).first->second;
}

store::ExactVectorIndex& Corpus::State::vectors(View& view, const std::string& id,
                                                size_t dimensions) {
  if (!view.vectors) {
    auto index = std::make_unique<store::ExactVectorIndex>(id, static_cast<int64_t>(dimensions));
    store().for_each_vector(
        view.scope, id,
        [&](store::ChunkId chunk, std::span<const float> vector) { index->add(chunk, vector); });
    view.vectors = std::move(index);
  }
  return *view.vectors;
}

const std::shared_ptr<const EntityGraph>& Corpus::State::graph(View& view) {
  if (!view.graph) {
    view.graph = load_graph(store(), view.scope, {.functional = sources.functional}).graph;
    if (view.graph->entities().empty() && view.lengths.chunks > 0 &&
        store().extractions(sources.collection).empty()) {
      view.graph.reset();
      throw Error(ErrorCode::kNotFound,
                  "[retrieve] this search follows a graph, and none was built; try `ondol ingest "
                  "--graph`");
    }
  }
  return view.graph;
}

// A question in letters that the embedder's languages do not use would be compared by noise.
bool Corpus::embeds(std::string_view text) const {
  return has_embedder() && embedder_reads(*embedder_, text);
}

Corpus::Corpus(const CorpusSources& sources)
    : state_(new State{sources, {}, Analyzer({.drop_stop_words = true}), {}}),
      embedder_(sources.embedder) {}
Corpus::Corpus(std::shared_ptr<State> state, Embedder* embedder)
    : state_(std::move(state)), embedder_(embedder) {}
Corpus::Corpus(store::Store& store, store::CollectionId collection, Embedder* embedder)
    : Corpus({.store = &store, .collection = collection, .embedder = embedder}) {}
Corpus::~Corpus() = default;

Corpus Corpus::with_embedder(Embedder& embedder) const { return Corpus(state_, &embedder); }

bool Corpus::has_embedder() const { return embedder_ != nullptr; }
store::KnowledgeGraph* Corpus::knowledge() const { return state_->sources.knowledge; }
bool Corpus::has_model() const { return state_->sources.model != nullptr; }
CachedGenerator& Corpus::model() const {
  if (!has_model()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[knowledge] this search asks a model; got none, expected one that the workspace "
                "names; try a kind that needs none");
  }
  return state_->sources.model();
}

CachedGenerator& Corpus::judge() const {
  return state_->sources.judge ? state_->sources.judge() : model();
}

Reranker& Corpus::reranker(const std::string& name) const {
  if (!state_->sources.reranker) {
    throw Error(ErrorCode::kInvalidArgument,
                "[knowledge] 'rerank' names the model '" + name +
                    "', and nothing here loads rerankers; try 'model' or no 'rerank'");
  }
  return state_->sources.reranker(name);
}

int64_t Corpus::size(const Query& query) {
  const std::lock_guard guard(state_->mutex);
  return state_->view(query).lengths.chunks;
}

std::vector<ScoredChunk> Corpus::search_bm25(const Query& query, size_t k, double k1, double b) {
  const std::lock_guard guard(state_->mutex);
  View& view = state_->view(query);
  if (view.lengths.chunks == 0 || k == 0) return {};
  const double average = static_cast<double>(std::max<int64_t>(view.lengths.terms, 1)) /
                         static_cast<double>(view.lengths.chunks);
  std::map<std::string, int> terms;
  for (std::string& term : state_->analyzer.terms(query.text)) ++terms[std::move(term)];
  std::unordered_map<store::ChunkId, double> scores;
  for (const auto& [term, repeats] : terms) {
    const std::vector<store::Posting>& postings = state_->postings(view, term);
    const double idf =
        repeats * bm25_idf(view.lengths.chunks, static_cast<int64_t>(postings.size()));
    for (const store::Posting& posting : postings) {
      scores[posting.chunk] += bm25_term(idf, posting, average, k1, b);
    }
  }
  std::vector<ScoredChunk> all;
  all.reserve(scores.size());
  for (const auto& [id, score] : scores) all.push_back({id, score});
  keep_best(all, k);
  return all;
}

std::vector<std::vector<ScoredChunk>> Corpus::search_vectors(std::span<const Query> queries,
                                                             size_t k) {
  if (!has_embedder()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[retrieve] vector search needs an embedder; got none; try `ondol pull "
                "all-minilm-l6-v2` and ingest again, or the kind 'bm25'");
  }
  std::vector<std::vector<ScoredChunk>> results(queries.size());
  const std::string id = embedder_->id();
  std::vector<size_t> asked;
  for (size_t i = 0; i < queries.size(); ++i) {
    if (embeds(queries[i].text)) asked.push_back(i);
  }
  for (size_t begin = 0; begin < asked.size(); begin += kEmbedBatch) {
    const size_t end = std::min(begin + kEmbedBatch, asked.size());
    std::vector<std::string> texts;
    for (size_t i = begin; i < end; ++i) texts.push_back(queries[asked[i]].text);
    // A question longer than the window is searched by its beginning: no answer would be worse.
    const EmbedResult embedded = embedder_->embed(texts, {.truncate = true});
    const std::lock_guard guard(state_->mutex);
    for (size_t i = begin; i < end; ++i) {
      const std::vector<float>& vector = embedded.vectors[i - begin];
      View& view = state_->view(queries[asked[i]]);
      for (const store::Neighbor& found :
           state_->vectors(view, id, vector.size()).search(vector, k)) {
        results[asked[i]].push_back({found.id, found.score});
      }
    }
  }
  return results;
}

std::shared_ptr<const EntityGraph> Corpus::graph(const Query& query) {
  const std::lock_guard guard(state_->mutex);
  return state_->graph(state_->view(query));
}

std::shared_ptr<const FactIndex> Corpus::facts(const Query& query) {
  const std::lock_guard guard(state_->mutex);
  View& view = state_->view(query);
  if (!view.facts) view.facts = std::make_shared<FactIndex>(*state_->graph(view));
  return view.facts;
}

std::vector<double> Corpus::cosines(const std::string& question,
                                    std::span<const std::string> texts) {
  std::vector<std::string> all = {question};
  all.insert(all.end(), texts.begin(), texts.end());
  // A text may be longer than the window: its beginning says what it is.
  const EmbedResult embedded = embedder_->embed(all, {.truncate = true});
  std::vector<double> scores;
  for (size_t t = 1; t < all.size(); ++t) {
    double dot = 0;  // vectors have length 1
    for (size_t d = 0; d < embedded.vectors[0].size(); ++d) {
      dot += static_cast<double>(embedded.vectors[0][d]) * embedded.vectors[t][d];
    }
    scores.push_back(dot);
  }
  return scores;
}

std::shared_ptr<const Communities> Corpus::communities(const Query& query) {
  const std::lock_guard guard(state_->mutex);
  View& view = state_->view(query);
  if (!view.communities) {
    view.communities = std::make_shared<Communities>(find_communities(*state_->graph(view)));
  }
  return view.communities;
}

std::vector<std::string> Corpus::terms(const Query& query) const {
  return state_->analyzer.terms(query.text);
}

std::vector<Evidence> Corpus::resolve(const Query& query, std::span<const ScoredChunk> chunks,
                                      std::string_view provider) {
  std::vector<store::ChunkId> ids;
  std::unordered_map<store::ChunkId, double> scores;
  for (const ScoredChunk& chunk : chunks) {
    ids.push_back(chunk.id);
    scores[chunk.id] = chunk.score;
  }
  std::vector<Evidence> found;
  const store::Scope scope{state_->sources.collection, query.principal, query.filter};
  for (store::ChunkView& view : state_->store().chunks(scope, ids)) {
    Evidence evidence;
    evidence.chunk_id = view.chunk.id;
    evidence.document = std::move(view.uri);
    evidence.title = std::move(view.title);
    evidence.heading = std::move(view.chunk.heading);
    evidence.text = std::move(view.chunk.text);
    evidence.ordinal = view.chunk.ordinal;
    evidence.char_from = view.chunk.char_from;
    evidence.char_to = view.chunk.char_to;
    evidence.page = view.chunk.page;
    evidence.score = scores[view.chunk.id];
    evidence.provider = provider;
    found.push_back(std::move(evidence));
  }
  return found;
}

std::vector<Evidence> Corpus::document(const Query& query, const std::string& uri) {
  std::vector<ScoredChunk> all;
  const auto document = state_->store().find_document(state_->sources.collection, uri);
  if (!document) return {};
  for (const store::Chunk& chunk : state_->store().chunks_of(document->id)) {
    all.push_back({chunk.id, 0});
  }
  return resolve(query, all, "");  // leaves out what the query may not see
}

bool Corpus::has_graph(const Query& query) {
  if (state_->sources.store == nullptr) return false;
  const std::lock_guard guard(state_->mutex);
  View& view = state_->view(query);
  if (!view.has_graph) {
    view.has_graph = !state_->store().extractions(state_->sources.collection).empty();
  }
  return *view.has_graph;
}

}  // namespace ondol::ground

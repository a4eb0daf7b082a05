// The kind `auto`: every question goes to the kind of search that its words ask for
// (question_kind.h), without a model. Evidence says which it was: "auto:hybrid-graph".
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "ground/retrievers/question_kind.h"
#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

// The one table of choices: of each row the first kind that the corpus can serve.
struct Route {
  QuestionKind question;
  std::array<std::string_view, 3> kinds;
};
constexpr Route kRoutes[] = {
    {QuestionKind::kFact, {"hybrid", "bm25", "bm25"}},
    {QuestionKind::kRelations, {"hybrid-graph", "hybrid", "bm25"}},
    {QuestionKind::kWhole, {"graph-global", "hybrid", "bm25"}},
};

const RetrieverInfo& info_of(std::string_view kind) {
  const auto registry = retriever_registry();
  return *std::ranges::find_if(registry,
                               [&](const RetrieverInfo& info) { return info.kind == kind; });
}

class AutoRetriever final : public Retriever {
 public:
  AutoRetriever(const RetrieverConfig& config, Corpus& corpus) : corpus_(corpus) {
    for (const Route& route : kRoutes) {
      for (const std::string_view kind : route.kinds) {
        const RetrieverInfo& info = info_of(kind);
        if (info.embedder == EmbedderUse::kMust && !corpus.has_embedder()) continue;
        if (!made_.contains(kind)) made_.emplace(kind, info.make(config, corpus));
      }
    }
  }
  std::string_view kind() const override { return "auto"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::map<std::string_view, std::vector<size_t>> routed;
    for (size_t i = 0; i < queries.size(); ++i) routed[route(queries[i])].push_back(i);
    std::vector<std::vector<Evidence>> results(queries.size());
    for (const auto& [kind, places] : routed) {
      std::vector<Query> some;
      for (const size_t i : places) some.push_back(queries[i]);
      auto found = made_.at(kind)->retrieve_all(some, k);
      for (size_t n = 0; n < places.size(); ++n) {
        for (Evidence& piece : found[n]) piece.provider = "auto:" + std::string(kind);
        results[places[n]] = std::move(found[n]);
      }
    }
    return results;
  }

 private:
  std::string_view route(const Query& query) {
    const QuestionKind question = question_kind(query.text);
    const Route& row = *std::ranges::find_if(
        kRoutes, [&](const Route& candidate) { return candidate.question == question; });
    for (const std::string_view kind : row.kinds) {
      if (!made_.contains(kind)) continue;
      if (!info_of(kind).needs_graph || corpus_.has_graph(query)) return kind;
    }
    return "bm25";
  }

  Corpus& corpus_;
  std::map<std::string_view, std::unique_ptr<Retriever>> made_;
};

}  // namespace

std::unique_ptr<Retriever> make_auto_retriever(const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<AutoRetriever>(config, corpus);
}

}  // namespace ondol::ground

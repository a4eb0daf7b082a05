#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ground/retrievers/decorators.h"
#include "ground/retrievers/retrievers.h"
#include "ground/validity.h"

namespace ondol::ground {
namespace {

constexpr RetrieverInfo kRegistry[] = {
    {"bm25", "by the words of the question (BM25)", EmbedderUse::kNone, false, false, false,
     &make_bm25_retriever},
    {"vector", "by meaning (nearest embeddings)", EmbedderUse::kMust, false, false, false,
     &make_vector_retriever},
    {"hybrid", "by words and meaning, fused", EmbedderUse::kMust, false, false, false,
     &make_hybrid_retriever},
    {"graph-local", "along the relations of what the question names", EmbedderUse::kNone, true,
     false, false, &make_graph_local_retriever},
    {"hybrid-graph", "by words, meaning and relations in one walk", EmbedderUse::kMay, true, false,
     false, &make_hybrid_graph_retriever},
    {"graph-global", "passages of as many subjects as the question touches", EmbedderUse::kMay,
     true, false, false, &make_graph_global_retriever},
    {"graph-reports", "reports of what belongs together, for questions about a whole",
     EmbedderUse::kMay, true, false, false, &make_graph_reports_retriever},
    {"auto", "as the question asks: one fact, relations, or a whole", EmbedderUse::kMay, false,
     false, false, &make_auto_retriever},
    {"kg", "facts of an external knowledge graph", EmbedderUse::kMay, false, true, false,
     &make_kg_retriever},
};

void need(bool holds, std::string_view field, const std::string& got, std::string_view expected) {
  if (holds) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[knowledge] field '{}' is out of range; got {}, expected {}; try its "
                          "default",
                          field, got, expected));
}

void check(const RetrieverConfig& c) {
  const auto number = [](double x) { return fmt::format("{}", x); };
  need(c.bm25_k1 >= 0, "bm25_k1", number(c.bm25_k1), "0 or more");
  need(c.bm25_b >= 0 && c.bm25_b <= 1, "bm25_b", number(c.bm25_b), "0 to 1");
  need(c.fusion == "rrf" || c.fusion == "convex", "fusion", c.fusion, "rrf or convex");
  need(c.rrf_constant > 0, "rrf_constant", number(c.rrf_constant), "above 0");
  need(c.vector_weight >= 0 && c.vector_weight <= 1, "vector_weight", number(c.vector_weight),
       "0 to 1");
  need(c.candidates >= 1 && c.candidates <= 100000, "candidates", fmt::format("{}", c.candidates),
       "1 to 100000");
  need(c.as_of.empty() || is_date(c.as_of), "as_of", c.as_of, "YYYY, YYYY-MM or YYYY-MM-DD");
  need(c.alpha >= 0 && c.alpha < 1, "alpha", number(c.alpha), "0 to below 1");
  need(c.facts >= 0 && c.facts <= 1000, "facts", fmt::format("{}", c.facts), "0 to 1000");
  need(c.meaning_weight >= 0 && c.meaning_weight <= 1, "meaning_weight", number(c.meaning_weight),
       "0 to 1");
  need(c.relevance_tests >= 1 && c.relevance_tests <= 100000, "relevance_tests",
       fmt::format("{}", c.relevance_tests), "1 to 100000");
  need(c.level_max >= 0 && c.level_max <= 100, "level_max", fmt::format("{}", c.level_max),
       "0 to 100");
  need(c.rating == "words" || c.rating == "model", "rating", c.rating, "words or model");
  need(c.budget_tokens >= 0, "budget_tokens", fmt::format("{}", c.budget_tokens), "0 or more");
  need(c.report_share >= 0 && c.passage_share >= 0 && c.report_share + c.passage_share <= 1,
       "report_share", number(c.report_share), "0 or more, with passage_share at most 1");
  need(c.passage_weight >= 0, "passage_weight", number(c.passage_weight), "0 or more");
}

}  // namespace

std::span<const RetrieverInfo> retriever_registry() { return kRegistry; }

std::unique_ptr<Retriever> make_retriever(const RetrieverConfig& config, Corpus& corpus) {
  const auto row =
      std::find_if(std::begin(kRegistry), std::end(kRegistry),
                   [&](const RetrieverInfo& info) { return info.kind == config.kind; });
  if (row == std::end(kRegistry)) {
    std::string known;
    for (const RetrieverInfo& info : kRegistry)
      known += (known.empty() ? "" : ", ") + std::string(info.kind);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[knowledge] unknown kind; got '{}', expected one of {}; try 'hybrid'",
                            config.kind, known));
  }
  check(config);
  check_decorators(config);
  if (row->embedder == EmbedderUse::kMust && !corpus.has_embedder()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[knowledge] kind '{}' needs an embedder; got none, expected one that "
                            "the workspace names; try 'bm25' or `ondol pull all-minilm-l6-v2`",
                            config.kind));
  }
  if (row->needs_knowledge && corpus.knowledge() == nullptr) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[knowledge] kind '{}' needs an external knowledge graph, and none is "
                            "imported; try `ondol kg import FILE.nt`",
                            config.kind));
  }
  if (row->needs_model && !corpus.has_model()) corpus.model();  // says what is missing
  return decorate(row->make, row->embedder, config, corpus);
}

std::vector<Evidence> Retriever::retrieve(const Query& query, size_t k) {
  return std::move(retrieve_all({&query, 1}, k).front());
}

}  // namespace ondol::ground

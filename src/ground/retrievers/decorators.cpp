#include "ground/retrievers/decorators.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace ondol::ground {
namespace {

// Which field asks for it, and who makes it; in the order in which they are put around.
struct Row {
  bool (*wanted)(const RetrieverConfig& config);
  MakeDecorator make;
};

constexpr Row kRows[] = {
    {[](const RetrieverConfig& c) { return c.query == "multi-query"; }, &make_multi_query},
    {[](const RetrieverConfig& c) { return c.query == "follow-up"; }, &make_follow_up},
    {[](const RetrieverConfig& c) { return !c.rerank.empty(); }, &make_reranking},
    {[](const RetrieverConfig& c) { return c.diversity > 0; }, &make_diverse},
    {[](const RetrieverConfig& c) { return c.query == "rewrite"; }, &make_rewrite},
    {[](const RetrieverConfig& c) { return c.expand != "none"; }, &make_expanding},
};

constexpr std::string_view kQueries[] = {"plain", "rewrite", "multi-query", "hyde", "follow-up"};
constexpr std::string_view kExpansions[] = {"none", "parent", "neighbours"};

[[noreturn]] void refuse(std::string_view field, const std::string& got,
                         std::string_view expected) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[knowledge] field '{}' is out of range; got {}, expected {}; try its "
                          "default",
                          field, got, expected));
}

void check_choice(std::string_view field, const std::string& value,
                  std::span<const std::string_view> choices) {
  if (std::ranges::find(choices, value) != choices.end()) return;
  refuse(field, "'" + value + "'", fmt::format("one of {}", fmt::join(choices, ", ")));
}

void check_count(std::string_view field, int64_t value, int64_t max) {
  if (value >= 1 && value <= max) return;
  refuse(field, std::to_string(value), fmt::format("1 to {}", max));
}

}  // namespace

std::vector<std::string> Decorator::take_notices() {
  std::vector<std::string> notices = base_->take_notices();
  const int64_t asked = asked_.exchange(0), plain = plain_.exchange(0);
  if (plain > 0) {
    notices.push_back(fmt::format(
        "query = \"{}\": the model wrote nothing usable for {} of {} questions; they were searched "
        "as they stand.",
        config_.query, plain, asked));
  }
  return notices;
}

void check_decorators(const RetrieverConfig& config) {
  check_choice("query", config.query, kQueries);
  check_choice("expand", config.expand, kExpansions);
  check_count("variants", config.variants, 16);
  check_count("rounds", config.rounds, 8);
  check_count("rerank_candidates", config.rerank_candidates, 1000);
  check_count("expand_words", config.expand_words, 100000);
  if (!(config.diversity >= 0 && config.diversity <= 1)) {
    refuse("diversity", fmt::format("{}", config.diversity), "0 to 1");
  }
}

std::unique_ptr<Retriever> decorate(MakeBase make, EmbedderUse embedder,
                                    const RetrieverConfig& config, Corpus& corpus) {
  const bool asks_model = config.query != "plain" || reranks_by_model(config.rerank);
  if (asks_model && !corpus.has_model()) corpus.model();  // says what is missing
  if (!config.rerank.empty() && !reranks_by_model(config.rerank)) corpus.reranker(config.rerank);
  const bool hyde = config.query == "hyde";
  if (hyde && (embedder == EmbedderUse::kNone || !corpus.has_embedder())) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[knowledge] query = \"hyde\" moves a question's vector, and kind '{}' "
                            "compares none here; try an embedder, or query = \"multi-query\"",
                            config.kind));
  }
  std::unique_ptr<Retriever> retriever =
      hyde ? make_hyde(make, config, corpus) : make(config, corpus);
  for (const Row& row : kRows) {
    if (row.wanted(config)) retriever = row.make(std::move(retriever), config, corpus);
  }
  return retriever;
}

std::vector<Evidence> fuse_evidence(std::span<const std::vector<Evidence>> lists, double constant,
                                    size_t k) {
  std::map<int64_t, Evidence> pieces;
  for (const std::vector<Evidence>& list : lists) {
    for (size_t i = 0; i < list.size(); ++i) {
      const auto [place, first] = pieces.try_emplace(list[i].chunk_id, list[i]);
      if (first) place->second.score = 0;
      place->second.score += 1.0 / (constant + static_cast<double>(i + 1));
    }
  }
  std::vector<Evidence> all;
  for (auto& [id, piece] : pieces) all.push_back(std::move(piece));
  std::stable_sort(all.begin(), all.end(), [](const Evidence& a, const Evidence& b) {
    return a.score > b.score;  // stable over ascending ids
  });
  all.resize(std::min(k, all.size()));
  return all;
}

}  // namespace ondol::ground

// Evidence of three kinds within a budget of tokens: reports of the communities of what a question
// names, passages, and facts with the sentences that prove them (local search of MS graphrag 3.1).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ground/retrievers/report_view.h"

namespace ondol::ground {

// What a search found, best first.
struct GraphFindings {
  std::shared_ptr<const EntityGraph> graph;  // whose numbers these are
  std::vector<int32_t> entities;
  std::vector<int32_t> facts;
  std::vector<ScoredChunk> passages;
};

// Tokens of a text without any model: a quarter of its ASCII characters, and each other one.
int64_t estimate_tokens(std::string_view utf8);

// At most k pieces: reports first (of the communities that hold the most of the entities), then
// passages, then facts, each kind within its share of `config.budget_tokens`. Scores fall from 1.
std::vector<Evidence> spend_budget(Corpus& corpus, const Query& query,
                                   const RetrieverConfig& config, const GraphFindings& found,
                                   size_t k, std::string_view provider);

}  // namespace ondol::ground

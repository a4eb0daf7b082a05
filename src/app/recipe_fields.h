// The one list of every config field of a recipe (conventions, C21): a visitor gets key, member and
// a sentence.
#pragma once

#include "app/recipe.h"

namespace ondol::app {

template <class Visitor>
void visit_fields(Visitor& v, prompt::PromptConfig& c) {
  v("style", c.style, "how the question is put: direct, cot");
  v("system", c.system, "system text; empty: the style's own");
  v("user_template", c.user_template, "user message with {passages} {question} {choices}");
  v("variables", c.variables, "further {names} of the two templates");
  v("shots", c.shots, "solved examples of the train split to show");
  v("select", c.select, "which examples: fixed, random, nearest");
  v("seed", c.seed, "of random selection");
}

template <class Visitor>
void visit_fields(Visitor& v, KnowledgeConfig& c) {
  v("kind", c.retriever.kind,
    "bm25, vector, hybrid, graph-local, graph-global, graph-reports, hybrid-graph, auto, kg");
  v("top_k", c.top_k, "passages put into the prompt");
  v("bm25_k1", c.retriever.bm25_k1, "saturation of repeated terms");
  v("bm25_b", c.retriever.bm25_b, "weight of the passage's length");
  v("fusion", c.retriever.fusion, "hybrid: rrf or convex");
  v("rrf_constant", c.retriever.rrf_constant, "hybrid: of reciprocal rank fusion");
  v("vector_weight", c.retriever.vector_weight, "hybrid: of convex fusion");
  v("candidates", c.retriever.candidates, "hybrid: taken from each half");
  v("alpha", c.retriever.alpha, "graph: probability of following a relation");
  v("facts", c.retriever.facts, "graph: facts that seed the walk");
  v("as_of", c.retriever.as_of, "graph: a date; facts that do not hold then count for nothing");
  v("meaning_weight", c.retriever.meaning_weight, "hybrid-graph: of vectors, the rest words");
  v("passage_weight", c.retriever.passage_weight, "hybrid-graph: of passages among the seeds");
  v("budget_tokens", c.retriever.budget_tokens,
    "graph-local, hybrid-graph: for reports, passages and facts; 0: passages alone");
  v("report_share", c.retriever.report_share, "of budget_tokens");
  v("passage_share", c.retriever.passage_share, "of budget_tokens; the rest is for facts");
  v("relevance_tests", c.retriever.relevance_tests, "graph-reports: reports compared, at most");
  v("level_max", c.retriever.level_max, "graph-reports: how deep it goes down");
  v("rating", c.retriever.rating, "graph-reports: compared by words (and meaning) or a model");
  v("lazy", c.retriever.lazy, "graph-reports: missing reports of what is found are made now");
  v("query", c.retriever.query, "plain, rewrite, multi-query, hyde, follow-up: asks the model");
  v("variants", c.retriever.variants, "multi-query: other questions; hyde: drafts");
  v("rounds", c.retriever.rounds, "follow-up: at most");
  v("rerank", c.retriever.rerank, "a cross-encoder, or model, likelihood: the workspace's model");
  v("rerank_candidates", c.retriever.rerank_candidates, "rerank, diversity: passages looked at");
  v("diversity", c.retriever.diversity, "0: off; 1: passages unlike one another before all else");
  v("expand", c.retriever.expand, "none, parent (the section), neighbours");
  v("expand_words", c.retriever.expand_words, "parent, neighbours: of a passage at most");
}

template <class Visitor>
void visit_fields(Visitor& v, prompt::StrategyConfig& c) {
  v("kind", c.kind, "single, two-stage, self-consistency, document-mixture, map-reduce");
  v("samples", c.samples, "self-consistency: answers drawn from one prompt");
  v("temperature", c.temperature, "self-consistency: of those draws");
  v("adaptive", c.adaptive, "self-consistency: stop once no other answer can win");
  v("mixture", c.mixture, "document-mixture: sequence or token");
  v("document_temperature", c.document_temperature, "document-mixture: of the passages' weights");
  v("batch_tokens", c.batch_tokens, "map-reduce: of the passages of one call");
  v("points_tokens_max", c.points_tokens_max, "map-reduce: of the points of one call");
  v("reduce_tokens", c.reduce_tokens, "map-reduce: of the points that the answer is made of");
  v("reasoning_tokens_max", c.reasoning_tokens_max, "two-stage: of the reasoning");
}

template <class Visitor>
void visit_fields(Visitor& v, prompt::DecodeConfig& c) {
  v("max_tokens", c.tokens_max, "of an answer");
  v("stop", c.stop, "texts that end an answer");
  v("temperature", c.sampler.temperature, "0: always the most likely token");
  v("top_k", c.sampler.top_k, "keep the k most likely tokens; 0: all");
  v("top_p", c.sampler.top_p, "keep the smallest set of this probability");
  v("min_p", c.sampler.min_p, "drop tokens below this share of the best one");
  v("repetition_penalty", c.sampler.repetition_penalty, "1: off");
  v("presence_penalty", c.sampler.presence_penalty, "0: off");
  v("frequency_penalty", c.sampler.frequency_penalty, "0: off");
  v("seed", c.sampler.seed, "of sampling");
}

template <class Visitor>
void visit_fields(Visitor& v, RefusalConfig& c) {
  v("mode", c.mode, "train (fitted on the train split), fixed, off");
  v("threshold", c.threshold, "fixed: refuse when the evidence supports the question less");
}

template <class Visitor>
void visit_fields(Visitor& v, EndpointConfig& c) {
  v("url", c.url, "of the service, with its version: https://host/v1");
  v("model", c.model, "as the service calls it");
  v("key_env", c.key_env, "the environment variable that holds the key");
  v("concurrency", c.concurrency, "calls at a time");
  v("context_tokens", c.context_tokens, "prompt and answer together");
  v("timeout_seconds", c.timeout_seconds, "of one attempt");
  v("attempts", c.attempts, "of a call, with growing pauses between");
  v("max_calls", c.max_calls, "of one run of the program; 0: no limit");
  v("max_tokens", c.max_tokens, "of one run of the program; 0: no limit");
  v("certificates", c.certificates, "file of authorities; empty: the system's");
  v("languages", c.languages, "that an embedding model was made for");
}

template <class Visitor>
void visit_fields(Visitor& v, RoleConfig& c) {
  v("extract", c.extract, "reads facts out of passages");
  v("summarise", c.summarise, "reports of communities, other forms of a question");
  v("judge", c.judge, "says what is relevant");
}

// Tables inside a recipe; `knowledge` is an array and handled beside.
template <class Visitor>
void visit_tables(Visitor& v, Recipe& r) {
  v("prompt", r.prompt);
  v("strategy", r.strategy);
  v("decode", r.decode);
  v("refuse", r.refusal);
}

}  // namespace ondol::app

// For questions about a whole: reports of communities, found from the top down (the dynamic
// selection of MS graphrag 3.1, with a budget as in LazyGraphRAG).
//
// Communities of the coarsest level are compared with the question, those first whose passages
// words and meaning find; a fitting one is replaced by its fitting parts, level by level. Compared
// is by a model (0 to 5, above 0 fits) or by words and meaning: there, a part takes the place of
// the whole when it fits no worse. At most `relevance_tests` comparisons, half of them for the
// coarsest level. Where a report was not made (or may not be asked for), the documents' own
// sentences stand in, and the evidence's heading says so.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/analysis.h"
#include "ground/retrievers/report_view.h"
#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

constexpr const char* kRatingSchema =
    R"({"type":"object","properties":{"rating":{"type":"integer","minimum":0,"maximum":5}},)"
    R"("required":["rating"],"additionalProperties":false})";

struct Tested {
  int32_t community = 0;
  CommunityReport report;
  std::string text;
  double words = 0;   // 0 to 1, with meaning where there is an embedder
  double rating = 0;  // what decides: the model's, or `words`
};

// How much of the question a text holds: terms that few of the first texts have weigh more.
class WordScore {
 public:
  WordScore(const std::vector<std::string>& question, const std::vector<Tested>& first) {
    for (const std::string& term : question) weights_[term] = 0;
    std::map<std::string, double> with;
    for (const Tested& one : first) {
      for (const std::string& term : terms_of(one.text)) ++with[term];
    }
    const auto n = static_cast<double>(first.size());
    for (auto& [term, weight] : weights_) {
      weight = std::log(1.0 + (n - with[term] + 0.5) / (with[term] + 0.5));
      total_ += weight;
    }
  }
  double operator()(const std::string& text) const {
    double held = 0;
    for (const std::string& term : terms_of(text)) {
      const auto found = weights_.find(term);
      if (found != weights_.end()) held += found->second;
    }
    return total_ > 0 ? held / total_ : 0;
  }

 private:
  std::set<std::string> terms_of(const std::string& text) const {
    const std::vector<std::string> terms = analyzer_.terms(text);
    return {terms.begin(), terms.end()};
  }
  Analyzer analyzer_{{.drop_stop_words = true}};
  std::map<std::string, double> weights_;
  double total_ = 0;
};

GenerateRequest rating_request(const std::string& question, const Tested& one) {
  GenerateRequest request;
  request.prompt = Prompt{
      .messages = {{"system", "You judge how much a report helps to answer a question.", {}},
                   {"user",
                    "Report:\n" + one.text + "\n\nQuestion: " + question +
                        "\n\nHow much does the report help to answer the question, from 0 (not at "
                        "all) to 5 (it answers it)? Answer as JSON.",
                    {}}}};
  request.tokens_max = 16;
  request.json_schema = kRatingSchema;
  for (const ReportSentence& sentence : one.report.sentences) {
    request.sources.push_back(sentence.chunk);
  }
  return request;
}

// An answer that is no rating counts as none: 0.
double read_rating(const GenerateResult& result) {
  const auto row = nlohmann::json::parse(result.samples.at(0).text, nullptr, false);
  if (!row.is_object()) return 0;
  const auto rating = row.find("rating");
  if (rating == row.end() || !rating->is_number()) return 0;
  return std::clamp(rating->get<double>(), 0.0, 5.0);
}

bool better(const Tested& a, const Tested& b) {
  return a.rating != b.rating ? a.rating > b.rating : a.words > b.words;
}

class GraphReportsRetriever final : public Retriever {
 public:
  GraphReportsRetriever(const RetrieverConfig& config, Corpus& corpus)
      : config_(config), corpus_(corpus) {
    if ((asks() || config_.lazy) && !corpus_.has_model()) corpus_.model();  // says what is missing
  }
  std::string_view kind() const override { return "graph-reports"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const auto depth = static_cast<size_t>(config_.candidates);
    std::vector<std::vector<ScoredChunk>> by_meaning(queries.size());
    if (corpus_.has_embedder()) by_meaning = corpus_.search_vectors(queries, depth);
    std::vector<std::vector<Evidence>> results;
    const std::lock_guard guard(mutex_);
    for (size_t i = 0; i < queries.size(); ++i) {
      results.push_back(search(queries[i], by_meaning[i], k));
    }
    return results;
  }

 private:
  bool asks() const { return config_.rating == "model"; }
  std::vector<Evidence> search(const Query& query, const std::vector<ScoredChunk>& by_meaning,
                               size_t k);
  void take_first(const std::vector<double>& found, size_t count, std::vector<int32_t>& ids) const;
  std::vector<Tested> parts_of(const Query& query, const std::vector<double>& found, size_t& left,
                               std::vector<Tested> level, std::vector<Tested>& kept);
  std::vector<Evidence> evidence_of(const Query& query, const std::vector<Tested>& best, size_t k);
  std::vector<Tested> descend(const Query& query, const std::vector<ScoredChunk>& found);
  void test(const Query& query, std::vector<Tested>& batch);
  void test_words(const Query& query, std::vector<Tested>& batch) const;
  std::vector<Tested> told(std::span<const int32_t> communities);
  std::vector<double> found_in(const std::vector<ScoredChunk>& found) const;

  RetrieverConfig config_;
  Corpus& corpus_;
  std::mutex mutex_;
  Query scope_;  // of view_
  ReportView view_;
  CachedGenerator* model_ = nullptr;
  std::optional<WordScore> words_;
};

// What the passages of each community score in all.
std::vector<double> GraphReportsRetriever::found_in(const std::vector<ScoredChunk>& found) const {
  const graph::CommunityTree& tree = view_.communities->tree;
  std::map<int32_t, double> passages;
  for (const ScoredChunk& chunk : found) {
    const int32_t passage = view_.graph->passage_of(chunk.id);
    if (passage >= 0) passages[passage] = chunk.score;
  }
  std::vector<double> scores(static_cast<size_t>(tree.size()));
  for (int32_t id = 0; id < tree.size(); ++id) {
    std::set<int32_t> counted;
    for (const int32_t e : tree.members(id)) {
      for (const GraphPlace& place : view_.graph->entities()[static_cast<size_t>(e)].mentions) {
        const auto hit = passages.find(place.passage);
        if (hit == passages.end() || !counted.insert(place.passage).second) continue;
        scores[static_cast<size_t>(id)] += hit->second;
      }
    }
  }
  return scores;
}

std::vector<Tested> GraphReportsRetriever::told(std::span<const int32_t> communities) {
  std::vector<Tested> batch;
  for (const int32_t id : communities) {
    Tested one{.community = id, .report = view_.reporter->told(id)};
    if (one.report.sentences.empty()) continue;
    one.text = one.report.title + "\n" + report_text(one.report);
    batch.push_back(std::move(one));
  }
  return batch;
}

void GraphReportsRetriever::test_words(const Query& query, std::vector<Tested>& batch) const {
  const bool meaning = !batch.empty() && corpus_.embeds(query.text);
  std::vector<double> near(batch.size());
  if (meaning) {
    std::vector<std::string> texts;
    for (const Tested& one : batch) texts.push_back(one.text);
    near = corpus_.cosines(query.text, texts);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const double held = (*words_)(batch[i].text);
    batch[i].words = meaning ? (held + std::max(near[i], 0.0)) / 2 : held;
  }
}

void GraphReportsRetriever::test(const Query& query, std::vector<Tested>& batch) {
  test_words(query, batch);
  std::vector<std::unique_ptr<Generation>> running;
  for (const Tested& one : batch) {
    if (asks()) running.push_back(corpus_.judge().submit(rating_request(query.text, one)));
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].rating = batch[i].words;
    if (!asks()) continue;
    try {
      batch[i].rating = read_rating(running[i]->wait());
    } catch (const Error& error) {  // an endpoint that failed: by words
      if (error.code() == ErrorCode::kCancelled) throw;
    }
  }
}

// Those first whose passages were found, then the largest; at most `count`.
void GraphReportsRetriever::take_first(const std::vector<double>& found, size_t count,
                                       std::vector<int32_t>& ids) const {
  const graph::CommunityTree& tree = view_.communities->tree;
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    const double of_a = found[static_cast<size_t>(a)], of_b = found[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : tree.members(a).size() > tree.members(b).size();
  });
  ids.resize(std::min(ids.size(), count));
}

// The fitting parts of what is in `level`, best first. What has none is moved to `kept`.
std::vector<Tested> GraphReportsRetriever::parts_of(const Query& query,
                                                    const std::vector<double>& found, size_t& left,
                                                    std::vector<Tested> level,
                                                    std::vector<Tested>& kept) {
  const graph::CommunityTree& tree = view_.communities->tree;
  std::vector<int32_t> ids;
  for (const Tested& one : level) {
    const graph::Community& its = tree.communities[static_cast<size_t>(one.community)];
    std::vector<int32_t> parts;
    for (int32_t id = its.children_begin; id < its.children_end; ++id) parts.push_back(id);
    take_first(found, left, parts);
    left -= parts.size();
    ids.insert(ids.end(), parts.begin(), parts.end());
  }
  std::vector<Tested> parts = told(ids);
  test(query, parts);  // of all of them at once: a model works on them together
  std::map<int32_t, const Tested*> wholes;
  for (const Tested& one : level) wholes[one.community] = &one;
  const auto parent = [&](const Tested& part) {
    return tree.communities[static_cast<size_t>(part.community)].parent;
  };
  std::erase_if(parts, [&](const Tested& part) {
    return part.rating < (asks() ? 1.0 : wholes.at(parent(part))->rating);
  });
  std::set<int32_t> replaced;
  for (const Tested& part : parts) replaced.insert(parent(part));
  for (Tested& one : level) {
    if (!replaced.contains(one.community)) kept.push_back(std::move(one));
  }
  std::stable_sort(parts.begin(), parts.end(), better);
  return parts;
}

std::vector<Tested> GraphReportsRetriever::descend(const Query& query,
                                                   const std::vector<ScoredChunk>& found) {
  const graph::CommunityTree& tree = view_.communities->tree;
  const std::vector<double> scores = found_in(found);
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < tree.size(); ++id) {
    if (tree.communities[static_cast<size_t>(id)].level == 0) ids.push_back(id);
  }
  auto left = static_cast<size_t>(config_.relevance_tests);
  take_first(scores, config_.level_max > 0 ? (left + 1) / 2 : left, ids);
  left -= ids.size();
  std::vector<Tested> level = told(ids);
  words_.emplace(corpus_.terms(query), level);
  test(query, level);
  const bool any = std::any_of(level.begin(), level.end(), [](auto& t) { return t.rating > 0; });
  // Nothing shares a word with a question about everything: the largest are what there is. A model
  // that says "no" to all of them is believed.
  if (!any && !asks()) return level;
  std::erase_if(level, [](const Tested& one) { return one.rating <= 0; });
  std::stable_sort(level.begin(), level.end(), better);
  std::vector<Tested> kept;
  for (int64_t depth = 0; depth < config_.level_max && !level.empty(); ++depth) {
    level = parts_of(query, scores, left, std::move(level), kept);
  }
  std::move(level.begin(), level.end(), std::back_inserter(kept));
  std::stable_sort(kept.begin(), kept.end(), better);
  return kept;
}

// The best, until there are k that each add a sentence.
std::vector<Evidence> GraphReportsRetriever::evidence_of(const Query& query,
                                                         const std::vector<Tested>& best,
                                                         size_t k) {
  std::vector<Evidence> out;
  std::set<std::pair<int64_t, int64_t>> seen;
  for (const Tested& one : best) {
    if (out.size() >= k) break;
    bool adds = false;
    for (const ReportSentence& sentence : one.report.sentences) {
      adds |= seen.emplace(sentence.chunk, sentence.place.char_from).second;
    }
    if (!adds) continue;
    auto evidence = report_evidence(corpus_, query, one.community, one.report, kind());
    if (!evidence) continue;
    evidence->score = one.rating;
    out.push_back(*std::move(evidence));
  }
  return out;
}

std::vector<Evidence> GraphReportsRetriever::search(const Query& query,
                                                    const std::vector<ScoredChunk>& by_meaning,
                                                    size_t k) {
  if (k == 0 || corpus_.size(query) == 0) return {};
  model_ = config_.lazy ? &corpus_.model() : model_of_reports(corpus_);
  const bool same = query.principal == scope_.principal && query.filter == scope_.filter;
  if (!view_.reporter || !same || corpus_.graph(query) != view_.graph) {
    view_ = open_reports(corpus_, query, model_);
    scope_ = {.principal = query.principal, .filter = query.filter};
  }
  const auto depth = static_cast<size_t>(config_.candidates);
  const auto words = corpus_.search_bm25(query, depth, config_.bm25_k1, config_.bm25_b);
  const auto found =
      by_meaning.empty() ? words : fuse_convex(words, by_meaning, config_.vector_weight, depth);
  std::vector<Tested> best = descend(query, found);
  if (config_.lazy) {
    std::vector<int32_t> ids;
    for (const Tested& one : best) {
      if (ids.size() < k && one.report.extractive) ids.push_back(one.community);
    }
    SilentProgress silent;
    view_.reporter->make(ids, silent);
    for (Tested& one : best) {
      if (one.report.extractive) one.report = view_.reporter->told(one.community);
    }
  }
  return evidence_of(query, best, k);
}

}  // namespace

std::unique_ptr<Retriever> make_graph_reports_retriever(const RetrieverConfig& config,
                                                        Corpus& corpus) {
  return std::make_unique<GraphReportsRetriever>(config, corpus);
}

}  // namespace ondol::ground

#include "ground/retrievers/graph_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ground/fact_index.h"
#include "ground/sentences.h"
#include "ground/validity.h"

namespace ondol::ground {
namespace {

class Spending {
 public:
  Spending(std::vector<Evidence>& out, size_t k, double tokens) : out_(out), k_(k), left_(tokens) {}
  bool full() const { return out_.size() >= k_; }
  // Whether it fitted.
  bool add(Evidence piece) {
    const auto tokens = static_cast<double>(estimate_tokens(piece.text));
    if (full() || tokens > left_) return false;
    left_ -= tokens;
    out_.push_back(std::move(piece));
    return true;
  }

 private:
  std::vector<Evidence>& out_;
  size_t k_;
  double left_;
};

// The smallest communities of the entities: those with the most of them, then the smaller ones.
std::vector<int32_t> communities_of(const Communities& communities,
                                    const std::vector<int32_t>& entities) {
  const graph::CommunityTree& tree = communities.tree;
  if (tree.levels() == 0) return {};
  const std::vector<int32_t> deepest = tree.at_level(tree.levels() - 1);
  std::map<int32_t, int64_t> counts;
  for (const int32_t e : entities) ++counts[deepest[static_cast<size_t>(e)]];
  std::vector<int32_t> order;
  for (const auto& [id, count] : counts) {
    if (tree.members(id).size() > 1) order.push_back(id);
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b]
                                  : tree.members(a).size() < tree.members(b).size();
  });
  return order;
}

// Nullopt: no sentence of a passage proves it.
std::optional<Evidence> fact_evidence(Corpus& corpus, const Query& query, const EntityGraph& graph,
                                      int32_t number, std::string_view provider) {
  const GraphFact& fact = graph.facts()[static_cast<size_t>(number)];
  for (const GraphPlace& place : fact.proof) {
    const ScoredChunk chunk[] = {{graph.passages()[static_cast<size_t>(place.passage)], 0}};
    std::vector<Evidence> found = corpus.resolve(query, chunk, provider);
    if (found.empty() || place.char_to == 0) continue;  // of the title: no sentence
    Evidence& out = found.front();
    const std::vector<PlacedSentence> sentences = placed_sentences(out.text);
    const auto proof =
        std::find_if(sentences.begin(), sentences.end(),
                     [&](const PlacedSentence& s) { return s.char_to > place.char_from; });
    if (proof == sentences.end()) continue;
    out.sources.push_back({out.document, out.heading, out.chunk_id,
                           out.char_from + proof->char_from, out.char_from + proof->char_to,
                           std::string(proof->text)});
    std::string said = fact_text(graph, number);
    if (!fact.valid_from.empty()) said += ", from " + fact.valid_from;
    if (!fact.valid_to.empty()) said += ", to " + fact.valid_to;
    out.text = fmt::format("{} [1]\n[1] {}", said, out.sources[0].quote);
    out.chunk_id = -store::kg_term_id({.text = "fact\n" + said});
    out.char_from = out.sources[0].char_from;
    out.char_to = out.sources[0].char_to;
    return std::move(out);
  }
  return std::nullopt;
}

void add_reports(Corpus& corpus, const Query& query, const GraphFindings& found,
                 std::string_view provider, Spending spending) {
  const ReportView view = open_reports(corpus, query, model_of_reports(corpus));
  if (view.graph != found.graph) return;  // another program changed it in between
  for (const int32_t id : communities_of(*view.communities, found.entities)) {
    if (spending.full()) return;
    auto piece = report_evidence(corpus, query, id, view.reporter->told(id), provider);
    if (piece) spending.add(*std::move(piece));
  }
}

void add_facts(Corpus& corpus, const Query& query, const RetrieverConfig& config,
               const GraphFindings& found, std::string_view provider, Spending spending) {
  const auto& graph = found.graph;
  std::vector<int32_t> order = found.facts;
  const std::set<int32_t> named(found.entities.begin(), found.entities.end());
  for (size_t f = 0; f < graph->facts().size(); ++f) {
    const GraphFact& fact = graph->facts()[f];
    if (named.contains(fact.subject) || named.contains(fact.object)) {
      order.push_back(static_cast<int32_t>(f));
    }
  }
  std::set<int32_t> seen;
  for (const int32_t number : order) {
    if (spending.full()) return;
    const GraphFact& fact = graph->facts()[static_cast<size_t>(number)];
    const bool holds =
        config.as_of.empty() || holds_at(fact.valid_from, fact.valid_to, config.as_of);
    if (!holds || !seen.insert(number).second) continue;
    auto piece = fact_evidence(corpus, query, *graph, number, provider);
    // One too long ends it: what follows is about less.
    if (piece && !spending.add(*std::move(piece))) return;
  }
}

}  // namespace

int64_t estimate_tokens(std::string_view utf8) {
  int64_t quarters = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) quarters += 1;
    if (byte >= 0xC0) quarters += 4;  // the first byte of a longer character
  }
  return (quarters + 3) / 4;
}

std::vector<Evidence> spend_budget(Corpus& corpus, const Query& query,
                                   const RetrieverConfig& config, const GraphFindings& found,
                                   size_t k, std::string_view provider) {
  std::vector<Evidence> out;
  const auto budget = static_cast<double>(config.budget_tokens);
  if (config.report_share > 0) {
    add_reports(corpus, query, found, provider, Spending(out, k, budget * config.report_share));
  }
  Spending passages(out, k, budget * config.passage_share);
  for (Evidence& piece : corpus.resolve(query, found.passages, provider)) {
    if (!passages.add(std::move(piece))) break;
  }
  const double rest = 1 - config.report_share - config.passage_share;
  if (rest > 0) add_facts(corpus, query, config, found, provider, Spending(out, k, budget * rest));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].score = 1.0 - static_cast<double>(i) / static_cast<double>(out.size());
  }
  return out;
}

}  // namespace ondol::ground

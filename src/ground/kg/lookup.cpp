#include "ground/kg/lookup.h"

#include <algorithm>
#include <set>

#include "ground/analysis.h"
#include "ground/kg/names.h"

namespace ondol::ground {
namespace {

using store::KgLabel;
using store::KgTermId;

// Labels looked at in one step.
constexpr size_t kCandidates = 200;

struct Found {
  KgTermId id = 0;
  std::string matched;
  KgMatch match = KgMatch::kName;
  int64_t degree = 0;
  bool wanted_language = false;
  std::string iri;
};

bool better(const Found& a, const Found& b) {
  if (a.degree != b.degree) return a.degree > b.degree;
  if (a.wanted_language != b.wanted_language) return a.wanted_language;
  return a.iri < b.iri;
}

class Search {
 public:
  Search(store::KnowledgeGraph& graph, const KgLookupOptions& options)
      : graph_(graph), options_(options) {}

  void step(KgMatch match, const std::vector<KgLabel>& labels) {
    std::vector<Found> found;
    for (const KgLabel& label : labels) {
      if (!seen_.insert(label.term).second) continue;
      const auto term = graph_.term(label.term);
      if (!term) continue;
      const bool wanted = std::find(options_.languages.begin(), options_.languages.end(),
                                    label.language) != options_.languages.end();
      found.push_back({label.term, label.label, match, label.degree, wanted, term->text});
    }
    std::sort(found.begin(), found.end(), better);
    all_.insert(all_.end(), found.begin(), found.end());
  }
  void identifier(KgTermId id, std::string_view as) {
    if (id == 0 || !seen_.insert(id).second) return;
    all_.push_back({id, std::string(as), KgMatch::kIdentifier, graph_.degree(id), true, ""});
  }
  bool enough() const { return all_.size() >= options_.entities; }
  std::vector<Found> take() {
    if (all_.size() > options_.entities) all_.resize(options_.entities);
    return std::move(all_);
  }

 private:
  store::KnowledgeGraph& graph_;
  const KgLookupOptions& options_;
  std::set<KgTermId> seen_;
  std::vector<Found> all_;
};

KgEntity entity_of(store::KnowledgeGraph& graph, Namer& namer, Found&& found, size_t facts) {
  KgEntity entity;
  entity.id = found.id;
  entity.term = graph.term(found.id).value_or(store::KgTerm{});
  entity.name = namer.name(found.id, entity.term);
  entity.matched = std::move(found.matched);
  entity.match = found.match;
  entity.degree = found.degree;
  entity.labels = graph.labels_of(found.id);
  std::vector<store::KgFact> of = graph.facts_of(found.id, facts);
  std::vector<store::KgFact> to = graph.facts_to(found.id, facts - std::min(facts, of.size()));
  of.insert(of.end(), to.begin(), to.end());
  for (store::KgFact& fact : of) {
    std::string text = namer.sentence(fact);
    entity.facts.push_back({std::move(fact), std::move(text)});
  }
  return entity;
}

}  // namespace

const char* kg_match_name(KgMatch match) {
  switch (match) {
    case KgMatch::kIdentifier:
      return "identifier";
    case KgMatch::kName:
      return "name";
    case KgMatch::kBeginning:
      return "beginning";
    case KgMatch::kWords:
      break;
  }
  return "words";
}

store::KgTermId find_identifier(store::KnowledgeGraph& graph,
                                const std::vector<std::string>& namespaces, std::string_view id) {
  const auto known = [&](std::string iri) {
    const KgTermId term = store::kg_term_id({.text = std::move(iri)});
    return graph.term(term) ? term : 0;
  };
  if (id.find(':') != std::string_view::npos) return known(std::string(id));
  if (id.empty() || id.find_first_of(" \t\n") != std::string_view::npos) return 0;
  KgTermId best = 0;
  int64_t most = -1;
  for (const std::string& prefix : namespaces) {
    const KgTermId term = known(prefix + std::string(id));
    const int64_t degree = term == 0 ? -1 : graph.degree(term);
    if (degree > most) {
      best = term;
      most = degree;
    }
  }
  return best;
}

std::vector<KgEntity> lookup_entities(store::KnowledgeGraph& graph, std::string_view term,
                                      const KgLookupOptions& options) {
  Search search(graph, options);
  search.identifier(find_identifier(graph, graph.statistics().namespaces, term), term);
  const std::string folded = fold_name(term);
  if (!folded.empty()) {
    search.step(KgMatch::kName, graph.labels_equal(folded, kCandidates));
    if (!search.enough()) {
      search.step(KgMatch::kBeginning, graph.labels_beginning(folded, kCandidates));
    }
    if (!search.enough()) {
      const std::vector<std::string> words = Analyzer().terms(term);
      search.step(KgMatch::kWords, graph.labels_with_words(words, kCandidates));
    }
  }
  Namer namer(graph, options.languages);
  std::vector<KgEntity> entities;
  for (Found& found : search.take()) {
    entities.push_back(entity_of(graph, namer, std::move(found), options.facts));
  }
  return entities;
}

}  // namespace ondol::ground

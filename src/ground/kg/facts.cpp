#include "ground/kg/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ground/analysis.h"
#include "ground/document.h"
#include "ground/kg/names.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using store::KgFact;
using store::KgTermId;
using store::KgTermKind;

struct Candidate {
  KgFact fact;
  std::string text;  // what is compared with the question: no identifiers, and the way there
  double score = 0;
  int step = 1;
};

class Collector {
 public:
  Collector(store::KnowledgeGraph& graph, const std::string& question, const KgFactOptions& options)
      : graph_(graph), options_(options), namer_(graph, languages_of(question)) {
    const std::vector<std::string> terms = analyzer_.terms(question);
    asked_.insert(terms.begin(), terms.end());
  }

  void collect(const std::vector<KgMention>& mentions) {
    for (const KgMention& mention : mentions) linked_.insert(mention.term);
    for (const KgTermId entity : linked_) {
      add(graph_.facts_of(entity, options_.facts_of_entity), 1, "");
      add(graph_.facts_to(entity, options_.facts_of_entity), 1, "");
    }
    sort();
    second_step();
    sort();
  }

  std::vector<Candidate>& all() { return all_; }
  Namer& namer() { return namer_; }

  void sort() {
    std::stable_sort(all_.begin(), all_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  }

 private:
  static std::vector<std::string> languages_of(const std::string& question) {
    const std::string language = guess_language(question);
    if (language == "ko") return {"ko", "en"};
    if (language == "en") return {"en", "ko"};
    return {language, "en", "ko"};
  }

  // `way`: the fact that led here, of the second step.
  void add(std::vector<KgFact> facts, int step, const std::string& way) {
    for (KgFact& fact : facts) {
      if (!seen_.insert(fact.triple).second) continue;
      Candidate candidate{std::move(fact), "", 0, step};
      candidate.text = (way.empty() ? "" : way + "; ") + namer_.plain(candidate.fact);
      candidate.score = shared(candidate) * (step == 1 ? 1.0 : options_.second_step);
      all_.push_back(std::move(candidate));
    }
  }

  // Cosine of the two sets of words, the names of what was linked left out of the fact: they are in
  // every one and say nothing.
  double shared(const Candidate& candidate) {
    std::set<std::string> said;
    const auto say = [&](KgTermId id, const store::KgTerm& term) {
      if (linked_.contains(id)) return;
      for (std::string& word : analyzer_.terms(namer_.name(id, term))) said.insert(std::move(word));
    };
    say(candidate.fact.triple.subject, candidate.fact.subject);
    say(candidate.fact.triple.predicate, candidate.fact.predicate);
    say(candidate.fact.triple.object, candidate.fact.object);
    if (asked_.empty() || said.empty()) return 0;
    const auto both = std::count_if(said.begin(), said.end(),
                                    [&](const std::string& word) { return asked_.contains(word); });
    return static_cast<double>(both) /
           std::sqrt(static_cast<double>(asked_.size()) * static_cast<double>(said.size()));
  }

  void second_step() {
    std::set<KgTermId> through;
    std::vector<std::pair<KgTermId, std::string>> order;
    for (const Candidate& candidate : all_) {
      const bool outgoing = linked_.contains(candidate.fact.triple.subject);
      const KgTermId other =
          outgoing ? candidate.fact.triple.object : candidate.fact.triple.subject;
      const store::KgTerm& term = outgoing ? candidate.fact.object : candidate.fact.subject;
      if (order.size() >= options_.neighbours) break;
      if (term.kind == KgTermKind::kLiteral || linked_.contains(other)) continue;
      if (!through.insert(other).second || graph_.degree(other) > options_.hub_degree) continue;
      order.emplace_back(other, candidate.text);
    }
    for (const auto& [neighbour, way] : order) {
      add(graph_.facts_of(neighbour, options_.facts_of_neighbour), 2, way);
    }
  }

  store::KnowledgeGraph& graph_;
  const KgFactOptions& options_;
  Namer namer_;
  Analyzer analyzer_{{.drop_stop_words = true}};
  std::set<std::string> asked_;
  std::set<KgTermId> linked_;
  std::set<store::KgTriple> seen_;
  std::vector<Candidate> all_;
};

void rank_by(const TextSimilarity& similarity, const std::string& question, Collector& collector,
             const KgFactOptions& options) {
  std::vector<Candidate>& all = collector.all();
  if (all.size() > options.compared) all.resize(options.compared);
  std::vector<std::string> texts;
  for (const Candidate& candidate : all) texts.push_back(candidate.text);
  const std::vector<double> scores = similarity(question, texts);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].score = scores[i] * (all[i].step == 1 || scores[i] < 0 ? 1.0 : options.second_step);
  }
  collector.sort();
}

Evidence evidence_of(const Candidate& candidate, Namer& namer, int64_t ordinal) {
  const KgFact& fact = candidate.fact;
  Evidence evidence;
  // Facts have no chunk: their ids are below 0, where the store gives none.
  evidence.chunk_id =
      -store::kg_term_id({.text = fmt::format("{} {} {}", fact.triple.subject,
                                              fact.triple.predicate, fact.triple.object)});
  evidence.document = fact.subject.text;
  evidence.title = namer.name(fact.triple.subject, fact.subject);
  evidence.text = namer.sentence(fact);
  evidence.ordinal = ordinal;
  evidence.char_to = static_cast<int64_t>(text::count_code_points(evidence.text));
  evidence.score = candidate.score;
  evidence.provider = "kg";
  return evidence;
}

}  // namespace

std::vector<Evidence> find_facts(store::KnowledgeGraph& graph, const Query& query,
                                 const TextSimilarity& similarity, size_t k,
                                 const KgFactOptions& options) {
  if (k == 0 || !query.filter.empty()) return {};
  const std::vector<KgMention> mentions = link_entities(graph, query.text, options.link);
  Collector collector(graph, query.text, options);
  collector.collect(mentions);
  if (similarity && !collector.all().empty()) {
    rank_by(similarity, query.text, collector, options);
  }
  std::vector<Candidate>& best = collector.all();
  if (best.size() > k) best.resize(k);
  std::vector<Evidence> found;
  for (const Candidate& candidate : best) {
    found.push_back(evidence_of(candidate, collector.namer(), static_cast<int64_t>(found.size())));
  }
  return found;
}

}  // namespace ondol::ground

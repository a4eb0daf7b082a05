#include "ground/entity_graph.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ground/entity_name.h"
#include "ground/extractors/function_words.h"
#include "ground/particles.h"
#include "ground/validity.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// A sentence that names more is a list, which ties nothing to anything.
constexpr size_t kSentenceEntitiesMax = 12;
// Below this number of passages nothing is a hub.
constexpr int64_t kHubPassagesMin = 20;

// Where merges lead: name -> the name it is kept under.
class MergeMap {
 public:
  explicit MergeMap(std::span<const store::Merge> merges) {
    for (const store::Merge& merge : merges) {
      if (merge.undone || final_name(merge.into) == merge.from) continue;
      into_[merge.from] = merge.into;
    }
  }
  store::EntityName final_name(store::EntityName name) const {
    for (auto next = into_.find(name); next != into_.end(); next = into_.find(name)) {
      name = next->second;
    }
    return name;
  }

 private:
  std::map<store::EntityName, store::EntityName> into_;
};

// A phrase in lower case, as opposed to a name: Latin letters without a capital.
bool is_plain_phrase(std::string_view surface) {
  for (size_t at = 0; at < surface.size();) {
    const size_t from = at;
    const text::Script script = text::script_of(text::next_code_point(surface, at));
    if (script == text::Script::kCommon) continue;
    if (script != text::Script::kLatin) return false;
    const std::string_view letter = surface.substr(from, at - from);
    if (text::fold_for_search(letter) != letter) return false;
  }
  return true;
}

struct Gathered {
  store::EntityName name;
  std::map<std::string, int64_t> surfaces;
  std::set<std::string> aliases;
  std::vector<GraphPlace> mentions;
  std::vector<int32_t> sentences;  // of each mention
  std::set<int32_t> passages;
};

std::string most_frequent(const std::map<std::string, int64_t>& surfaces) {
  const auto best = std::max_element(
      surfaces.begin(), surfaces.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });  // ties: the first
  return best == surfaces.end() ? "" : best->first;
}

}  // namespace

struct EntityGraph::Builder {
  Builder(EntityGraph& out, const store::GraphRows& rows, std::span<const store::Merge> merges,
          const GraphOptions& options)
      : out_(out), rows_(rows), merges_(merges), options_(options) {}

  void build() {
    number_passages();
    gather_mentions();
    keep_entities();
    add_facts();
    add_claims();
    add_co_occurrences();
    index_names();
    join();
  }

  void number_passages();
  void gather_mentions();
  void keep_entities();
  void add_facts();
  void add_claims();
  void add_co_occurrences();
  void index_names();
  void join();

  EntityGraph& out_;
  const store::GraphRows& rows_;
  MergeMap merges_;
  const GraphOptions& options_;
  std::map<store::EntityName, Gathered> gathered_;
  std::unordered_map<int64_t, store::EntityName> name_of_row_;
  std::map<store::EntityName, int32_t> number_;
  // Of every sentence: the entities it mentions.
  std::map<std::pair<int32_t, int32_t>, std::set<int32_t>> sentences_;
};

void EntityGraph::Builder::number_passages() {
  for (const store::MentionRow& mention : rows_.mentions) out_.passages_.push_back(mention.chunk);
  std::sort(out_.passages_.begin(), out_.passages_.end());
  out_.passages_.erase(std::unique(out_.passages_.begin(), out_.passages_.end()),
                       out_.passages_.end());
}

void EntityGraph::Builder::gather_mentions() {
  for (const store::EntityRow& row : rows_.entities) {
    const store::EntityName name = merges_.final_name(row.name);
    Gathered& entity = gathered_[name];
    entity.name = name;
    if (row.name.key != name.key) entity.aliases.insert(row.name.key);
    name_of_row_.emplace(row.id, name);
  }
  for (const store::MentionRow& mention : rows_.mentions) {
    Gathered& entity = gathered_.at(name_of_row_.at(mention.entity));
    const int32_t passage = out_.passage_of(mention.chunk);
    ++entity.surfaces[mention.surface];
    entity.mentions.push_back({passage, mention.char_from, mention.char_to});
    entity.sentences.push_back(mention.sentence);
    entity.passages.insert(passage);
  }
}

void EntityGraph::Builder::keep_entities() {
  const auto passages = static_cast<double>(out_.passages_.size());
  std::set<store::EntityName> in_facts;
  for (const store::RelationRow& relation : rows_.relations) {
    in_facts.insert(name_of_row_.at(relation.subject));
    in_facts.insert(name_of_row_.at(relation.object));
  }
  for (const store::ClaimRow& claim : rows_.claims) {
    in_facts.insert(name_of_row_.at(claim.subject));
    if (claim.object != 0) in_facts.insert(name_of_row_.at(claim.object));
  }
  for (auto& [name, found] : gathered_) {
    const auto count = static_cast<int64_t>(found.passages.size());
    const bool phrase = std::all_of(found.surfaces.begin(), found.surfaces.end(),
                                    [](const auto& s) { return is_plain_phrase(s.first); });
    if (phrase && count < options_.phrase_passages_min && !in_facts.contains(name)) continue;
    const auto number = static_cast<int32_t>(out_.entities_.size());
    number_.emplace(name, number);
    for (size_t i = 0; i < found.mentions.size(); ++i) {
      sentences_[{found.mentions[i].passage, found.sentences[i]}].insert(number);
    }
    const double share = static_cast<double>(count) / std::max(passages, 1.0);
    out_.entities_.push_back({.name = name,
                              .label = most_frequent(found.surfaces),
                              .aliases = {found.aliases.begin(), found.aliases.end()},
                              .mentions = std::move(found.mentions),
                              .passages = count,
                              .hub = count > kHubPassagesMin && share > options_.hub_share});
  }
  for (const store::PropertyRow& row : rows_.properties) {
    const auto owner = number_.find(name_of_row_.at(row.entity));
    if (owner != number_.end()) {
      out_.properties_.emplace(owner->second, std::pair(row.name, row.value));
    }
  }
}

void EntityGraph::Builder::add_facts() {
  using Key = std::tuple<int32_t, std::string, int32_t, std::string, std::string>;
  std::map<Key, GraphFact> facts;  // merged entities may say the same
  std::unordered_map<int64_t, GraphFact*> of_row;
  for (const store::RelationRow& row : rows_.relations) {
    const int32_t subject = number_.at(name_of_row_.at(row.subject));
    const int32_t object = number_.at(name_of_row_.at(row.object));
    if (subject == object) continue;  // both ends became one entity
    GraphFact& fact = facts[{subject, row.label, object, row.valid_from, row.valid_to}];
    fact.subject = subject;
    fact.label = row.label;
    fact.object = object;
    fact.valid_from = row.valid_from;
    fact.valid_to = row.valid_to;
    of_row.emplace(row.id, &fact);
  }
  for (const store::RelationEvidenceRow& row : rows_.evidence) {
    const auto fact = of_row.find(row.relation);
    if (fact == of_row.end()) continue;
    // A passage that proves a fact mentions its ends, so it has a number.
    fact->second->proof.push_back({out_.passage_of(row.chunk), row.char_from, row.char_to});
    fact->second->confidence = std::max(fact->second->confidence, row.confidence);
  }
  for (auto& [key, fact] : facts) out_.facts_.push_back(std::move(fact));
  end_superseded(out_.facts_, options_.functional);
}

void EntityGraph::Builder::add_claims() {
  for (const store::ClaimRow& row : rows_.claims) {
    GraphClaim claim{.subject = number_.at(name_of_row_.at(row.subject)),
                     .type = row.type,
                     .status = row.status,
                     .text = row.text,
                     .valid_from = row.valid_from,
                     .valid_to = row.valid_to,
                     .proof = {out_.passage_of(row.chunk), row.char_from, row.char_to}};
    // The passage mentions both ends, so who sees the claim sees them.
    if (row.object != 0) claim.object = number_.at(name_of_row_.at(row.object));
    out_.claims_.push_back(std::move(claim));
  }
  std::stable_sort(out_.claims_.begin(), out_.claims_.end(),
                   [](const GraphClaim& a, const GraphClaim& b) {
                     return std::tie(a.subject, a.proof.passage, a.text) <
                            std::tie(b.subject, b.proof.passage, b.text);
                   });
}

void EntityGraph::Builder::add_co_occurrences() {
  std::map<std::pair<int32_t, int32_t>, std::set<int32_t>> pairs;  // -> passages
  for (const auto& [place, members] : sentences_) {
    if (members.size() > kSentenceEntitiesMax) continue;
    for (auto a = members.begin(); a != members.end(); ++a) {
      for (auto b = std::next(a); b != members.end(); ++b) pairs[{*a, *b}].insert(place.first);
    }
  }
  const auto total = static_cast<double>(out_.passages_.size());
  for (const auto& [pair, passages] : pairs) {
    const auto together = static_cast<double>(passages.size());
    const auto a = static_cast<double>(out_.entities_[static_cast<size_t>(pair.first)].passages);
    const auto b = static_cast<double>(out_.entities_[static_cast<size_t>(pair.second)].passages);
    // ln(p(ab) / (p(a) p(b))) / -ln p(ab); two names that only ever come together have 1.
    const double surprise = -std::log(together / total);
    const double npmi = surprise > 0 ? std::log(together * total / (a * b)) / surprise : 0.0;
    if (npmi <= 0) continue;
    out_.co_occurrences_.push_back(
        {pair.first, pair.second, static_cast<int64_t>(passages.size()), std::min(npmi, 1.0)});
  }
}

void EntityGraph::Builder::index_names() {
  for (size_t e = 0; e < out_.entities_.size(); ++e) {
    const auto add = [&](const std::string& key) {
      std::vector<int32_t>& all = out_.by_key_[key];
      if (all.empty() || all.back() != static_cast<int32_t>(e)) {
        all.push_back(static_cast<int32_t>(e));
      }
      out_.key_words_max_ = std::max(out_.key_words_max_, key_words(key).size());
    };
    add(out_.entities_[e].name.key);
    for (const std::string& alias : out_.entities_[e].aliases) add(alias);
  }
}

void EntityGraph::Builder::join() {
  std::vector<graph::Edge> edges;
  const auto is_hub = [&](int32_t e) { return out_.entities_[static_cast<size_t>(e)].hub; };
  const auto add = [&](int32_t from, int32_t to, double weight) {
    if (weight > 0 && from != to) edges.push_back({from, to, weight});
  };
  for (size_t e = 0; e < out_.entities_.size(); ++e) {
    const auto entity = static_cast<int32_t>(e);
    if (is_hub(entity)) continue;
    int32_t last = -1;
    for (const GraphPlace& place : out_.entities_[e].mentions) {
      if (place.passage != last) {
        add(entity, out_.passage_node(place.passage), options_.passage_weight);
      }
      last = place.passage;
    }
  }
  for (const GraphFact& fact : out_.facts_) {
    if (is_hub(fact.subject) || is_hub(fact.object)) continue;
    add(fact.subject, fact.object,
        options_.fact_weight * static_cast<double>(std::max<size_t>(fact.proof.size(), 1)));
  }
  for (const CoOccurrence& tie : out_.co_occurrences_) {
    if (is_hub(tie.first) || is_hub(tie.second)) continue;
    add(tie.first, tie.second, options_.co_occurrence * tie.weight);
  }
  out_.walk_ =
      graph::undirected(static_cast<int64_t>(out_.entities_.size() + out_.passages_.size()), edges);
}

EntityGraph::EntityGraph(const store::GraphRows& rows, std::span<const store::Merge> merges,
                         const GraphOptions& options) {
  Builder(*this, rows, merges, options).build();
}

std::vector<std::pair<std::string, std::string>> EntityGraph::properties(int32_t entity) const {
  std::vector<std::pair<std::string, std::string>> all;
  const auto [begin, end] = properties_.equal_range(entity);
  for (auto at = begin; at != end; ++at) all.push_back(at->second);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

int32_t EntityGraph::passage_of(int64_t chunk) const {
  const auto at = std::lower_bound(passages_.begin(), passages_.end(), chunk);
  return at != passages_.end() && *at == chunk ? static_cast<int32_t>(at - passages_.begin()) : -1;
}

std::vector<int32_t> EntityGraph::find(std::string_view name) const {
  const auto known = by_key_.find(entity_key(name));
  return known == by_key_.end() ? std::vector<int32_t>() : known->second;
}

std::vector<int32_t> EntityGraph::spot(std::string_view text) const {
  const text::Segmenter segmenter;
  std::vector<text::Span> words = segmenter.words(text);
  std::vector<char> used(words.size(), 0);
  std::vector<int32_t> found;
  for (size_t length = std::min(key_words_max_ + 1, words.size()); length >= 1; --length) {
    for (size_t from = 0; from + length <= words.size(); ++from) {
      const size_t to = from + length;
      if (std::any_of(used.begin() + static_cast<std::ptrdiff_t>(from),
                      used.begin() + static_cast<std::ptrdiff_t>(to), [](char u) { return u; })) {
        continue;
      }
      const std::string_view span =
          text.substr(words[from].from, words[to - 1].to - words[from].from);
      if (length == 1 && is_english_function_word(text::fold_for_search(span))) continue;
      const auto known = by_key_.find(entity_key(span));
      if (known == by_key_.end()) continue;
      found.insert(found.end(), known->second.begin(), known->second.end());
      std::fill(used.begin() + static_cast<std::ptrdiff_t>(from),
                used.begin() + static_cast<std::ptrdiff_t>(to), char{1});
    }
  }
  return found;
}

}  // namespace ondol::ground

// What only a set of triples shows: counts, and what follows from relations.
#include <fmt/format.h>

#include <algorithm>

#include "ground/ontology.h"

namespace ondol::ground {
namespace {

using Ends = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

void check_at_most_one(const Ends& ends, const char* rule, const char* what,
                       std::vector<OntologyViolation>& out) {
  for (const auto& [key, others] : ends) {
    if (others.size() < 2) continue;
    out.push_back({rule, fmt::format("'{}' has {} {} of '{}'; expected at most one", key.second,
                                     others.size(), what, key.first)});
  }
}

// The objects a cardinality counts: of each subject, those of the wanted class.
std::map<std::string, std::set<std::string>> counted(const OntologyIndex& index,
                                                     const OntologyCardinality& rule,
                                                     std::span<const TypedTriple> triples) {
  std::map<std::string, std::set<std::string>> objects;
  for (const TypedTriple& t : triples) {
    if (t.relation != rule.relation) continue;
    if (!rule.object_class.empty() && !index.is_a(t.object_class, rule.object_class)) continue;
    objects[t.subject].insert(t.object);
  }
  return objects;
}

// Adds what is new; false when the limit is reached.
class Grower {
 public:
  Grower(std::span<const TypedTriple> given, size_t added_max)
      : all_(given.begin(), given.end()), added_max_(added_max) {}

  bool add(TypedTriple triple) {
    if (all_.contains(triple)) return true;
    if (added_.size() >= added_max_) return false;
    all_.insert(triple);
    added_.push_back(std::move(triple));
    return true;
  }
  const std::set<TypedTriple>& all() const { return all_; }
  std::vector<TypedTriple> take() {
    std::sort(added_.begin(), added_.end());
    return std::move(added_);
  }
  size_t size() const { return added_.size(); }

 private:
  std::set<TypedTriple> all_;
  std::vector<TypedTriple> added_;
  size_t added_max_;
};

TypedTriple turned(const TypedTriple& t, const std::string& relation) {
  return {t.object, t.object_class, relation, t.subject, t.subject_class};
}

bool add_single_steps(const OntologyIndex& index, Grower& grower) {
  const std::vector<TypedTriple> now(grower.all().begin(), grower.all().end());
  for (const TypedTriple& t : now) {
    const OntologyRelation* relation = index.find_relation(t.relation);
    if (relation == nullptr) continue;
    if (relation->symmetric && !grower.add(turned(t, t.relation))) return false;
    if (!relation->inverse.empty() && !grower.add(turned(t, relation->inverse))) return false;
    for (const std::string& parent : relation->parents) {
      if (!grower.add({t.subject, t.subject_class, parent, t.object, t.object_class})) return false;
    }
  }
  // An inverse is one in both directions, whichever of the two says so.
  for (const OntologyRelation& relation : index.ontology().relations) {
    if (relation.inverse.empty()) continue;
    for (const TypedTriple& t : now) {
      if (t.relation == relation.inverse && !grower.add(turned(t, relation.name))) return false;
    }
  }
  return true;
}

bool add_transitive(const OntologyIndex& index, Grower& grower) {
  for (const OntologyRelation& relation : index.ontology().relations) {
    if (!relation.transitive) continue;
    std::map<std::string, std::vector<TypedTriple>> from;
    for (const TypedTriple& t : grower.all()) {
      if (t.relation == relation.name) from[t.subject].push_back(t);
    }
    for (const auto& [subject, firsts] : from) {
      for (const TypedTriple& first : firsts) {
        const auto next = from.find(first.object);
        if (next == from.end()) continue;
        for (const TypedTriple& second : next->second) {
          if (second.object == subject) continue;  // a circle says nothing new
          if (!grower.add({subject, first.subject_class, relation.name, second.object,
                           second.object_class})) {
            return false;
          }
        }
      }
    }
  }
  return true;
}

}  // namespace

std::vector<OntologyViolation> OntologyIndex::check_counts(
    std::span<const TypedTriple> triples,
    const std::map<std::string, std::string>& classes_of_subjects) const {
  std::vector<OntologyViolation> out;
  Ends objects, subjects;
  for (const TypedTriple& t : triples) {
    const OntologyRelation* relation = find_relation(t.relation);
    const OntologyProperty* property = find_property(t.relation);
    const bool functional =
        (relation && relation->functional) || (property && property->functional);
    if (functional) objects[{t.relation, t.subject}].insert(t.object);
    if (relation && relation->inverse_functional) {
      subjects[{t.relation, t.object}].insert(t.subject);
    }
  }
  check_at_most_one(objects, "functional", "objects", out);
  check_at_most_one(subjects, "inverse functional", "subjects", out);
  for (const OntologyCardinality& rule : ontology_.cardinalities) {
    const auto have = counted(*this, rule, triples);
    for (const auto& [subject, class_name] : classes_of_subjects) {
      if (!is_a(class_name, rule.class_name)) continue;
      const auto found = have.find(subject);
      const auto count = found == have.end() ? 0 : static_cast<int64_t>(found->second.size());
      if (count >= rule.min && (!rule.max || count <= *rule.max)) continue;
      out.push_back(
          {"cardinality", fmt::format("the {} '{}' has {} of '{}'; expected {} to {}",
                                      rule.class_name, subject, count, rule.relation, rule.min,
                                      rule.max ? std::to_string(*rule.max) : "any number")});
    }
  }
  return out;
}

Inferred infer(const OntologyIndex& index, std::span<const TypedTriple> triples,
               const InferenceOptions& options) {
  Grower grower(triples, options.added_max);
  Inferred result;
  for (int round = 0;; ++round) {
    const size_t before = grower.size();
    const bool room = add_single_steps(index, grower) && add_transitive(index, grower);
    if (room && grower.size() == before) break;
    if (!room || round + 1 >= options.rounds_max) {
      result.complete = false;
      break;
    }
  }
  result.added = grower.take();
  return result;
}

}  // namespace ondol::ground

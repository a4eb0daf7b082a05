#include "ground/ontology.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"

namespace ondol::ground {
namespace {

constexpr std::array<std::string_view, 7> kDatatypes = {"string", "integer",  "decimal", "boolean",
                                                        "date",   "datetime", "iri"};
constexpr size_t kPatternMax = 1000;  // characters of a regular expression
constexpr size_t kDepthMax = 1000;    // of parents of parents
constexpr size_t kValueMax = 10000;   // of a value that is matched: std::regex recurses by length

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "[ontology] " + message);
}

template <class Items>
std::map<std::string, size_t, std::less<>> index_of(const Items& items, const char* what) {
  std::map<std::string, size_t, std::less<>> index;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].name.empty()) fail(fmt::format("a {} has no name", what));
    if (!index.emplace(items[i].name, i).second) {
      fail(fmt::format("the {} '{}' is defined twice; expected once", what, items[i].name));
    }
  }
  return index;
}

bool is_number(std::string_view text, double* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "2026-11-22", with a time behind it when `time`.
bool is_date(std::string_view text, bool time) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  const size_t size = time ? kShape.size() : 10;
  if (text.size() < size || (!time && text.size() != size)) return false;
  for (size_t i = 0; i < size; ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

bool has_datatype(std::string_view value, std::string_view datatype) {
  double number = 0;
  if (datatype == "integer") return is_integer(value);
  if (datatype == "decimal") return is_number(value, &number);
  if (datatype == "boolean") return value == "true" || value == "false";
  if (datatype == "date") return is_date(value, false);
  if (datatype == "datetime") return is_date(value, true);
  if (datatype == "iri") return value.find(':') != std::string_view::npos;
  return true;
}

}  // namespace

OntologyIndex::OntologyIndex(const Ontology& ontology)
    : ontology_(ontology),
      classes_(index_of(ontology.classes, "class")),
      relations_(index_of(ontology.relations, "relation")),
      properties_(index_of(ontology.properties, "property")) {
  check_names();
  for (const OntologyClass& c : ontology_.classes) {
    std::set<std::string> open;
    close_parents(c.name, open);
  }
  compile_patterns();
}

void OntologyIndex::need_class(const std::string& name, const std::string& where) const {
  if (name.empty() || classes_.contains(name)) return;
  fail(fmt::format("{} names the class '{}', which is not defined; expected one of the {} classes",
                   where, name, classes_.size()));
}

void OntologyIndex::check_names() const {
  for (const OntologyClass& c : ontology_.classes) {
    for (const std::string& parent : c.parents) need_class(parent, "class '" + c.name + "'");
    for (const std::string& other : c.disjoint_with) need_class(other, "class '" + c.name + "'");
  }
  const auto need_relation = [&](const std::string& name, const std::string& where) {
    if (name.empty() || relations_.contains(name) || properties_.contains(name)) return;
    fail(fmt::format("{} names the relation '{}', which is not defined", where, name));
  };
  for (const OntologyRelation& r : ontology_.relations) {
    const std::string where = "relation '" + r.name + "'";
    need_relation(r.inverse, where);
    for (const std::string& parent : r.parents) need_relation(parent, where);
    for (const RelationPattern& pattern : r.patterns) {
      need_class(pattern.subject, where);
      need_class(pattern.object, where);
    }
  }
  for (const OntologyProperty& p : ontology_.properties) {
    const std::string where = "property '" + p.name + "'";
    for (const std::string& name : p.classes) need_class(name, where);
    if (std::find(kDatatypes.begin(), kDatatypes.end(), p.datatype) == kDatatypes.end()) {
      fail(fmt::format("{} has the datatype '{}'; expected one of {}", where, p.datatype,
                       fmt::join(kDatatypes, ", ")));
    }
    if (p.min && p.max && *p.min > *p.max) fail(where + " has a minimum above its maximum");
  }
  for (const OntologyCardinality& c : ontology_.cardinalities) {
    need_class(c.class_name, "a cardinality");
    need_class(c.object_class, "a cardinality");
    need_relation(c.relation, "a cardinality");
    if (c.min < 0 || (c.max && *c.max < c.min)) {
      fail(fmt::format("the cardinality of '{}' in '{}' is empty", c.relation, c.class_name));
    }
  }
}

void OntologyIndex::close_parents(const std::string& name, std::set<std::string>& open) {
  if (ancestors_.contains(name)) return;
  if (!open.insert(name).second) fail(fmt::format("the class '{}' is above itself", name));
  if (open.size() > kDepthMax) fail(fmt::format("classes stand more than {} deep", kDepthMax));
  std::set<std::string> all = {name};
  for (const std::string& parent : ontology_.classes[classes_.at(name)].parents) {
    close_parents(parent, open);
    all.insert(ancestors_.at(parent).begin(), ancestors_.at(parent).end());
  }
  open.erase(name);
  ancestors_.emplace(name, std::move(all));
}

void OntologyIndex::compile_patterns() {
  for (const OntologyProperty& p : ontology_.properties) {
    if (p.pattern.empty()) continue;
    if (p.pattern.size() > kPatternMax) {
      fail(fmt::format("the pattern of '{}' is longer than {} characters", p.name, kPatternMax));
    }
    try {
      patterns_.emplace(p.name, std::regex(p.pattern));
    } catch (const std::regex_error& error) {
      fail(fmt::format("the pattern of '{}' is no regular expression ({}); got '{}'", p.name,
                       error.what(), p.pattern));
    }
  }
}

const OntologyClass* OntologyIndex::find_class(std::string_view name) const {
  const auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &ontology_.classes[found->second];
}
const OntologyRelation* OntologyIndex::find_relation(std::string_view name) const {
  const auto found = relations_.find(name);
  return found == relations_.end() ? nullptr : &ontology_.relations[found->second];
}
const OntologyProperty* OntologyIndex::find_property(std::string_view name) const {
  const auto found = properties_.find(name);
  return found == properties_.end() ? nullptr : &ontology_.properties[found->second];
}

const std::set<std::string>& OntologyIndex::ancestors(std::string_view name) const {
  static const std::set<std::string> kNone;
  const auto found = ancestors_.find(name);
  return found == ancestors_.end() ? kNone : found->second;
}

bool OntologyIndex::is_a(std::string_view name, std::string_view ancestor) const {
  return ancestors(name).contains(std::string(ancestor));
}

bool OntologyIndex::disjoint(std::string_view a, std::string_view b) const {
  const auto says = [&](std::string_view one, std::string_view other) {
    for (const std::string& above : ancestors(one)) {
      for (const std::string& apart : find_class(above)->disjoint_with) {
        if (is_a(other, apart)) return true;
      }
    }
    return false;
  };
  return says(a, b) || says(b, a);
}

bool OntologyIndex::allows(const RelationPattern& classes, const OntologyRelation& relation) const {
  const auto fits = [&](const std::string& have, const std::string& want) {
    return have.empty() || want.empty() || is_a(have, want);
  };
  return relation.patterns.empty() ||
         std::any_of(relation.patterns.begin(), relation.patterns.end(),
                     [&](const RelationPattern& pattern) {
                       return fits(classes.subject, pattern.subject) &&
                              fits(classes.object, pattern.object);
                     });
}

void OntologyIndex::check_restrictions(const TypedTriple& triple,
                                       std::vector<OntologyViolation>& out) const {
  if (triple.subject_class.empty() || triple.object_class.empty()) return;
  for (const OntologyRestriction& rule : ontology_.restrictions) {
    if (rule.kind != RestrictionKind::kAll || rule.relation != triple.relation) continue;
    if (!is_a(triple.subject_class, rule.class_name)) continue;
    const bool fits =
        std::any_of(rule.targets.begin(), rule.targets.end(),
                    [&](const std::string& t) { return is_a(triple.object_class, t); });
    if (!fits) {
      out.push_back({"all values",
                     fmt::format("every '{}' of a {} is one of {}; '{}' is a {}", triple.relation,
                                 rule.class_name, fmt::join(rule.targets, ", "), triple.object,
                                 triple.object_class)});
    }
  }
}

std::vector<OntologyViolation> OntologyIndex::check(const TypedTriple& triple) const {
  std::vector<OntologyViolation> out;
  for (const std::string* name : {&triple.subject_class, &triple.object_class}) {
    if (!name->empty() && find_class(*name) == nullptr) {
      out.push_back({"unknown class", fmt::format("'{}' is no class of the ontology", *name)});
    }
  }
  const OntologyRelation* relation = find_relation(triple.relation);
  if (relation == nullptr) {
    out.push_back(
        {"unknown relation", fmt::format("'{}' is no relation of the ontology", triple.relation)});
    return out;
  }
  if (out.empty() && !allows({triple.subject_class, triple.object_class}, *relation)) {
    out.push_back({"pattern", fmt::format("'{}' does not join {} and {}", triple.relation,
                                          triple.subject_class, triple.object_class)});
  }
  if (out.empty()) check_restrictions(triple, out);
  return out;
}

std::vector<OntologyViolation> OntologyIndex::check_value(std::string_view class_name,
                                                          std::string_view property,
                                                          std::string_view value) const {
  const OntologyProperty* p = find_property(property);
  if (p == nullptr) {
    return {{"unknown property", fmt::format("'{}' is no property of the ontology", property)}};
  }
  std::vector<OntologyViolation> out;
  const auto breaks = [&](const char* rule, const std::string& text) {
    out.push_back({rule, fmt::format("'{}' of '{}' {}", value.substr(0, 100), property, text)});
  };
  if (!p->classes.empty() && !class_name.empty() &&
      std::none_of(p->classes.begin(), p->classes.end(),
                   [&](const std::string& c) { return is_a(class_name, c); })) {
    breaks("pattern", fmt::format("stands on a {}, which has no such property", class_name));
  }
  if (!has_datatype(value, p->datatype)) {
    breaks("datatype", "is no " + p->datatype);
  } else if (p->min || p->max) {
    double number = 0;
    if (!is_number(value, &number))
      breaks("range", "is no number");
    else if (p->min && number < *p->min)
      breaks("range", fmt::format("is below {}", *p->min));
    else if (p->max && number > *p->max)
      breaks("range", fmt::format("is above {}", *p->max));
  }
  if (const auto pattern = patterns_.find(property); pattern != patterns_.end()) {
    if (value.size() > kValueMax ||
        !std::regex_match(value.begin(), value.end(), pattern->second)) {
      breaks("value pattern", "does not match " + p->pattern);
    }
  }
  if (!p->values.empty() &&
      std::find(p->values.begin(), p->values.end(), value) == p->values.end()) {
    breaks("values", fmt::format("is none of {}", fmt::join(p->values, ", ")));
  }
  return out;
}

}  // namespace ondol::ground

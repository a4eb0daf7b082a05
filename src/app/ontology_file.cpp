#include "app/ontology_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/nearest.h"
#include "ground/kg/owl_import.h"

namespace ondol::app {
namespace {

[[noreturn]] void fault(const std::string& source, const toml::node& node,
                        const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[ontology] {}:{}: {}", source, node.source().begin.line, what));
}

// The keys of one table, each read once; what is left over is a fault.
class Keys {
 public:
  Keys(const toml::node& node, std::string where, const std::string& source)
      : where_(std::move(where)), source_(source) {
    if (!node.is_table()) fault(source, node, where_ + " is no table");
    table_ = node.as_table();
  }

  template <class T>
  bool read(const char* key, T& out, const char* expected) {
    const toml::node* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->value_exact<T>();
    if (!value) fault(source_, *node, fmt::format("{}.{} is not {}", where_, key, expected));
    out = *value;
    return true;
  }
  void text(const char* key, std::string& out) { read(key, out, "a text"); }
  void flag(const char* key, bool& out) { read(key, out, "true or false"); }
  void number(const char* key, std::optional<double>& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_number()) fault(source_, *node, fmt::format("{}.{} is no number", where_, key));
    out = node->value<double>();
  }
  void count(const char* key, std::optional<int64_t>& out) {
    int64_t value = 0;
    if (read(key, value, "a whole number")) out = value;
  }
  bool texts(const char* key, std::vector<std::string>& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return false;
    out = texts_of(*node, key);
    return true;
  }
  void label(ground::OntologyLabels& out) {
    const toml::node* node = find("label");
    if (node == nullptr) return;
    if (const auto text = node->value_exact<std::string>()) {
      out[""] = *text;
      return;
    }
    if (!node->is_table()) fault(source_, *node, where_ + ".label is neither a text nor a table");
    for (const auto& [language, name] : *node->as_table()) {
      const auto text = name.value_exact<std::string>();
      if (!text) fault(source_, name, where_ + ".label holds something that is no text");
      out[std::string(language.str())] = *text;
    }
  }
  void patterns(std::vector<ground::RelationPattern>& out) {
    const toml::node* node = find("patterns");
    if (node == nullptr) return;
    const std::string expected = where_ + ".patterns is no list of [subject, object] pairs";
    if (!node->is_array()) fault(source_, *node, expected);
    for (const toml::node& one : *node->as_array()) {
      const std::vector<std::string> pair = texts_of(one, "patterns");
      if (pair.size() != 2) fault(source_, one, expected);
      out.push_back({pair[0], pair[1]});
    }
  }
  void refuse_others() const {
    for (const auto& [key, node] : *table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      fault(source_, node,
            fmt::format("{} has the unknown key '{}'; did you mean '{}'?", where_, key.str(),
                        nearest_of(key.str(), known_)));
    }
  }

 private:
  const toml::node* find(const char* key) {
    known_.emplace_back(key);
    return table_->get(key);
  }
  std::vector<std::string> texts_of(const toml::node& node, const char* key) const {
    const std::string expected = fmt::format("{}.{} is no list of texts", where_, key);
    if (!node.is_array()) fault(source_, node, expected);
    std::vector<std::string> all;
    for (const toml::node& one : *node.as_array()) {
      const auto text = one.value_exact<std::string>();
      if (!text) fault(source_, one, expected);
      all.push_back(*text);
    }
    return all;
  }

  const toml::table* table_ = nullptr;
  std::string where_;
  const std::string& source_;
  std::vector<std::string_view> known_;
};

ground::OntologyClass read_class(const std::string& name, Keys keys) {
  ground::OntologyClass c{.name = name};
  keys.text("iri", c.iri);
  keys.label(c.labels);
  keys.texts("parents", c.parents);
  keys.texts("disjoint", c.disjoint_with);
  keys.refuse_others();
  return c;
}

ground::OntologyRelation read_relation(const std::string& name, Keys keys) {
  ground::OntologyRelation r{.name = name};
  keys.text("iri", r.iri);
  keys.label(r.labels);
  keys.texts("parents", r.parents);
  keys.patterns(r.patterns);
  keys.flag("functional", r.functional);
  keys.flag("inverse_functional", r.inverse_functional);
  keys.flag("symmetric", r.symmetric);
  keys.flag("transitive", r.transitive);
  keys.text("inverse", r.inverse);
  keys.refuse_others();
  return r;
}

ground::OntologyProperty read_property(const std::string& name, Keys keys) {
  ground::OntologyProperty p{.name = name};
  keys.text("iri", p.iri);
  keys.label(p.labels);
  keys.texts("classes", p.classes);
  keys.text("datatype", p.datatype);
  keys.number("min", p.min);
  keys.number("max", p.max);
  keys.text("pattern", p.pattern);
  keys.texts("values", p.values);
  keys.flag("functional", p.functional);
  keys.refuse_others();
  return p;
}

ground::OntologyCardinality read_cardinality(Keys keys) {
  ground::OntologyCardinality c;
  keys.text("class", c.class_name);
  keys.text("relation", c.relation);
  keys.text("of", c.object_class);
  std::optional<int64_t> min;
  keys.count("min", min);
  c.min = min.value_or(0);
  keys.count("max", c.max);
  keys.refuse_others();
  return c;
}

ground::OntologyRestriction read_restriction(const toml::node& node, const std::string& source) {
  Keys keys(node, "restriction", source);
  ground::OntologyRestriction r;
  keys.text("class", r.class_name);
  keys.text("relation", r.relation);
  int kinds = 0;
  std::vector<std::string> some, all;
  std::string value;
  if (keys.texts("some", some)) ++kinds, r.targets = some;
  if (keys.texts("all", all)) ++kinds, r.targets = all, r.kind = ground::RestrictionKind::kAll;
  if (keys.read("value", value, "a text")) {
    ++kinds, r.targets = {value}, r.kind = ground::RestrictionKind::kValue;
  }
  keys.refuse_others();
  if (kinds != 1) fault(source, node, "a restriction has one of some, all and value");
  return r;
}

// The tables below a name, in the order of the file (toml++ sorts keys).
std::vector<std::pair<std::string, const toml::node*>> named(const toml::node& node,
                                                             const std::string& what,
                                                             const std::string& source) {
  if (!node.is_table())
    fault(source, node, fmt::format("'{}' is no table; try [{}.NAME]", what, what));
  std::vector<std::pair<std::string, const toml::node*>> all;
  for (const auto& [key, one] : *node.as_table()) all.emplace_back(key.str(), &one);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second->source().begin.line < b.second->source().begin.line;
  });
  return all;
}

std::vector<const toml::node*> listed(const toml::node& node, const std::string& what,
                                      const std::string& source) {
  if (!node.is_array()) fault(source, node, fmt::format("'{}' is no list; try [[{}]]", what, what));
  std::vector<const toml::node*> all;
  for (const toml::node& one : *node.as_array()) all.push_back(&one);
  return all;
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + quoted(text);
  return "[" + out + "]";
}

void put_text(std::string& out, const char* key, const std::string& value) {
  if (!value.empty()) out += fmt::format("{} = {}\n", key, quoted(value));
}
void put_list(std::string& out, const char* key, const std::vector<std::string>& values) {
  if (!values.empty()) out += fmt::format("{} = {}\n", key, list_of(values));
}
void put_flag(std::string& out, const char* key, bool value) {
  if (value) out += fmt::format("{} = true\n", key);
}
void put_label(std::string& out, const ground::OntologyLabels& labels) {
  if (labels.empty()) return;
  std::string inside;
  for (const auto& [language, name] : labels) {
    inside += fmt::format("{}{} = {}", inside.empty() ? "" : ", ", quoted(language), quoted(name));
  }
  out += fmt::format("label = {{ {} }}\n", inside);
}

std::string relation_toml(const ground::OntologyRelation& r) {
  std::string out = fmt::format("\n[relation.{}]\n", quoted(r.name));
  put_text(out, "iri", r.iri);
  put_label(out, r.labels);
  put_list(out, "parents", r.parents);
  if (!r.patterns.empty()) {
    out += "patterns = [";
    for (const auto& pattern : r.patterns) out += list_of({pattern.subject, pattern.object}) + ", ";
    out += "]\n";
  }
  put_flag(out, "functional", r.functional);
  put_flag(out, "inverse_functional", r.inverse_functional);
  put_flag(out, "symmetric", r.symmetric);
  put_flag(out, "transitive", r.transitive);
  put_text(out, "inverse", r.inverse);
  return out;
}

std::string property_toml(const ground::OntologyProperty& p) {
  std::string out = fmt::format("\n[property.{}]\n", quoted(p.name));
  put_text(out, "iri", p.iri);
  put_label(out, p.labels);
  put_list(out, "classes", p.classes);
  put_text(out, "datatype", p.datatype);
  if (p.min) out += fmt::format("min = {}\n", *p.min);
  if (p.max) out += fmt::format("max = {}\n", *p.max);
  put_text(out, "pattern", p.pattern);
  put_list(out, "values", p.values);
  put_flag(out, "functional", p.functional);
  return out;
}

}  // namespace

ground::Ontology parse_ontology(std::string_view toml, const std::string& source) {
  toml::table root;
  try {
    root = toml::parse(toml);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[ontology] {}:{}: {}", source, error.source().begin.line,
                            error.description()));
  }
  ground::Ontology ontology;
  for (const auto& [key, node] : root) {
    const std::string what(key.str());
    const auto keys = [&](const std::string& name, const toml::node& one) {
      return Keys(one, what + "." + name, source);
    };
    if (what == "class") {
      for (const auto& [name, one] : named(node, what, source)) {
        ontology.classes.push_back(read_class(name, keys(name, *one)));
      }
    } else if (what == "relation") {
      for (const auto& [name, one] : named(node, what, source)) {
        ontology.relations.push_back(read_relation(name, keys(name, *one)));
      }
    } else if (what == "property") {
      for (const auto& [name, one] : named(node, what, source)) {
        ontology.properties.push_back(read_property(name, keys(name, *one)));
      }
    } else if (what == "cardinality") {
      for (const toml::node* one : listed(node, what, source)) {
        ontology.cardinalities.push_back(read_cardinality(Keys(*one, what, source)));
      }
    } else if (what == "restriction") {
      for (const toml::node* one : listed(node, what, source)) {
        ontology.restrictions.push_back(read_restriction(*one, source));
      }
    } else {
      fault(source, node,
            fmt::format("unknown table '{}'; expected class, relation, property, "
                        "cardinality or restriction",
                        what));
    }
  }
  return ontology;
}

LoadedOntology load_ontology(const std::filesystem::path& path) {
  LoadedOntology loaded;
  if (path.extension() == ".toml") {
    loaded.ontology = parse_ontology(read_file(path), path.string());
  } else {
    ground::OntologyImport read = ground::import_ontology(path);
    loaded.ontology = std::move(read.ontology);
    loaded.not_understood = std::move(read.not_understood);
  }
  const ground::OntologyIndex checked(loaded.ontology);  // says what does not hold together
  return loaded;
}

std::string ontology_toml(const ground::Ontology& ontology) {
  std::string out;
  for (const ground::OntologyClass& c : ontology.classes) {
    out += fmt::format("\n[class.{}]\n", quoted(c.name));
    put_text(out, "iri", c.iri);
    put_label(out, c.labels);
    put_list(out, "parents", c.parents);
    put_list(out, "disjoint", c.disjoint_with);
  }
  for (const auto& relation : ontology.relations) out += relation_toml(relation);
  for (const auto& property : ontology.properties) out += property_toml(property);
  for (const ground::OntologyCardinality& c : ontology.cardinalities) {
    out += "\n[[cardinality]]\n";
    put_text(out, "class", c.class_name);
    put_text(out, "relation", c.relation);
    out += fmt::format("min = {}\n", c.min);
    if (c.max) out += fmt::format("max = {}\n", *c.max);
    put_text(out, "of", c.object_class);
  }
  for (const ground::OntologyRestriction& r : ontology.restrictions) {
    out += "\n[[restriction]]\n";
    put_text(out, "class", r.class_name);
    put_text(out, "relation", r.relation);
    if (r.kind == ground::RestrictionKind::kValue)
      put_text(out, "value", r.targets.at(0));
    else
      put_list(out, r.kind == ground::RestrictionKind::kAll ? "all" : "some", r.targets);
  }
  return out.empty() ? out : out.substr(1);
}

}  // namespace ondol::app

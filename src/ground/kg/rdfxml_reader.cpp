#include "ground/kg/rdfxml_reader.h"

#include <fmt/format.h>
#include <serd/serd.h>

#include <map>
#include <pugixml.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using store::KgTerm;
using store::KgTermKind;

constexpr const char* kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
constexpr const char* kXml = "http://www.w3.org/XML/1998/namespace";
constexpr size_t kExpandedMax = size_t{256} << 20;  // with entities put in

std::string rdf(std::string_view name) { return kRdf + std::string(name); }

[[noreturn]] void fail(const std::string& got) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[kg] this is no RDF/XML; got {}, expected what W3C's RDF 1.1 XML Syntax "
                          "describes; try converting it to Turtle",
                          got));
}

// <!ENTITY name "value"> of the internal subset. pugixml knows only XML's own five.
std::map<std::string, std::string> entities_of(std::string_view bytes) {
  std::map<std::string, std::string> entities;
  const size_t begin = bytes.find("<!DOCTYPE");
  if (begin == std::string_view::npos) return entities;
  const size_t end = std::min(bytes.find("]>", begin), bytes.size());
  std::string_view subset = bytes.substr(begin, end - begin);
  for (size_t at; (at = subset.find("<!ENTITY")) != std::string_view::npos;) {
    subset.remove_prefix(at + 8);
    const size_t open = subset.find_first_of("\"'>");
    if (open == std::string_view::npos || subset[open] == '>') continue;
    const size_t close = subset.find(subset[open], open + 1);
    if (close == std::string_view::npos) break;
    const size_t from = subset.find_first_not_of(" \t\r\n");
    const size_t to = subset.find_first_of(" \t\r\n", from);
    const std::string value(subset.substr(open + 1, close - open - 1));
    // An entity made of entities can grow without end; ontologies do not use them.
    if (value.find('&') != std::string::npos) fail("an entity made of other entities");
    if (to < open) entities.emplace(subset.substr(from, to - from), value);
    subset.remove_prefix(close);
  }
  return entities;
}

std::string with_entities(std::string_view bytes) {
  const std::map<std::string, std::string> entities = entities_of(bytes);
  if (entities.empty()) return std::string(bytes);
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t sign = std::min(bytes.find('&', at), bytes.size());
    out.append(bytes.substr(at, sign - at));
    if (out.size() > kExpandedMax) fail("entities that make more than 256 MiB");
    if (sign == bytes.size()) break;
    const size_t end = bytes.find(';', sign);
    const auto found = end == std::string_view::npos
                           ? entities.end()
                           : entities.find(std::string(bytes.substr(sign + 1, end - sign - 1)));
    if (found == entities.end()) {
      out += '&';
      at = sign + 1;
    } else {
      out += found->second;
      at = end + 1;
    }
  }
  return out;
}

// What an element inherits.
struct Scope {
  std::string base;
  std::string language;
  int depth = 0;
};

class XmlReader {
 public:
  XmlReader(const RdfOptions& options, const OnTriple& on_triple)
      : options_(options), on_triple_(on_triple) {}

  void document(const pugi::xml_document& document) {
    const pugi::xml_node root = document.document_element();
    if (!root) fail("no element");
    const Scope scope = enter(root, {options_.base, "", 0});
    if (name_of(root) != rdf("RDF")) {
      node_element(root, {options_.base, "", 0});
      return;
    }
    for (const pugi::xml_node child : elements(root)) node_element(child, scope);
  }

 private:
  static std::vector<pugi::xml_node> elements(const pugi::xml_node& node) {
    std::vector<pugi::xml_node> all;
    for (const pugi::xml_node child : node.children()) {
      if (child.type() == pugi::node_element) all.push_back(child);
    }
    return all;
  }

  // The namespace of a prefix, from the element or the nearest one above that declares it.
  static std::string namespace_of(pugi::xml_node node, const std::string& prefix) {
    if (prefix == "xml") return kXml;
    const std::string key = prefix.empty() ? "xmlns" : "xmlns:" + prefix;
    for (; node; node = node.parent()) {
      if (const auto declared = node.attribute(key.c_str())) return declared.value();
    }
    if (!prefix.empty()) fail("the undeclared prefix '" + prefix + "'");
    return "";
  }

  static std::string name_of(const pugi::xml_node& node) { return whole(node, node.name(), true); }

  static std::string whole(const pugi::xml_node& node, const std::string& name, bool element) {
    const size_t colon = name.find(':');
    if (colon == std::string::npos) return (element ? namespace_of(node, "") : "") + name;
    return namespace_of(node, name.substr(0, colon)) + name.substr(colon + 1);
  }

  // What rdf:ID and rdf:nodeID may be: a letter or _ first, and no sign that a name cannot have.
  static bool is_name(const std::string& text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '.') {
      return false;
    }
    return text.find_first_of(" \t\r\n:/#?&<>\"'()[]{}!,;=+*%$@^|\\`~") == std::string::npos;
  }
  // RDF 1.1 XML Syntax, 5.1: names of the syntax itself name neither nodes nor properties.
  static bool is_core(const std::string& name) {
    for (const char* core : {"RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype",
                             "aboutEach", "aboutEachPrefix", "bagID"}) {
      if (name == rdf(core)) return true;
    }
    return false;
  }
  static void need_one_of(const std::map<std::string, std::string>& attributes,
                          std::initializer_list<const char*> names, const pugi::xml_node& node) {
    int found = 0;
    for (const char* name : names) found += attributes.contains(rdf(name));
    if (found > 1) fail(fmt::format("two attributes in <{}> that exclude each other", node.name()));
  }

  // Attributes by their whole names; those of XML and namespaces left out.
  static std::map<std::string, std::string> attributes_of(const pugi::xml_node& node) {
    std::map<std::string, std::string> all;
    for (const pugi::xml_attribute attribute : node.attributes()) {
      const std::string name = attribute.name();
      if (name.starts_with("xml")) continue;
      // "about" without a prefix was allowed in 1999 and is still met.
      const bool old = name == "about" || name == "ID" || name == "resource";
      if (name.find(':') == std::string::npos && !old) continue;
      all[old ? rdf(name) : whole(node, name, false)] = attribute.value();
    }
    for (const char* never : {"aboutEach", "aboutEachPrefix", "bagID", "li", "Description"}) {
      if (all.contains(rdf(never))) fail(fmt::format("the attribute rdf:{}", never));
    }
    for (const char* name : {"ID", "nodeID"}) {
      const auto found = all.find(rdf(name));
      if (found != all.end() && !is_name(found->second)) {
        fail(fmt::format("the rdf:{} '{}'", name, found->second));
      }
    }
    return all;
  }

  Scope enter(const pugi::xml_node& node, Scope scope) {
    if (const auto base = node.attribute("xml:base")) {
      scope.base = resolve_iri(base.value(), scope.base);
    }
    if (const auto language = node.attribute("xml:lang")) {
      scope.language = language.value();
      for (char& c : scope.language)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (++scope.depth > options_.nesting_max) {
      fail(fmt::format("elements deeper than {}", options_.nesting_max));
    }
    return scope;
  }

  static KgTerm iri(std::string text) { return {.text = std::move(text)}; }
  KgTerm fresh() {
    return {.kind = KgTermKind::kBlank,
            .text = fmt::format("{}genid{}", options_.blank_prefix, ++blanks_)};
  }
  KgTerm named_blank(const std::string& name) {
    return {.kind = KgTermKind::kBlank, .text = options_.blank_prefix + name};
  }
  static KgTerm literal(std::string text, const std::string& language) {
    return {.kind = KgTermKind::kLiteral, .text = std::move(text), .language = language};
  }
  KgTerm id_of(const std::string& id, const Scope& scope) {
    const std::string whole_id = resolve_iri("#" + id, scope.base);
    if (!ids_.insert(whole_id).second) fail("the rdf:ID '" + id + "' twice");
    return iri(whole_id);
  }

  KgTerm subject_of(const std::map<std::string, std::string>& attributes, const Scope& scope) {
    const auto get = [&](const char* name) {
      const auto found = attributes.find(rdf(name));
      return found == attributes.end() ? nullptr : &found->second;
    };
    if (const std::string* about = get("about")) return iri(resolve_iri(*about, scope.base));
    if (const std::string* id = get("ID")) return id_of(*id, scope);
    if (const std::string* blank = get("nodeID")) return named_blank(*blank);
    return fresh();
  }

  void property_attributes(const KgTerm& subject,
                           const std::map<std::string, std::string>& attributes,
                           const Scope& scope) {
    for (const auto& [name, value] : attributes) {
      if (name == rdf("type")) {
        on_triple_(subject, iri(name), iri(resolve_iri(value, scope.base)));
      } else if (!kSyntax.contains(name)) {
        on_triple_(subject, iri(name), literal(value, scope.language));
      }
    }
  }

  KgTerm node_element(const pugi::xml_node& node, const Scope& outer) {
    const Scope scope = enter(node, outer);
    const auto attributes = attributes_of(node);
    need_one_of(attributes, {"ID", "nodeID", "about"}, node);
    const KgTerm subject = subject_of(attributes, scope);
    const std::string name = name_of(node);
    if (name != rdf("Description")) {
      if (name == rdf("li") || is_core(name)) fail("a node called " + name);
      on_triple_(subject, iri(rdf("type")), iri(name));
    }
    property_attributes(subject, attributes, scope);
    property_elements(node, subject, scope);
    return subject;
  }

  void property_elements(const pugi::xml_node& node, const KgTerm& subject, const Scope& scope) {
    int item = 0;
    for (const pugi::xml_node child : elements(node)) {
      std::string name = name_of(child);
      if (name == rdf("li")) name = rdf(fmt::format("_{}", ++item));
      if (name == rdf("Description") || is_core(name)) fail("a property called " + name);
      property_element(child, subject, name, scope);
    }
  }

  void property_element(const pugi::xml_node& node, const KgTerm& subject, const std::string& name,
                        const Scope& outer) {
    const Scope scope = enter(node, outer);
    const auto attributes = attributes_of(node);
    need_one_of(attributes, {"resource", "nodeID", "parseType"}, node);
    need_one_of(attributes, {"datatype", "parseType"}, node);
    const KgTerm predicate = iri(name);
    const KgTerm object = object_of(node, attributes, scope);
    on_triple_(subject, predicate, object);
    if (const auto id = attributes.find(rdf("ID")); id != attributes.end()) {
      const KgTerm statement = id_of(id->second, scope);
      on_triple_(statement, iri(rdf("type")), iri(rdf("Statement")));
      on_triple_(statement, iri(rdf("subject")), subject);
      on_triple_(statement, iri(rdf("predicate")), predicate);
      on_triple_(statement, iri(rdf("object")), object);
    }
  }

  KgTerm object_of(const pugi::xml_node& node, const std::map<std::string, std::string>& attributes,
                   const Scope& scope) {
    const auto get = [&](const char* name) {
      const auto found = attributes.find(rdf(name));
      return found == attributes.end() ? nullptr : &found->second;
    };
    const std::vector<pugi::xml_node> inside = elements(node);
    if (const std::string* kind = get("parseType")) return parsed(node, *kind, inside, scope);
    if (const std::string* type = get("datatype")) {
      KgTerm value = literal(text_of(node), "");
      const std::string datatype = resolve_iri(*type, scope.base);
      if (datatype != "http://www.w3.org/2001/XMLSchema#string") value.datatype = datatype;
      return value;
    }
    if (inside.size() > 1) fail(fmt::format("{} values in one <{}>", inside.size(), node.name()));
    if (inside.size() == 1) return node_element(inside[0], scope);
    const bool empty = text_of(node).empty();
    bool own = false;
    for (const auto& [name, value] : attributes)
      own = own || name == rdf("type") || !kSyntax.contains(name);
    const std::string* resource = get("resource");
    const std::string* blank = get("nodeID");
    if (resource == nullptr && blank == nullptr && !(empty && own)) {
      return literal(text_of(node), scope.language);
    }
    const KgTerm object = resource ? iri(resolve_iri(*resource, scope.base))
                          : blank  ? named_blank(*blank)
                                   : fresh();
    property_attributes(object, attributes, scope);
    return object;
  }

  KgTerm parsed(const pugi::xml_node& node, const std::string& kind,
                const std::vector<pugi::xml_node>& inside, const Scope& scope) {
    if (kind == "Resource") {
      const KgTerm object = fresh();
      property_elements(node, object, scope);
      return object;
    }
    if (kind != "Collection") {  // Literal, and what is not known, which is to be taken for it
      struct Writer final : pugi::xml_writer {
        void write(const void* data, size_t size) override {
          text.append(static_cast<const char*>(data), size);
        }
        std::string text;
      } writer;
      for (const pugi::xml_node child : node.children()) {
        child.print(writer, "", pugi::format_raw | pugi::format_no_declaration);
      }
      KgTerm value = literal(writer.text, "");
      value.datatype = rdf("XMLLiteral");
      return value;
    }
    KgTerm list = iri(rdf("nil"));
    for (auto item = inside.rbegin(); item != inside.rend(); ++item) {
      const KgTerm cell = fresh();
      on_triple_(cell, iri(rdf("first")), node_element(*item, scope));
      on_triple_(cell, iri(rdf("rest")), list);
      list = cell;
    }
    return list;
  }

  static std::string text_of(const pugi::xml_node& node) {
    std::string text;
    for (const pugi::xml_node child : node.children()) {
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata)
        text += child.value();
    }
    return text;
  }

  static inline const std::set<std::string> kSyntax = {
      rdf("RDF"),    rdf("ID"),       rdf("about"),    rdf("parseType"),
      rdf("nodeID"), rdf("resource"), rdf("datatype"), rdf("type")};
  const RdfOptions& options_;
  const OnTriple& on_triple_;
  int64_t blanks_ = 0;
  std::set<std::string> ids_;
};

}  // namespace

std::string resolve_iri(const std::string& relative, const std::string& base) {
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const uint8_t*>(text.c_str());
  };
  if (base.empty() || serd_uri_string_has_scheme(bytes(relative))) return relative;
  SerdURI whole_base = SERD_URI_NULL, part = SERD_URI_NULL;
  // A fragment of the base is no part of what is resolved against it (RFC 3986, 5.1).
  const std::string plain_base = base.substr(0, base.find('#'));
  if (serd_uri_parse(bytes(plain_base), &whole_base) != SERD_SUCCESS ||
      serd_uri_parse(bytes(relative), &part) != SERD_SUCCESS) {
    return relative;
  }
  if (relative.empty()) return plain_base;
  SerdURI unused = SERD_URI_NULL;
  SerdNode node = serd_node_new_uri(&part, &whole_base, &unused);
  std::string out(reinterpret_cast<const char*>(node.buf), node.n_bytes);
  serd_node_free(&node);
  return out;
}

void read_rdfxml(std::string_view bytes, const RdfOptions& options, const OnTriple& on_triple) {
  if (const auto at = text::invalid_utf8_offset(bytes)) {
    fail(fmt::format("a byte that is not UTF-8 at {}", *at));
  }
  const std::string whole = with_entities(bytes);
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(whole.data(), whole.size(),
                           pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
  if (!parsed) fail(fmt::format("'{}' at byte {}", parsed.description(), parsed.offset));
  XmlReader(options, on_triple).document(document);
}

}  // namespace ondol::ground

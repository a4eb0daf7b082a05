// N-Triples (W3C, 2014). IRIs are made from names; a fact is one triple, and a reified statement
// that says which documents prove it, with the sentence.
#include <fmt/format.h>

#include <set>

#include "app/graph_exchange.h"
#include "text/segment.h"
#include "text/utf8.h"

namespace ondol::app {
namespace {

std::string iri(std::string_view begin, std::string_view name) {
  return fmt::format("<{}{}>", begin, iri_part(name));
}

// An entity's IRI holds its class, as namesakes of another class are other entities.
std::string entity_iri(const store::EntityName& name) {
  return fmt::format("<{}{}{}>", kEntityIri, iri_part(name.key),
                     name.type.empty() ? "" : ":" + iri_part(name.type));
}

std::string literal(std::string_view raw, std::string_view language = "") {
  std::string out = "\"";
  for (const char c : valid_utf8(raw)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"" + (language.empty() ? "" : "@" + std::string(language));
}

bool has_hangul(std::string_view name) {
  for (size_t at = 0; at < name.size();) {
    const text::Utf8Char c = text::read_utf8(name, at);
    if (c.code < 0x110000 && text::script_of(c.code) == text::Script::kHangul) return true;
    at += c.size;
  }
  return false;
}

// Korean by its letters; else the language of the first document that names it, if it is a tag.
std::string language_of(const ExchangeGraph& from, const ground::GraphEntity& entity,
                        std::string_view name) {
  if (has_hangul(name)) return "ko";
  for (const ground::GraphPlace& place : entity.mentions) {
    const store::ChunkView* const view = from.passage(place.passage);
    if (view == nullptr || view->language.empty() || view->language == "ko") continue;
    const bool tag =
        view->language.size() <= 8 && std::all_of(view->language.begin(), view->language.end(),
                                                  [](char c) { return c >= 'a' && c <= 'z'; });
    return tag ? view->language : "";
  }
  return "";
}

std::string triple(std::string_view subject, std::string_view predicate, std::string_view object) {
  return fmt::format("{} {} {} .\n", subject, predicate, object);
}

std::string predicate(std::string_view space, std::string_view name) {
  return fmt::format("<{}{}>", space, name);
}

std::string entity_triples(const ExchangeGraph& from, size_t e) {
  const ground::GraphEntity& entity = from.graph.entities()[e];
  const std::string subject = entity_iri(entity.name);
  std::string out = triple(subject, predicate(kRdfs, "label"),
                           literal(from.names[e], language_of(from, entity, from.names[e])));
  if (!entity.name.type.empty()) {
    out += triple(subject, predicate(kRdf, "type"), iri(kClassIri, entity.name.type));
  }
  for (const std::string& alias : entity.aliases) {
    out += triple(subject, predicate(kSkos, "altLabel"),
                  literal(alias, language_of(from, entity, alias)));
  }
  for (const auto& [name, value] : from.graph.properties(static_cast<int32_t>(e))) {
    out += triple(subject, iri(fmt::format("{}property-", kTermIri), name), literal(value));
  }
  return out;
}

std::string fact_triples(const ExchangeGraph& from, const ground::GraphFact& fact, size_t number) {
  const std::string subject = entity_iri(from.entity(fact.subject).name);
  const std::string object = entity_iri(from.entity(fact.object).name);
  const std::string relation = iri(kRelationIri, fact.label);
  const std::string statement = fmt::format("_:f{}", number);
  std::string out = triple(subject, relation, object) +
                    triple(statement, predicate(kRdf, "type"), predicate(kRdf, "Statement")) +
                    triple(statement, predicate(kRdf, "subject"), subject) +
                    triple(statement, predicate(kRdf, "predicate"), relation) +
                    triple(statement, predicate(kRdf, "object"), object);
  for (const std::string& uri : from.documents_of(fact.proof)) {
    out += triple(statement, predicate(kTermIri, "document"), iri(kDocumentIri, uri));
  }
  for (const ground::GraphPlace& place : fact.proof) {
    const std::string quote = from.quote(place);
    if (!quote.empty()) out += triple(statement, predicate(kTermIri, "quote"), literal(quote));
  }
  if (!fact.valid_from.empty()) {
    out += triple(statement, predicate(kTermIri, "validFrom"), literal(fact.valid_from));
  }
  if (!fact.valid_to.empty()) {
    out += triple(statement, predicate(kTermIri, "validTo"), literal(fact.valid_to));
  }
  return out;
}

}  // namespace

std::vector<ExportFile> triples_files(const ExchangeGraph& from) {
  std::string out;
  for (size_t e = 0; e < from.names.size(); ++e) out += entity_triples(from, e);
  std::set<std::string> relations;
  for (size_t f = 0; f < from.graph.facts().size(); ++f) {
    const ground::GraphFact& fact = from.graph.facts()[f];
    out += fact_triples(from, fact, f);
    relations.insert(fact.label);
  }
  for (const std::string& label : relations) {
    out += triple(iri(kRelationIri, label), predicate(kRdfs, "label"),
                  literal(label, has_hangul(label) ? "ko" : ""));
  }
  return {{"", std::move(out)}};
}

}  // namespace ondol::app

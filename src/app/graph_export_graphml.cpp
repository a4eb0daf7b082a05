// GraphML (graphml.graphdrawing.org, 1.0): every edge is directed, because readers refuse a
// mixture; `kind` tells facts from names of one sentence.
#include <fmt/format.h>

#include "app/graph_exchange.h"
#include "text/utf8.h"

namespace ondol::app {
namespace {

// Text of an element. What XML 1.0 cannot hold becomes U+FFFD; a carriage return would be read as
// a line feed.
std::string xml_text(std::string_view raw) {
  std::string out;
  for (size_t at = 0; at < raw.size();) {
    const text::Utf8Char c = text::read_utf8(raw, at);
    const std::string_view bytes = raw.substr(at, c.size);
    at += c.size;
    const bool control = c.code < 0x20 && c.code != '\t' && c.code != '\n' && c.code != '\r';
    if (control || c.code == text::kInvalidUtf8 || c.code == 0xFFFE || c.code == 0xFFFF) {
      out += "\xEF\xBF\xBD";
    } else if (c.code == '&') {
      out += "&amp;";
    } else if (c.code == '<') {
      out += "&lt;";
    } else if (c.code == '>') {
      out += "&gt;";
    } else if (c.code == '"') {
      out += "&quot;";
    } else if (c.code == '\r') {
      out += "&#13;";
    } else {
      out += bytes;
    }
  }
  return out;
}

struct Key {
  std::string_view id, target, name, type;
};

constexpr Key kKeys[] = {
    {"label", "node", "label", "string"},         {"class", "node", "class", "string"},
    {"aliases", "node", "aliases", "string"},     {"passages", "node", "passages", "long"},
    {"pagerank", "node", "pagerank", "double"},   {"community", "node", "community", "long"},
    {"kind", "edge", "kind", "string"},           {"relation", "edge", "relation", "string"},
    {"weight", "edge", "weight", "double"},       {"valid_from", "edge", "valid_from", "string"},
    {"valid_to", "edge", "valid_to", "string"},   {"confidence", "edge", "confidence", "double"},
    {"documents", "edge", "documents", "string"}, {"quote", "edge", "quote", "string"},
};

std::string data(std::string_view key, std::string_view value) {
  if (value.empty()) return "";
  return fmt::format("<data key=\"{}\">{}</data>", key, xml_text(value));
}

std::string edge(size_t id, int32_t from, int32_t to, const std::string& inside) {
  return fmt::format("<edge id=\"e{}\" source=\"n{}\" target=\"n{}\">{}</edge>\n", id, from, to,
                     inside);
}

}  // namespace

std::vector<ExportFile> graphml_files(const ExchangeGraph& from) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  for (const Key& key : kKeys) {
    out += fmt::format("<key id=\"{}\" for=\"{}\" attr.name=\"{}\" attr.type=\"{}\"/>\n", key.id,
                       key.target, key.name, key.type);
  }
  out += "<graph id=\"ondol\" edgedefault=\"directed\">\n";
  for (size_t e = 0; e < from.names.size(); ++e) {
    const ground::GraphEntity& entity = from.graph.entities()[e];
    out += fmt::format("<node id=\"n{}\">", e) + data("label", from.names[e]) +
           data("class", entity.name.type) +
           (entity.aliases.empty() ? "" : data("aliases", json_list(entity.aliases))) +
           data("passages", std::to_string(entity.passages)) +
           data("pagerank", fmt::format("{:.9g}", from.communities.page_rank[e])) +
           data("community", std::to_string(from.community[e])) + "</node>\n";
  }
  size_t id = 0;
  for (const ground::GraphFact& fact : from.graph.facts()) {
    out += edge(id++, fact.subject, fact.object,
                data("kind", "fact") + data("relation", fact.label) +
                    data("weight", std::to_string(fact.proof.size())) +
                    data("valid_from", fact.valid_from) + data("valid_to", fact.valid_to) +
                    data("confidence", fmt::format("{:.9g}", fact.confidence)) +
                    data("documents", json_list(from.documents_of(fact.proof))) +
                    data("quote", fact.proof.empty() ? "" : from.quote(fact.proof[0])));
  }
  for (const ground::CoOccurrence& tie : from.graph.co_occurrences()) {
    out += edge(id++, tie.first, tie.second,
                data("kind", "together") + data("weight", fmt::format("{:.9g}", tie.weight)));
  }
  out += "</graph>\n</graphml>\n";
  return {{"", std::move(out)}};
}

}  // namespace ondol::app

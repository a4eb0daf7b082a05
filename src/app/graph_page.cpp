#include "app/graph_page.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/graph_page/parts.h"
#include "eval/report/page.h"
#include "text/html.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

Json evidence_json(const std::vector<ViewEvidence>& all) {
  Json out = Json::array();
  for (const ViewEvidence& evidence : all) {
    Json marks = Json::array();
    for (const auto& [from, to] : evidence.marks) marks.push_back({from, to});
    out.push_back({evidence.quote, marks});
  }
  return out;
}

double tenth(double value) { return std::round(value * 10) / 10; }

Json node_json(const ViewNode& node, const ground::EntityGraph& graph) {
  const ground::GraphEntity& entity = graph.entities()[static_cast<size_t>(node.entity)];
  Json properties = Json::array();
  for (const auto& [name, value] : graph.properties(node.entity)) {
    properties.push_back({name, value});
  }
  return {{"name", entity.label},
          {"type", entity.name.type},
          {"aliases", entity.aliases},
          {"properties", properties},
          {"community", node.community},
          {"x", tenth(node.x)},
          {"y", tenth(node.y)},
          {"r", tenth(node.radius)},
          {"hub", entity.hub},
          {"mentions", entity.mentions.size()},
          {"passages", entity.passages},
          {"documents", node.documents},
          {"evidence", evidence_json(node.evidence)}};
}

Json edge_json(const ViewEdge& edge, const GraphView& view, const ground::EntityGraph& graph) {
  Json facts = Json::array();
  for (const ViewFact& told : edge.facts) {
    const ground::GraphFact& fact = graph.facts()[static_cast<size_t>(told.fact)];
    // From the first end to the second, or back.
    const bool forth = fact.subject == view.nodes[static_cast<size_t>(edge.first)].entity;
    facts.push_back({{"label", fact.label},
                     {"forth", forth},
                     {"from", fact.valid_from},
                     {"to", fact.valid_to},
                     {"confidence", fact.confidence},
                     {"proofs", fact.proof.size()},
                     {"evidence", evidence_json(told.evidence)}});
  }
  return {{"a", edge.first},
          {"b", edge.second},
          {"facts", facts},
          {"weight", std::round(edge.weight * 100) / 100},
          {"passages", edge.passages},
          {"together", evidence_json(edge.together)},
          {"documents", edge.documents}};
}

Json quote_json(const ViewQuote& quote) {
  return {{"document", quote.document}, {"heading", quote.heading},   {"text", quote.text},
          {"title", quote.title},       {"cut_from", quote.cut_from}, {"cut_to", quote.cut_to},
          {"from", quote.char_from},    {"to", quote.char_to}};
}

// Inside a script element only "</script" and "<!--" mean anything: with every '<' written as
// \u003c the data has neither. U+2028 and U+2029 end a line of script, so they go the same way.
std::string inside_script(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '<') {
      out += "\\u003c";
    } else if (json.compare(at, 3, "\xE2\x80\xA8") == 0 ||
               json.compare(at, 3, "\xE2\x80\xA9") == 0) {
      out += json[at + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      at += 2;
    } else {
      out += json[at];
    }
  }
  return out;
}

// What a reader without script still sees: the entities, the most central first.
std::string plain_list(const GraphView& view, const ground::EntityGraph& graph,
                       const std::string& title) {
  std::string out = "<noscript><h1>" + text::escape_html(title) + "</h1><ol>";
  for (const ViewNode& node : view.nodes) {
    out += "<li>" + text::escape_html(graph.entities()[static_cast<size_t>(node.entity)].label) +
           "</li>";
  }
  return out + "</ol></noscript>\n";
}

}  // namespace

std::string graph_page_data(const GraphView& view, const ground::EntityGraph& graph,
                            const std::string& title) {
  Json nodes = Json::array(), edges = Json::array(), communities = Json::array(),
       quotes = Json::array();
  for (const ViewNode& node : view.nodes) nodes.push_back(node_json(node, graph));
  for (const ViewEdge& edge : view.edges) edges.push_back(edge_json(edge, view, graph));
  for (const ViewCommunity& community : view.communities) {
    communities.push_back({{"name", community.name}, {"size", community.size}});
  }
  for (const ViewQuote& quote : view.quotes) quotes.push_back(quote_json(quote));
  const Json page = {{"title", title},
                     {"seed", view.seed},
                     {"entities", view.entities},
                     {"edges_hidden", view.edges_hidden},
                     {"communities", communities},
                     {"documents", view.documents},
                     {"nodes", nodes},
                     {"edges", edges},
                     {"quotes", quotes}};
  return page.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string graph_page(const GraphView& view, const ground::EntityGraph& graph,
                       const std::string& title) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // The browser itself refuses to load anything: the page is complete as it is.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>";
  out += text::escape_html(title) + " - ondol</title>\n<style>\n";
  out += eval::page::style();
  out += graph_parts::style();
  out += "</style>\n</head>\n<body>\n";
  out += plain_list(view, graph, title);
  out += graph_parts::body();
  out += "<script type=\"application/json\" id=\"data\">\n" +
         inside_script(graph_page_data(view, graph, title)) +
         "\n</script>\n<script>\n'use strict';\n";
  out += graph_parts::script_words();
  out += eval::page::script_helpers();
  out += graph_parts::script_elements();
  out += graph_parts::script_canvas();
  out += graph_parts::script_panel();
  out += graph_parts::script_start();
  return out + "</script>\n</body>\n</html>\n";
}

}  // namespace ondol::app

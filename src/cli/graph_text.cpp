#include "cli/graph_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "cli/common.h"
#include "cli/terminal.h"
#include "ground/graph/paths.h"
#include "text/segment.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;
using ground::EntityGraph;
using ground::GraphClaim;
using ground::GraphEntity;
using ground::GraphFact;
using ground::GraphPlace;

constexpr size_t kColumns = 80;
constexpr int64_t kContextPoints = 60;  // of a passage shown on each side of a name

// Code points [from, to) of a text, as UTF-8.
std::string cut(const std::string& text, int64_t from, int64_t to) {
  size_t begin = 0, at = 0;
  int64_t point = 0;
  while (at < text.size() && point < to) {
    if (point == from) begin = at;
    text::next_code_point(text, at);
    ++point;
  }
  return point <= from ? "" : text.substr(begin, at - begin);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

struct Shown {
  std::string document;
  std::string heading;
  int64_t char_from = 0;  // of the document's text
  int64_t char_to = 0;
  std::string quote;  // with some words around the place
};

Shown show(app::GraphDesk& desk, const GraphPlace& place) {
  const std::vector<store::ChunkView> views = desk.passages({place.passage});
  if (views.empty()) return {};
  const store::ChunkView& view = views[0];
  const bool title = place.char_to == 0;
  const int64_t from = std::max<int64_t>(place.char_from - kContextPoints, 0);
  return {view.uri, view.chunk.heading, view.chunk.char_from + place.char_from,
          view.chunk.char_from + place.char_to,
          one_line(title ? view.title + " (title)"
                         : cut(view.chunk.text, from, place.char_to + kContextPoints))};
}

Json place_json(const Shown& shown) {
  return {{"document", shown.document},
          {"heading", shown.heading},
          {"char_from", shown.char_from},
          {"char_to", shown.char_to},
          {"quote", shown.quote}};
}

std::string label(const EntityGraph& graph, int32_t entity) {
  return graph.entities()[static_cast<size_t>(entity)].label;
}

std::vector<const GraphFact*> facts_of(const EntityGraph& graph, int32_t entity) {
  std::vector<const GraphFact*> out;
  for (const GraphFact& fact : graph.facts()) {
    if (fact.subject == entity || fact.object == entity) out.push_back(&fact);
  }
  std::stable_sort(out.begin(), out.end(), [](const GraphFact* a, const GraphFact* b) {
    return a->proof.size() > b->proof.size();
  });
  return out;
}

struct Tie {
  int32_t other = 0;
  double weight = 0;
};

std::vector<Tie> ties_of(const EntityGraph& graph, int32_t entity) {
  std::vector<Tie> out;
  for (const ground::CoOccurrence& tie : graph.co_occurrences()) {
    if (tie.first == entity) out.push_back({tie.second, tie.weight});
    if (tie.second == entity) out.push_back({tie.first, tie.weight});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Tie& a, const Tie& b) { return a.weight > b.weight; });
  return out;
}

// " (1911 to 1920)"; empty: always.
std::string span_text(const std::string& from, const std::string& to) {
  if (from.empty() && to.empty()) return "";
  return fmt::format(" ({} to {})", from.empty() ? "..." : from, to.empty() ? "..." : to);
}

std::string fact_line(const EntityGraph& graph, const GraphFact& fact) {
  return fmt::format("{} - {} - {}", label(graph, fact.subject), fact.label,
                     label(graph, fact.object)) +
         span_text(fact.valid_from, fact.valid_to);
}

std::string claim_line(const EntityGraph& graph, const GraphClaim& claim) {
  return fmt::format("claim ({}{}, {}): {}{}", claim.type,
                     claim.object < 0 ? "" : " about " + label(graph, claim.object), claim.status,
                     claim.text, span_text(claim.valid_from, claim.valid_to));
}

std::vector<const GraphClaim*> claims_of(const EntityGraph& graph, int32_t entity) {
  std::vector<const GraphClaim*> out;
  for (const GraphClaim& claim : graph.claims()) {
    if (claim.subject == entity || claim.object == entity) out.push_back(&claim);
  }
  return out;
}

// One step of a path: why two neighbours are neighbours.
std::string reason(app::GraphDesk& desk, int32_t from, int32_t to) {
  const EntityGraph& graph = desk.graph();
  const auto entities = static_cast<int32_t>(graph.entities().size());
  if (from >= entities || to >= entities) return "";
  for (const GraphFact& fact : graph.facts()) {
    if ((fact.subject == from && fact.object == to) ||
        (fact.subject == to && fact.object == from)) {
      return fact_line(graph, fact) + "  (" + show(desk, fact.proof.at(0)).document + ")";
    }
  }
  return "named in one sentence";
}

std::string node_name(app::GraphDesk& desk, int32_t node) {
  const auto entities = static_cast<int32_t>(desk.graph().entities().size());
  if (node < entities) return label(desk.graph(), node);
  const auto views = desk.passages({node - entities});
  return views.empty() ? "?"
                       : fmt::format("[{}, passage {}]", views[0].uri, views[0].chunk.ordinal + 1);
}

std::vector<int32_t> path_nodes(app::GraphDesk& desk, int32_t from, int32_t to) {
  const auto path = ground::graph::shortest_path(desk.graph().walk(), from, to);
  return path ? path->nodes : std::vector<int32_t>();
}

// The communities of a level by size, then number.
std::vector<int32_t> by_size(const ground::Communities& found, int64_t level, int64_t limit) {
  std::vector<int32_t> out;
  for (int32_t id = 0; id < found.tree.size(); ++id) {
    if (found.tree.communities[static_cast<size_t>(id)].level == level &&
        found.tree.members(id).size() > 1) {
      out.push_back(id);
    }
  }
  std::stable_sort(out.begin(), out.end(), [&](int32_t a, int32_t b) {
    return found.tree.members(a).size() > found.tree.members(b).size();
  });
  out.resize(std::min(out.size(), static_cast<size_t>(limit)));
  return out;
}

ground::Digest digest_of(app::GraphDesk& desk, const ground::Communities& found, int32_t id) {
  return ground::digest(found, desk.graph(), id, [&](int32_t passage) {
    const auto views = desk.passages({passage});
    return views.empty() ? std::string() : views[0].chunk.text;
  });
}

}  // namespace

std::string statistics_text(const app::GraphStatistics& s) {
  std::string text = fmt::format(
      "{} entities, {} mentions in {} of {} passages\n"
      "{} facts, {} ties of names in one sentence\n"
      "{} connected parts, the largest of {} nodes; {} names too frequent to walk through\n"
      "{} merges by hand, {} that the documents imply, {} doubtful pairs\n",
      s.entities, s.mentions, s.passages, s.passages_total, s.facts, s.co_occurrences, s.components,
      s.largest_component, s.hubs, s.merges, s.same_names, s.doubtful);
  if (s.reports >= 0) {
    text += fmt::format("{} of {} communities have a report\n", s.reports, s.reports_possible);
  }
  for (const auto& [name, count] : s.extractors)
    text += fmt::format("read by {}: {}\n", name, count);
  for (const auto& [why, count] : s.rejected) text += fmt::format("left out: {}: {}\n", why, count);
  return text;
}

std::string statistics_json(const app::GraphStatistics& s) {
  Json row = Json{{"entities", s.entities},
                  {"mentions", s.mentions},
                  {"passages", s.passages},
                  {"passages_total", s.passages_total},
                  {"facts", s.facts},
                  {"co_occurrences", s.co_occurrences},
                  {"components", s.components},
                  {"largest_component", s.largest_component},
                  {"hubs", s.hubs},
                  {"merges", s.merges},
                  {"same_names", s.same_names},
                  {"doubtful", s.doubtful},
                  {"extractors", s.extractors},
                  {"rejected", s.rejected}};
  if (s.reports >= 0) {
    row["reports"] = s.reports;
    row["reports_possible"] = s.reports_possible;
  }
  return json_line(row);
}

std::string entity_text(app::GraphDesk& desk, int32_t id, int64_t limit) {
  const EntityGraph& graph = desk.graph();
  const GraphEntity& entity = graph.entities()[static_cast<size_t>(id)];
  std::string text = entity.label;
  if (!entity.name.type.empty()) text += " (" + entity.name.type + ")";
  text += fmt::format(": {} mentions in {} passages\n", entity.mentions.size(), entity.passages);
  if (!entity.aliases.empty()) text += fmt::format("also: {}\n", fmt::join(entity.aliases, ", "));
  for (const auto& [name, value] : graph.properties(id)) text += name + ": " + value + "\n";
  const auto count = static_cast<size_t>(limit);
  const auto facts = facts_of(graph, id);
  for (size_t i = 0; i < std::min(count, facts.size()); ++i) {
    text +=
        wrap(fact_line(graph, *facts[i]) + "  (" + show(desk, facts[i]->proof.at(0)).document + ")",
             kColumns, 2) +
        "\n";
  }
  const auto claims = claims_of(graph, id);
  for (size_t i = 0; i < std::min(count, claims.size()); ++i) {
    text +=
        wrap(claim_line(graph, *claims[i]) + "  (" + show(desk, claims[i]->proof).document + ")",
             kColumns, 2) +
        "\n";
  }
  const auto ties = ties_of(graph, id);
  if (!ties.empty()) {
    std::string names;
    for (size_t i = 0; i < std::min(count, ties.size()); ++i) {
      names +=
          fmt::format("{}{} {:.2f}", i ? ", " : "", label(graph, ties[i].other), ties[i].weight);
    }
    text += wrap("beside: " + names, kColumns, 2) + "\n";
  }
  for (size_t i = 0; i < std::min(count, entity.mentions.size()); ++i) {
    const Shown shown = show(desk, entity.mentions[i]);
    text += wrap(fmt::format("{} {}-{}: {}", shown.document, shown.char_from, shown.char_to,
                             shown.quote),
                 kColumns, 2) +
            "\n";
  }
  return text;
}

std::string entity_json(app::GraphDesk& desk, int32_t id, int64_t limit) {
  const EntityGraph& graph = desk.graph();
  const GraphEntity& entity = graph.entities()[static_cast<size_t>(id)];
  const auto count = static_cast<size_t>(limit);
  Json facts = Json::array(), ties = Json::array(), mentions = Json::array();
  for (const GraphFact* fact : facts_of(graph, id)) {
    if (facts.size() >= count) break;
    facts.push_back({{"subject", label(graph, fact->subject)},
                     {"relation", fact->label},
                     {"object", label(graph, fact->object)},
                     {"from", fact->valid_from},
                     {"to", fact->valid_to},
                     {"proofs", fact->proof.size()},
                     {"proof", place_json(show(desk, fact->proof.at(0)))}});
  }
  Json claims = Json::array();
  for (const GraphClaim* claim : claims_of(graph, id)) {
    if (claims.size() >= count) break;
    claims.push_back({{"subject", label(graph, claim->subject)},
                      {"object", claim->object < 0 ? "" : label(graph, claim->object)},
                      {"type", claim->type},
                      {"status", claim->status},
                      {"claim", claim->text},
                      {"from", claim->valid_from},
                      {"to", claim->valid_to},
                      {"proof", place_json(show(desk, claim->proof))}});
  }
  for (const Tie& tie : ties_of(graph, id)) {
    if (ties.size() >= count) break;
    ties.push_back({{"entity", label(graph, tie.other)}, {"weight", tie.weight}});
  }
  for (const GraphPlace& place : entity.mentions) {
    if (mentions.size() >= count) break;
    mentions.push_back(place_json(show(desk, place)));
  }
  Json properties = Json::array();
  for (const auto& [name, value] : graph.properties(id)) properties.push_back({name, value});
  return json_line(Json{{"entity", entity.label},
                        {"type", entity.name.type},
                        {"aliases", entity.aliases},
                        {"passages", entity.passages},
                        {"properties", properties},
                        {"facts", facts},
                        {"claims", claims},
                        {"beside", ties},
                        {"mentions", mentions}});
}

std::string path_text(app::GraphDesk& desk, int32_t from, int32_t to) {
  const std::vector<int32_t> nodes = path_nodes(desk, from, to);
  if (nodes.empty()) return "";
  std::string text;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) {
      const std::string why = reason(desk, nodes[i - 1], nodes[i]);
      if (!why.empty()) text += "  | " + why + "\n";
    }
    text += node_name(desk, nodes[i]) + "\n";
  }
  return text;
}

std::string path_json(app::GraphDesk& desk, int32_t from, int32_t to) {
  const std::vector<int32_t> nodes = path_nodes(desk, from, to);
  const auto entities = static_cast<int32_t>(desk.graph().entities().size());
  Json steps = Json::array();
  for (size_t i = 0; i < nodes.size(); ++i) {
    steps.push_back({{"kind", nodes[i] < entities ? "entity" : "passage"},
                     {"name", node_name(desk, nodes[i])},
                     {"reason", i == 0 ? "" : reason(desk, nodes[i - 1], nodes[i])}});
  }
  return json_line(Json{{"found", !nodes.empty()}, {"path", steps}});
}

std::string communities_text(app::GraphDesk& desk, int64_t level, int64_t limit) {
  const ground::Communities found = ground::find_communities(desk.graph());
  std::string text =
      fmt::format("{} levels, modularity {:.3f}\n", found.tree.levels(), found.modularity);
  for (const int32_t id : by_size(found, level, limit)) {
    const ground::Digest told = digest_of(desk, found, id);
    std::string names;
    for (const int32_t e : told.entities)
      names += (names.empty() ? "" : ", ") + label(desk.graph(), e);
    text += "\n" +
            wrap(fmt::format("{} ({} entities): {}", id, found.tree.members(id).size(), names),
                 kColumns, 2) +
            "\n";
    for (const ground::DigestSentence& sentence : told.sentences) {
      const auto views = desk.passages({sentence.passage});
      text += "  " +
              wrap(fmt::format("\"{}\" ({})", one_line(sentence.text),
                               views.empty() ? "?" : views[0].uri),
                   kColumns, 4) +
              "\n";
    }
  }
  return text;
}

std::string communities_json(app::GraphDesk& desk, int64_t level, int64_t limit) {
  const ground::Communities found = ground::find_communities(desk.graph());
  Json all = Json::array();
  for (const int32_t id : by_size(found, level, limit)) {
    const ground::Digest told = digest_of(desk, found, id);
    Json names = Json::array(), sentences = Json::array();
    for (const int32_t e : told.entities) names.push_back(label(desk.graph(), e));
    for (const ground::DigestSentence& sentence : told.sentences) {
      const auto views = desk.passages({sentence.passage});
      sentences.push_back({{"document", views.empty() ? "" : views[0].uri},
                           {"text", sentence.text},
                           {"char_from", sentence.char_from},
                           {"char_to", sentence.char_to}});
    }
    all.push_back({{"community", id},
                   {"parent", found.tree.communities[static_cast<size_t>(id)].parent},
                   {"size", found.tree.members(id).size()},
                   {"entities", names},
                   {"sentences", sentences}});
  }
  return json_line(Json{{"levels", found.tree.levels()},
                        {"modularity", found.modularity},
                        {"level", level},
                        {"communities", all}});
}

std::string merges_text(const std::vector<store::Merge>& merges) {
  std::string text;
  for (const store::Merge& merge : merges) {
    text += fmt::format("{:>3}  {} -> {}  ({} {:.2f}){}\n",
                        merge.id == 0 ? "-" : std::to_string(merge.id), merge.from.key,
                        merge.into.key, merge.method, merge.score, merge.undone ? "  undone" : "");
  }
  return text.empty() ? "none\n" : text;
}

std::string merges_json(const std::vector<store::Merge>& merges) {
  Json all = Json::array();
  for (const store::Merge& merge : merges) {
    all.push_back({{"id", merge.id},
                   {"from", merge.from.key},
                   {"from_type", merge.from.type},
                   {"into", merge.into.key},
                   {"into_type", merge.into.type},
                   {"method", merge.method},
                   {"score", merge.score},
                   {"undone", merge.undone}});
  }
  return json_line(Json{{"merges", all}});
}

}  // namespace ondol::cli

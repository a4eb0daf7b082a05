// The tables of Microsoft GraphRAG (docs/index/outputs.md), as CSV with lists in JSON's brackets.
// Ids are made from what they name, so that the same graph gives the same files. A relationship of
// names that only share sentences has no description.
#include <fmt/format.h>

#include <map>
#include <set>

#include "app/graph_exchange.h"
#include "base/sha256.h"
#include "text/segment.h"

namespace ondol::app {
namespace {

// 32 hexadecimal digits in the grouping of a UUID.
std::string id_of(std::string_view kind, std::string_view name) {
  const std::string hex = sha256_hex(fmt::format("{}\n{}", kind, name));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

struct Relationship {
  int32_t source = 0, target = 0;
  std::string description;
  double weight = 0;
  std::string id;
  std::set<int32_t> units;  // rows of passages
};

class Tables {
 public:
  explicit Tables(const ExchangeGraph& from) : from_(from) {
    name_entities();
    gather_relationships();
    for (const store::ChunkView& view : from_.passages) {
      unit_id_.push_back(id_of("text unit", fmt::format("{}\n{}", view.uri, view.chunk.ordinal)));
    }
  }

  std::string entities() const;
  std::string relationships() const;
  std::string text_units() const;
  std::string communities() const;
  std::string documents() const;

 private:
  void name_entities();
  void gather_relationships();
  int32_t row_of(const ground::GraphPlace& place) const {
    return from_.rows[static_cast<size_t>(place.passage)];
  }
  std::string units_list(const std::set<int32_t>& units) const {
    std::vector<std::string> ids;
    for (const int32_t unit : units) ids.push_back(unit_id_[static_cast<size_t>(unit)]);
    return json_list(ids);
  }

  const ExchangeGraph& from_;
  std::vector<std::string> title_, entity_id_, unit_id_;
  std::vector<std::set<int32_t>> units_;  // of every entity
  std::vector<int64_t> degree_;
  std::vector<Relationship> relationships_;
};

// Titles are unique there: namesakes have their class behind the name.
void Tables::name_entities() {
  std::map<std::string, int> seen;
  for (const std::string& name : from_.names) ++seen[name];
  for (size_t e = 0; e < from_.names.size(); ++e) {
    const ground::GraphEntity& entity = from_.graph.entities()[e];
    const bool namesake = seen[from_.names[e]] > 1 && !entity.name.type.empty();
    title_.push_back(from_.names[e] + (namesake ? " (" + entity.name.type + ")" : ""));
    entity_id_.push_back(id_of("entity", entity.name.key + "\n" + entity.name.type));
    std::set<int32_t>& units = units_.emplace_back();
    for (const ground::GraphPlace& place : entity.mentions) {
      if (row_of(place) >= 0) units.insert(row_of(place));
    }
  }
}

void Tables::gather_relationships() {
  for (const ground::GraphFact& fact : from_.graph.facts()) {
    Relationship next{.source = fact.subject,
                      .target = fact.object,
                      .description = fact.label,
                      .weight = static_cast<double>(fact.proof.size())};
    for (const ground::GraphPlace& place : fact.proof) {
      if (row_of(place) >= 0) next.units.insert(row_of(place));
    }
    next.id = id_of(
        "fact",
        fmt::format("{}\n{}\n{}\n{}\n{}", entity_id_[static_cast<size_t>(fact.subject)], fact.label,
                    entity_id_[static_cast<size_t>(fact.object)], fact.valid_from, fact.valid_to));
    relationships_.push_back(std::move(next));
  }
  for (const ground::CoOccurrence& tie : from_.graph.co_occurrences()) {
    Relationship next{.source = tie.first, .target = tie.second, .weight = tie.weight};
    const auto &a = units_[static_cast<size_t>(tie.first)],
               &b = units_[static_cast<size_t>(tie.second)];
    for (const int32_t unit : a) {
      if (b.contains(unit)) next.units.insert(unit);
    }
    next.id = id_of("together", entity_id_[static_cast<size_t>(tie.first)] + "\n" +
                                    entity_id_[static_cast<size_t>(tie.second)]);
    relationships_.push_back(std::move(next));
  }
  degree_.assign(title_.size(), 0);
  for (const Relationship& its : relationships_) {
    ++degree_[static_cast<size_t>(its.source)];
    ++degree_[static_cast<size_t>(its.target)];
  }
}

std::string Tables::entities() const {
  std::string out = csv_row({"id", "human_readable_id", "title", "type", "description",
                             "text_unit_ids", "frequency", "degree"});
  for (size_t e = 0; e < title_.size(); ++e) {
    const ground::GraphEntity& entity = from_.graph.entities()[e];
    std::string description;
    for (const auto& [name, value] : from_.graph.properties(static_cast<int32_t>(e))) {
      description += (description.empty() ? "" : "; ") + name + ": " + value;
    }
    out += csv_row({entity_id_[e], std::to_string(e), valid_utf8(title_[e]),
                    valid_utf8(entity.name.type), valid_utf8(description), units_list(units_[e]),
                    std::to_string(units_[e].size()), std::to_string(degree_[e])});
  }
  return out;
}

std::string Tables::relationships() const {
  std::string out = csv_row({"id", "human_readable_id", "source", "target", "description", "weight",
                             "combined_degree", "text_unit_ids"});
  for (size_t r = 0; r < relationships_.size(); ++r) {
    const Relationship& its = relationships_[r];
    const auto source = static_cast<size_t>(its.source), target = static_cast<size_t>(its.target);
    out +=
        csv_row({its.id, std::to_string(r), valid_utf8(title_[source]), valid_utf8(title_[target]),
                 valid_utf8(its.description), fmt::format("{:.9g}", its.weight),
                 std::to_string(degree_[source] + degree_[target]), units_list(its.units)});
  }
  return out;
}

std::string Tables::text_units() const {
  std::vector<std::vector<std::string>> entities(unit_id_.size()), relationships(unit_id_.size());
  for (size_t e = 0; e < title_.size(); ++e) {
    for (const int32_t unit : units_[e])
      entities[static_cast<size_t>(unit)].push_back(entity_id_[e]);
  }
  for (const Relationship& its : relationships_) {
    for (const int32_t unit : its.units) relationships[static_cast<size_t>(unit)].push_back(its.id);
  }
  const text::Segmenter segmenter;
  std::string out = csv_row({"id", "human_readable_id", "text", "n_tokens", "document_ids",
                             "entity_ids", "relationship_ids"});
  for (size_t u = 0; u < unit_id_.size(); ++u) {
    const store::ChunkView& view = from_.passages[u];
    const std::string text = valid_utf8(view.chunk.text);
    out +=
        csv_row({unit_id_[u], std::to_string(u), text, std::to_string(segmenter.words(text).size()),
                 json_list({id_of("document", view.uri)}), json_list(entities[u]),
                 json_list(relationships[u])});
  }
  return out;
}

std::string Tables::communities() const {
  std::string out =
      csv_row({"id", "human_readable_id", "community", "level", "parent", "children", "title",
               "entity_ids", "relationship_ids", "text_unit_ids", "period", "size"});
  const ground::graph::CommunityTree& tree = from_.communities.tree;
  for (int32_t c = 0; c < tree.size(); ++c) {
    const ground::graph::Community& its = tree.communities[static_cast<size_t>(c)];
    std::set<int32_t> members, units;
    std::vector<std::string> entity_ids, relationship_ids;
    for (const int32_t e : tree.members(c)) {
      members.insert(e);
      entity_ids.push_back(entity_id_[static_cast<size_t>(e)]);
      units.insert(units_[static_cast<size_t>(e)].begin(), units_[static_cast<size_t>(e)].end());
    }
    for (const Relationship& relationship : relationships_) {
      if (members.contains(relationship.source) && members.contains(relationship.target)) {
        relationship_ids.push_back(relationship.id);
      }
    }
    std::string children = "[";
    for (int32_t child = its.children_begin; child < its.children_end; ++child) {
      children += (child == its.children_begin ? "" : ",") + std::to_string(child);
    }
    const std::string number = std::to_string(c);
    out += csv_row({id_of("community", json_list(entity_ids) + std::to_string(its.level)), number,
                    number, std::to_string(its.level), std::to_string(its.parent), children + "]",
                    "Community " + number, json_list(entity_ids), json_list(relationship_ids),
                    units_list(units), "", std::to_string(members.size())});
  }
  return out;
}

std::string Tables::documents() const {
  std::string out = csv_row({"id", "human_readable_id", "title", "text", "text_unit_ids"});
  size_t p = 0;
  for (size_t d = 0; d < from_.documents.size(); ++d) {
    std::string text;
    std::set<int32_t> units;
    for (; p < from_.passages.size() && from_.passages[p].uri == from_.documents[d]; ++p) {
      text += (text.empty() ? "" : "\n\n") + from_.passages[p].chunk.text;
      units.insert(static_cast<int32_t>(p));
    }
    out += csv_row({id_of("document", from_.documents[d]), std::to_string(d),
                    valid_utf8(from_.documents[d]), valid_utf8(text), units_list(units)});
  }
  return out;
}

}  // namespace

std::vector<ExportFile> graphrag_files(const ExchangeGraph& from) {
  const Tables tables(from);
  return {{"entities.csv", tables.entities()},
          {"relationships.csv", tables.relationships()},
          {"text_units.csv", tables.text_units()},
          {"communities.csv", tables.communities()},
          {"documents.csv", tables.documents()}};
}

}  // namespace ondol::app

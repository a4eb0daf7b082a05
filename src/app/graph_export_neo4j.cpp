// CSV files with the headers of `neo4j-admin database import`. A relation's type is its words in
// capitals; the words themselves stand beside it. Text has line ends: --multiline-fields=true.
#include <fmt/format.h>

#include <map>

#include "app/graph_exchange.h"

namespace ondol::app {
namespace {

// "looks after" -> LOOKS_AFTER; letters of other scripts stay.
std::string relation_type(const std::string& label) {
  std::string out;
  for (const char c : valid_utf8(label)) {
    if (c >= 'a' && c <= 'z') {
      out += static_cast<char>(c - 'a' + 'A');
    } else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               static_cast<unsigned char>(c) >= 0x80) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out.empty() ? "RELATED" : out;
}

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ";"));
}

std::string entity_rows(const ExchangeGraph& from) {
  std::string out = csv_row({"id:ID(Entity)", "name", "class", "aliases:string[]", "passages:long",
                             "pagerank:double", "community:long", ":LABEL"});
  for (size_t e = 0; e < from.names.size(); ++e) {
    const ground::GraphEntity& entity = from.graph.entities()[e];
    // Aliases are keys, which have no punctuation, so none has the delimiter of lists in it.
    out += csv_row({fmt::format("e{}", e), valid_utf8(from.names[e]), valid_utf8(entity.name.type),
                    valid_utf8(joined(entity.aliases)), std::to_string(entity.passages),
                    fmt::format("{:.9g}", from.communities.page_rank[e]),
                    std::to_string(from.community[e]), "Entity"});
  }
  return out;
}

std::string fact_rows(const ExchangeGraph& from) {
  std::string out =
      csv_row({":START_ID(Entity)", ":END_ID(Entity)", "relation", "valid_from", "valid_to",
               "confidence:double", "passages:string[]", "quote", ":TYPE"});
  for (const ground::GraphFact& fact : from.graph.facts()) {
    std::vector<std::string> passages;
    for (const ground::GraphPlace& place : fact.proof) {
      if (from.passage(place.passage) != nullptr) {
        passages.push_back(fmt::format("p{}", from.rows[static_cast<size_t>(place.passage)]));
      }
    }
    out += csv_row({fmt::format("e{}", fact.subject), fmt::format("e{}", fact.object),
                    valid_utf8(fact.label), fact.valid_from, fact.valid_to,
                    fmt::format("{:.9g}", fact.confidence), joined(passages),
                    fact.proof.empty() ? "" : valid_utf8(from.quote(fact.proof[0])),
                    relation_type(fact.label)});
  }
  return out;
}

}  // namespace

std::vector<ExportFile> neo4j_files(const ExchangeGraph& from) {
  std::string documents = csv_row({"id:ID(Document)", "uri", ":LABEL"});
  std::map<std::string, size_t> number;
  for (size_t d = 0; d < from.documents.size(); ++d) {
    number[from.documents[d]] = d;
    documents += csv_row({fmt::format("d{}", d), valid_utf8(from.documents[d]), "Document"});
  }
  std::string passages =
      csv_row({"id:ID(Passage)", "heading", "text", "char_from:long", "char_to:long", ":LABEL"});
  std::string part_of = csv_row({":START_ID(Passage)", ":END_ID(Document)", ":TYPE"});
  for (size_t p = 0; p < from.passages.size(); ++p) {
    const store::Chunk& chunk = from.passages[p].chunk;
    const std::string id = fmt::format("p{}", p);
    passages +=
        csv_row({id, valid_utf8(chunk.heading), valid_utf8(chunk.text),
                 std::to_string(chunk.char_from), std::to_string(chunk.char_to), "Passage"});
    part_of += csv_row({id, fmt::format("d{}", number[from.passages[p].uri]), "PART_OF"});
  }
  std::string mentions =
      csv_row({":START_ID(Passage)", ":END_ID(Entity)", "char_from:long", "char_to:long", ":TYPE"});
  for (size_t e = 0; e < from.names.size(); ++e) {
    for (const ground::GraphPlace& place : from.graph.entities()[e].mentions) {
      if (from.passage(place.passage) == nullptr) continue;
      mentions += csv_row({fmt::format("p{}", from.rows[static_cast<size_t>(place.passage)]),
                           fmt::format("e{}", e), std::to_string(place.char_from),
                           std::to_string(place.char_to), "MENTIONS"});
    }
  }
  std::string ties =
      csv_row({":START_ID(Entity)", ":END_ID(Entity)", "weight:double", "passages:long", ":TYPE"});
  for (const ground::CoOccurrence& tie : from.graph.co_occurrences()) {
    ties += csv_row({fmt::format("e{}", tie.first), fmt::format("e{}", tie.second),
                     fmt::format("{:.9g}", tie.weight), std::to_string(tie.passages),
                     "NAMED_TOGETHER"});
  }
  return {{"entities.csv", entity_rows(from)},     {"documents.csv", std::move(documents)},
          {"passages.csv", std::move(passages)},   {"facts.csv", fact_rows(from)},
          {"named_together.csv", std::move(ties)}, {"mentions.csv", std::move(mentions)},
          {"part_of.csv", std::move(part_of)}};
}

}  // namespace ondol::app

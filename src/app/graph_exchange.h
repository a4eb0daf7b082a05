// What every writer of the graph takes, gathered once; and the pieces of text they share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "app/graph.h"
#include "ground/communities.h"

namespace ondol::app {

struct ExchangeGraph {
  explicit ExchangeGraph(GraphDesk& desk);

  const ground::GraphEntity& entity(int32_t e) const {
    return graph.entities()[static_cast<size_t>(e)];
  }
  // The uris of the documents that hold these places, each once, sorted.
  std::vector<std::string> documents_of(const std::vector<ground::GraphPlace>& places) const;
  // The words of a place; empty if the passage is gone.
  std::string quote(const ground::GraphPlace& place) const;
  const store::ChunkView* passage(int32_t number) const {
    const int32_t row = rows[static_cast<size_t>(number)];
    return row < 0 ? nullptr : &passages[static_cast<size_t>(row)];
  }

  const ground::EntityGraph& graph;
  ground::Communities communities;
  std::vector<int32_t> community;          // of every entity, on level 0
  std::vector<std::string> names;          // of every entity; read back, they give its key
  std::vector<store::ChunkView> passages;  // all that is visible, by document and order
  std::vector<int32_t> rows;               // of a passage of the graph, in `passages`; -1: gone
  std::vector<std::string> documents;      // uris, sorted
};

struct ExportFile {
  std::string name;  // below the output folder; empty: the output itself
  std::string content;
};

std::vector<ExportFile> graphml_files(const ExchangeGraph& from);
std::vector<ExportFile> neo4j_files(const ExchangeGraph& from);
std::vector<ExportFile> graphrag_files(const ExchangeGraph& from);
std::vector<ExportFile> triples_files(const ExchangeGraph& from);

// One row of RFC 4180, closed by a line feed.
std::string csv_row(std::initializer_list<std::string_view> cells);
// Throws Error(kCorruptData) naming the line for a quote that is not closed or followed by text.
std::vector<std::vector<std::string>> read_csv_rows(std::string_view text, std::string_view name);
// ["a","b"]; bytes that are not UTF-8 become U+FFFD.
std::string json_list(const std::vector<std::string>& items);
// Valid UTF-8, whatever comes in.
std::string valid_utf8(std::string_view raw);

// A name as the last part of an IRI, and back: letters, digits, "-", "_" and "." stay, every other
// byte is %XX. Throws nothing: a broken %XX stays as it is.
std::string iri_part(std::string_view name);
std::string from_iri_part(std::string_view part);

// IRIs of the N-Triples.
inline constexpr std::string_view kEntityIri = "urn:ondol:entity:";
inline constexpr std::string_view kClassIri = "urn:ondol:class:";
inline constexpr std::string_view kRelationIri = "urn:ondol:relation:";
inline constexpr std::string_view kDocumentIri = "urn:ondol:document:";
inline constexpr std::string_view kTermIri = "urn:ondol:term:";
inline constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
inline constexpr std::string_view kRdfs = "http://www.w3.org/2000/01/rdf-schema#";
inline constexpr std::string_view kSkos = "http://www.w3.org/2004/02/skos/core#";

}  // namespace ondol::app

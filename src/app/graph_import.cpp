#include "app/graph_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "app/graph_exchange.h"
#include "base/error.h"
#include "base/files.h"
#include "ground/entity_name.h"
#include "text/segment.h"

namespace ondol::app {
namespace {

using ground::GivenFact;
using Json = nlohmann::json;
namespace fs = std::filesystem;

GivenFact read_fact(const std::string& line, std::string_view name, size_t number) {
  try {
    const Json row = Json::parse(line);
    return {row.at("document"),
            row.at("subject"),
            row.at("relation"),
            row.at("object"),
            row.value("subject_type", ""),
            row.value("object_type", ""),
            row.value("from", ""),
            row.value("to", "")};
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[graph] '{}' line {} is no fact; got {}, expected {{\"document\", "
                            "\"subject\", \"relation\", \"object\"}}",
                            name, number, error.what()));
  }
}

// A CSV table by the names of its columns.
class Table {
 public:
  Table(const std::string& text, std::string_view name) : rows_(read_csv_rows(text, name)) {
    if (rows_.empty()) return;
    for (size_t c = 0; c < rows_[0].size(); ++c) column_.emplace(rows_[0][c], c);
  }
  size_t size() const { return rows_.empty() ? 0 : rows_.size() - 1; }
  bool has(const std::string& column) const { return column_.contains(column); }
  // "" where the row or the table lacks the column.
  std::string cell(size_t row, const std::string& column) const {
    const auto at = column_.find(column);
    const auto& cells = rows_[row + 1];
    return at == column_.end() || at->second >= cells.size() ? "" : cells[at->second];
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::map<std::string, size_t> column_;
};

// The strings of a list as JSON, Python and NumPy print it: ["a", "b"], ['a', 'b'], ['a' 'b'].
std::vector<std::string> list_items(const std::string& text) {
  std::vector<std::string> items;
  for (size_t at = 0; at < text.size(); ++at) {
    const char quote = text[at];
    if (quote != '"' && quote != '\'') continue;
    const size_t end = text.find(quote, at + 1);
    if (end == std::string::npos) break;
    items.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  return items;
}

// Words of keys -> sentences, so that a pair of names is looked for in few of them. Two names of
// one long passage may have nothing to do with each other, so without a document a sentence is
// asked for.
class SentenceIndex {
 public:
  explicit SentenceIndex(std::span<const store::ChunkView> passages) : passages_(passages) {
    const text::Segmenter segmenter;
    for (size_t p = 0; p < passages.size(); ++p) {
      const std::string_view text = passages[p].chunk.text;
      const std::string title = ground::entity_key(passages[p].title);
      for (const text::Span& span : segmenter.sentences(text)) {
        add(p, " " + title + " / " +
                   ground::entity_key(text.substr(span.from, span.to - span.from)) + " ");
      }
    }
  }

  std::vector<std::string> documents_with(const std::string& a, const std::string& b) const {
    const std::vector<size_t>* rarest = nullptr;
    for (const std::string* key : {&a, &b}) {
      for (const std::string_view word : ground::key_words(*key)) {
        const auto places = of_word_.find(std::string(word));
        if (places == of_word_.end()) return {};
        if (rarest == nullptr || places->second.size() < rarest->size()) rarest = &places->second;
      }
    }
    std::vector<std::string> uris;
    if (rarest == nullptr || a == b) return uris;
    for (const size_t s : *rarest) {
      if (!holds(s, a) || !holds(s, b)) continue;
      const std::string& uri = passages_[sentences_[s].passage].uri;
      if (std::find(uris.begin(), uris.end(), uri) == uris.end()) uris.push_back(uri);
    }
    return uris;
  }

 private:
  struct Sentence {
    size_t passage = 0;
    std::string key;
  };
  void add(size_t passage, std::string key) {
    for (const std::string_view word : ground::key_words(key)) {
      auto& places = of_word_[std::string(word)];
      if (places.empty() || places.back() != sentences_.size()) places.push_back(sentences_.size());
    }
    sentences_.push_back({passage, std::move(key)});
  }
  bool holds(size_t sentence, const std::string& key) const {
    return sentences_[sentence].key.find(" " + key + " ") != std::string::npos;
  }

  std::span<const store::ChunkView> passages_;
  std::vector<Sentence> sentences_;
  std::unordered_map<std::string, std::vector<size_t>> of_word_;
};

std::string read_if_there(const fs::path& path) { return fs::exists(path) ? read_file(path) : ""; }

// Which documents a text unit is of, by the titles of documents.csv; without it, none.
std::map<std::string, std::vector<std::string>> documents_of_units(const GraphragTables& tables) {
  std::map<std::string, std::string> title;
  const Table documents(tables.documents, "documents.csv");
  for (size_t row = 0; row < documents.size(); ++row) {
    title[documents.cell(row, "id")] = documents.cell(row, "title");
  }
  std::map<std::string, std::vector<std::string>> out;
  const Table units(tables.text_units, "text_units.csv");
  for (size_t row = 0; row < units.size(); ++row) {
    std::vector<std::string> ids = list_items(units.cell(row, "document_ids"));
    if (units.has("document_id")) ids.push_back(units.cell(row, "document_id"));
    for (const std::string& id : ids) {
      const auto known = title.find(id);
      if (known != title.end()) out[units.cell(row, "id")].push_back(known->second);
    }
  }
  return out;
}

// A namesake's title has its class behind it: "Mercury (planet)".
std::string name_of_title(const std::string& title, const std::string& type) {
  const std::string behind = " (" + type + ")";
  return type.empty() || !title.ends_with(behind) ? title
                                                  : title.substr(0, title.size() - behind.size());
}

}  // namespace

std::vector<GivenFact> read_json_lines(std::string_view text, std::string_view name) {
  std::vector<GivenFact> facts;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    ++number;
    const std::string line(text.substr(at, end - at));
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      facts.push_back(read_fact(line, name, number));
    }
    at = end + 1;
  }
  return facts;
}

std::vector<GivenFact> read_graphrag(const GraphragTables& tables) {
  const Table relationships(tables.relationships, "relationships.csv");
  for (const char* needed : {"source", "target", "description"}) {
    if (!relationships.has(needed)) {
      throw Error(ErrorCode::kCorruptData,
                  fmt::format("[graph] 'relationships.csv' has no column '{}'; expected source, "
                              "target, description",
                              needed));
    }
  }
  std::map<std::string, std::string> type;
  const Table entities(tables.entities, "entities.csv");
  for (size_t row = 0; row < entities.size(); ++row) {
    type[entities.cell(row, "title")] = entities.cell(row, "type");
  }
  const auto documents = documents_of_units(tables);
  std::vector<GivenFact> facts;
  for (size_t row = 0; row < relationships.size(); ++row) {
    const std::string source = relationships.cell(row, "source");
    const std::string target = relationships.cell(row, "target");
    const std::string label = relationships.cell(row, "description");
    if (label.empty()) continue;  // names that share sentences, which is no fact
    std::vector<std::string> its;
    for (const std::string& unit : list_items(relationships.cell(row, "text_unit_ids"))) {
      const auto known = documents.find(unit);
      if (known == documents.end()) continue;
      for (const std::string& uri : known->second) {
        if (std::find(its.begin(), its.end(), uri) == its.end()) its.push_back(uri);
      }
    }
    if (its.empty()) its.emplace_back();
    for (const std::string& uri : its) {
      facts.push_back({uri, name_of_title(source, type[source]), label,
                       name_of_title(target, type[target]), type[source], type[target]});
    }
  }
  return facts;
}

std::vector<GivenFact> read_facts(const fs::path& path) {
  if (fs::is_directory(path)) {
    return read_graphrag(
        {read_file(path / "relationships.csv"), read_if_there(path / "entities.csv"),
         read_if_there(path / "text_units.csv"), read_if_there(path / "documents.csv")});
  }
  const std::string kind = path.extension().string();
  const std::string name = path.string();
  if (kind == ".graphml") return read_graphml(read_file(path), name);
  if (kind == ".nt") return read_triples(read_file(path), name);
  if (kind == ".jsonl" || kind == ".json" || kind.empty()) {
    return read_json_lines(read_file(path), name);
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("[graph] '{}' ends in '{}'; expected .jsonl, .graphml, .nt, or a folder "
                          "with GraphRAG's relationships.csv",
                          name, kind));
}

std::vector<GivenFact> locate_facts(std::vector<GivenFact> facts,
                                    std::span<const store::ChunkView> passages) {
  if (std::none_of(facts.begin(), facts.end(),
                   [](const GivenFact& fact) { return fact.document.empty(); })) {
    return facts;
  }
  const SentenceIndex index(passages);
  std::vector<GivenFact> out;
  for (GivenFact& fact : facts) {
    const auto found = fact.document.empty()
                           ? index.documents_with(ground::entity_key(fact.subject),
                                                  ground::entity_key(fact.object))
                           : std::vector<std::string>();
    for (const std::string& uri : found) {
      out.push_back(fact);
      out.back().document = uri;
    }
    if (found.empty()) out.push_back(std::move(fact));
  }
  return out;
}

}  // namespace ondol::app

// What the tests of knowledge graphs share: files of triples, packed and plain, and a small graph.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ground/kg/import.h"
#include "ground/test_support.h"

namespace ondol::ground::testing {

inline std::filesystem::path put(const TempFolder& folder, const std::string& name,
                                 const std::string& content) {
  const auto path = folder.path() / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// Defined in byte_stream_test.cpp.
std::string gzipped(const std::string& content);
std::string bzipped(const std::string& content);

inline constexpr const char* kLabel = "http://www.w3.org/2000/01/rdf-schema#label";
inline constexpr const char* kAltLabel = "http://www.w3.org/2004/02/skos/core#altLabel";

// "Q42 P19 Q350" in Wikidata's namespaces.
inline std::string triple(const std::string& s, const std::string& p, const std::string& o) {
  return "<http://www.wikidata.org/entity/" + s + "> <http://www.wikidata.org/prop/direct/" + p +
         "> <http://www.wikidata.org/entity/" + o + "> .\n";
}
inline std::string label(const std::string& s, const std::string& name, const std::string& language,
                         const char* predicate = kLabel) {
  return "<http://www.wikidata.org/entity/" + s + "> <" + predicate + "> \"" + name + "\"@" +
         language + " .\n";
}
inline std::string literal(const std::string& s, const std::string& p, const std::string& value) {
  return "<http://www.wikidata.org/entity/" + s + "> <http://www.wikidata.org/prop/direct/" + p +
         "> " + value + " .\n";
}

// Two people called Ann Lee, a town, a country, in English and Korean.
inline std::string small_graph() {
  return label("Q1", "Ann Lee", "en") + label("Q1", "앤 리", "ko") +
         label("Q1", "A. Lee", "en", kAltLabel) + label("Q2", "Ann Lee", "en") +
         label("Q3", "Busan", "en") + label("Q3", "부산", "ko") + label("Q4", "South Korea", "en") +
         label("Q4", "대한민국", "ko") + label("Q5", "painter", "en") +
         label("Q6", "physicist", "en") + label("P19", "place of birth", "en") +
         label("P19", "출생지", "ko") + label("P106", "occupation", "en") +
         label("P106", "직업", "ko") + label("P17", "country", "en") + label("P17", "국가", "ko") +
         label("P1082", "population", "en") + label("P1082", "인구", "ko") +
         triple("Q1", "P19", "Q3") + triple("Q1", "P106", "Q5") + triple("Q2", "P106", "Q6") +
         triple("Q2", "P19", "Q4") + triple("Q3", "P17", "Q4") +
         literal("Q3", "P1082", "\"3349016\"^^<http://www.w3.org/2001/XMLSchema#integer>") +
         triple("Q7", "P19", "Q3") + triple("Q8", "P19", "Q3");
}

inline std::unique_ptr<store::KnowledgeGraph> make_graph(const TempFolder& folder,
                                                         const std::string& content) {
  const std::filesystem::path files[] = {put(folder, "graph.nt", content)};
  SilentProgress silent;
  import_knowledge(folder.path() / "kg.db", files, {}, silent);
  return store::open_knowledge_graph(folder.path() / "kg.db");
}

}  // namespace ondol::ground::testing

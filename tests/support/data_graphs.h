// The graphs of the data folder for data tests: the same as tools/golden/graph_data.py makes.
#pragma once

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "ground/graph/csr.h"
#include "support/json_lines.h"
#include "support/paths.h"

namespace ondol::ground::graph::testing {

// Undirected and simple; nodes numbered as they appear. Columns by white space.
inline CsrGraph simple_graph(const std::filesystem::path& path, size_t from_column,
                             size_t to_column) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::map<std::string, int32_t> ids;
  const auto id_of = [&](const std::string& name) {
    return ids.emplace(name, static_cast<int32_t>(ids.size())).first->second;
  };
  std::vector<std::pair<int32_t, int32_t>> pairs;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<std::string> columns;
    for (std::string word; words >> word;) columns.push_back(word);
    if (columns.empty()) continue;
    const int32_t from = id_of(columns.at(from_column));
    const int32_t to = id_of(columns.at(to_column));
    if (from != to) pairs.emplace_back(std::min(from, to), std::max(from, to));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  std::vector<Edge> edges;
  for (const auto& [from, to] : pairs) edges.push_back({from, to});
  return undirected(static_cast<int64_t>(ids.size()), edges);
}

inline CsrGraph email_graph() {
  return simple_graph(ondol::testing::data_dir() / "email_eu_core" / "edges.txt", 0, 1);
}
inline CsrGraph codex_graph() {
  return simple_graph(ondol::testing::data_dir() / "codex_m" / "train.tsv", 0, 2);
}

inline std::string ascii_lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

// Entities are nodes 0 .. entities - 1, passages follow in the order of the corpus.
struct MusiqueGraph {
  CsrGraph graph;
  std::map<std::string, int32_t> entities;
  std::map<std::string, int32_t> passages;
  std::vector<std::string> texts;  // of the passages, lower case, with titles
};

inline MusiqueGraph musique_graph() {
  using nlohmann::json;
  const std::filesystem::path folder = ondol::testing::data_dir() / "rag_musique";
  MusiqueGraph made;
  std::vector<Edge> edges;
  std::map<std::pair<std::string, int32_t>, int> mentions;
  const auto id_of = [&](const std::string& name) {
    const auto next = static_cast<int32_t>(made.entities.size());
    return made.entities.emplace(ascii_lower(name), next).first->second;
  };
  for (const json& row : ondol::testing::read_json_lines(folder / "openie_triples.jsonl")) {
    for (const json& triple : row.at("triples")) {
      if (triple.size() != 3) continue;
      const std::string subject = triple[0], object = triple[2];
      if (subject.empty() || object.empty()) continue;
      const int32_t s = id_of(subject);
      const int32_t o = id_of(object);
      mentions[{row.at("id"), s}] = 1;
      mentions[{row.at("id"), o}] = 1;
      if (s != o) edges.push_back({s, o});  // equal edges are summed: their number is the weight
    }
  }
  for (const json& row : ondol::testing::read_json_lines(folder / "corpus.jsonl")) {
    const auto next = static_cast<int32_t>(made.entities.size() + made.passages.size());
    made.passages.emplace(row.at("id"), next);
    made.texts.push_back(
        ascii_lower(row.at("title").get<std::string>() + " " + row.at("text").get<std::string>()));
  }
  for (const auto& [mention, one] : mentions) {
    edges.push_back({mention.second, made.passages.at(mention.first)});
  }
  made.graph = undirected(static_cast<int64_t>(made.entities.size() + made.passages.size()), edges);
  return made;
}

// Words of more than three characters, cut at everything but ASCII letters and digits.
inline std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : ascii_lower(text) + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    if (word.size() > 3) words.insert(word);
    word.clear();
  }
  return words;
}

// A restart vector for every question: the entities named in it, each by 1 / its passages, and the
// ten passages that share most words with it, by 0.05 x their share.
inline std::vector<std::vector<NodeWeight>> musique_restarts(const MusiqueGraph& musique) {
  const auto entities = static_cast<int32_t>(musique.entities.size());
  std::vector<std::set<std::string>> passages;
  for (const std::string& text : musique.texts) passages.push_back(words_of(text));
  std::vector<std::vector<NodeWeight>> restarts;
  const auto queries = ondol::testing::data_dir() / "rag_musique" / "queries.jsonl";
  for (const nlohmann::json& row : ondol::testing::read_json_lines(queries)) {
    std::string spaced = " " + ascii_lower(row.at("question")) + " ";
    for (char& c : spaced) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : ' ';
    std::vector<NodeWeight> restart;
    for (const auto& [name, id] : musique.entities) {
      if (name.size() < 4 || spaced.find(" " + name + " ") == std::string::npos) continue;
      double mentions = 0;
      for (const int32_t near : musique.graph.neighbours(id)) mentions += near >= entities;
      restart.push_back({id, 1.0 / mentions});
    }
    const auto asked = words_of(row.at("question"));
    std::vector<std::pair<int, int32_t>> shared;
    for (size_t i = 0; i < passages.size(); ++i) {
      int count = 0;
      for (const std::string& word : asked) count += passages[i].contains(word);
      shared.emplace_back(-count, entities + static_cast<int32_t>(i));
    }
    std::sort(shared.begin(), shared.end());
    for (size_t i = 0; i < 10 && shared[i].first < 0; ++i) {
      restart.push_back({shared[i].second, 0.05 * shared[i].first / shared[0].first});
    }
    restarts.push_back(std::move(restart));
  }
  return restarts;
}

}  // namespace ondol::ground::graph::testing

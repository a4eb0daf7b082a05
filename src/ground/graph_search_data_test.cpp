// What following relations is worth, on real sets: passages found for questions that join several
// (docs/results.md has the whole table), and names found in Korean sentences.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "ground/entity_name.h"
#include "ground/fact_import.h"
#include "ground/ingest.h"
#include "ground/retriever.h"
#include "ground/test_support.h"
#include "support/paths.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::json;
using testing::TempFolder;

std::vector<Json> rows(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Json> all;
  for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
  return all;
}

class MultiHop {
 public:
  explicit MultiHop(const std::string& name)
      : folder_(ondol::testing::data_dir() / name),
        store_(store::open_sqlite_store(scratch_.path() / "s.db")),
        shelf_(store_->open_collection("c")) {
    std::vector<WholeText> texts;
    for (const Json& row : rows(folder_ / "corpus.jsonl")) {
      texts.push_back({row.at("id"), row.at("title"), row.at("text")});
    }
    SilentProgress silent;
    ingest_texts(*store_, shelf_, texts, nullptr, {}, silent);
  }
  void names() {
    SilentProgress silent;
    build_graph(*store_, shelf_, *make_extractor("names"), silent);
  }
  FactImport given_facts() {
    std::vector<GivenFact> facts;
    for (const Json& row : rows(folder_ / "openie_triples.jsonl")) {
      for (const Json& t : row.at("triples")) {
        if (t.size() == 3) facts.push_back({row.at("id"), t[0], t[1], t[2]});
      }
    }
    SilentProgress silent;
    return import_facts(*store_, shelf_, facts, silent);
  }
  double recall(const RetrieverConfig& config, size_t k) {
    Corpus corpus(*store_, shelf_, nullptr);
    const auto retriever = make_retriever(config, corpus);
    double sum = 0;
    int64_t questions = 0;
    for (const Json& row : rows(folder_ / "queries.jsonl")) {
      std::set<std::string> found;
      for (const Evidence& e : retriever->retrieve({.text = row.at("question")}, k)) {
        found.insert(e.document);
      }
      double hits = 0;
      for (const std::string gold : row.at("gold")) hits += found.contains(gold);
      sum += hits / static_cast<double>(row.at("gold").size());
      ++questions;
    }
    return sum / static_cast<double>(questions);
  }

 private:
  TempFolder scratch_;
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  store::CollectionId shelf_;
};

TEST(GraphSearchData, WithoutAModelRelationsFindWhatWordsMiss) {
  ONDOL_NEED_DATA("rag_musique");
  MultiHop set("rag_musique");
  set.names();
  const double words = set.recall({.kind = "bm25"}, 5);
  EXPECT_NEAR(words, 0.477, 0.001);
  EXPECT_GE(set.recall({.kind = "graph-local"}, 5), words + 0.03);
  EXPECT_GE(set.recall({.kind = "hybrid-graph"}, 5), words + 0.03);
}

TEST(GraphSearchData, WithGivenFactsMore) {
  ONDOL_NEED_DATA("rag_musique");
  MultiHop set("rag_musique");
  const FactImport import = set.given_facts();
  EXPECT_GT(import.taken, 17000);
  EXPECT_LT(import.rejected.at("neither end is in the document"), 200);
  for (const char* kind : {"graph-local", "hybrid-graph"}) {
    EXPECT_GE(set.recall({.kind = kind}, 5), set.recall({.kind = "bm25"}, 5) + 0.06) << kind;
    EXPECT_GE(set.recall({.kind = kind}, 10), set.recall({.kind = "bm25"}, 10) + 0.08) << kind;
  }
}

// Names of people, places and organisations in Korean sentences: found where they stand, without
// their particles, and Korean.
TEST(NamesData, KoreanNamesStayKoreanAndLoseTheirParticles) {
  ONDOL_NEED_DATA("klue");
  const auto names = make_extractor("names");
  int64_t gold = 0, exact = 0, found_all = 0, with_particle = 0;
  for (const Json& row : rows(ondol::testing::data_dir() / "klue" / "ner.dev.jsonl")) {
    const std::string text = row.at("text");
    std::set<std::pair<int64_t, int64_t>> found;
    std::map<int64_t, int64_t> end_of;
    for (const store::Mention& m : names->extract({.text = text}).mentions) {
      found.insert({m.char_from, m.char_to});
      end_of[m.char_from] = m.char_to;
      ++found_all;
      size_t at = 0;
      const text::Script first = text::script_of(text::next_code_point(m.surface, at));
      if (first == text::Script::kHangul) {
        EXPECT_EQ(m.entity.key, m.surface) << text;
      }
    }
    for (const Json& entity : row.at("entities")) {
      const std::string type = entity.at("type");
      if (type != "PS" && type != "LC" && type != "OG") continue;
      ++gold;
      const int64_t from = entity.at("start"), to = entity.at("end");
      exact += found.contains({from, to});
      const auto longer = end_of.find(from);
      with_particle += longer != end_of.end() && longer->second > to;
    }
  }
  RecordProperty("names", static_cast<int>(gold));
  std::printf(
      "klue ner: %ld names, %.3f found exactly, %.3f with something behind, %ld found in all\n",
      gold, double(exact) / double(gold), double(with_particle) / double(gold), found_all);
  EXPECT_GE(double(exact) / double(gold), 0.58);
  EXPECT_LE(double(with_particle) / double(gold), 0.13);
}

}  // namespace
}  // namespace ondol::ground

#include "store/knowledge_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/files.h"

namespace ondol::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ondol_kg_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path file() const { return path_ / "kg.db"; }

 private:
  fs::path path_;
};

KgTerm iri(const std::string& name) { return {.text = "http://x/" + name}; }
KgTerm text(const std::string& value, const std::string& language = "") {
  return {.kind = KgTermKind::kLiteral, .text = value, .language = language};
}

void add(KnowledgeWriter& writer, const std::string& s, const std::string& p, const KgTerm& o) {
  writer.add_triple({writer.add_term(iri(s)), writer.add_term(iri(p)), writer.add_term(o)});
}
void name(KnowledgeWriter& writer, const std::string& s, const std::string& label,
          const std::string& language, int32_t rank, std::vector<std::string> words) {
  writer.add_label({.term = writer.add_term(iri(s)),
                    .folded = label,
                    .label = label,
                    .language = language,
                    .rank = rank},
                   words);
}

void fill(KnowledgeWriter& writer) {
  add(writer, "a", "knows", iri("b"));
  add(writer, "a", "knows", iri("c"));
  add(writer, "c", "knows", iri("a"));
  add(writer, "a", "knows", iri("b"));  // again
  add(writer, "a", "born", text("1952"));
  name(writer, "a", "ann lee", "en", 0, {"ann", "lee"});
  name(writer, "a", "앤", "ko", 0, {"앤"});
  name(writer, "a", "ann", "en", 1, {"ann"});
  name(writer, "b", "ann lee", "en", 0, {"ann", "lee"});
  name(writer, "b", "ann lee", "en", 0, {"ann", "lee"});  // again
}

void write(const fs::path& file, bool again = false) {
  SilentProgress silent;
  KnowledgeWriter writer(file, {});
  fill(writer);
  if (again) fill(writer);
  writer.commit("{}", silent);
}

TEST(KnowledgeGraph, HoldsWhatWasPutOnce) {
  const Folder folder;
  write(folder.file());
  const auto graph = open_knowledge_graph(folder.file());
  const KgStatistics all = graph->statistics();
  EXPECT_EQ(all.triples, 4);
  EXPECT_EQ(all.terms, 6);
  EXPECT_EQ(all.labels, 4);
  EXPECT_THAT(all.namespaces, ElementsAre("http://x/"));

  const KgTermId a = kg_term_id(iri("a"));
  EXPECT_EQ(graph->term(a), iri("a"));
  EXPECT_EQ(graph->term(7), std::nullopt);
  EXPECT_EQ(graph->degree(a), 4);
  EXPECT_EQ(graph->facts_of(a, 10).size(), 3u);
  EXPECT_EQ(graph->facts_of(a, 2).size(), 2u);
  ASSERT_EQ(graph->facts_to(a, 10).size(), 1u);
  EXPECT_EQ(graph->facts_to(a, 10)[0].subject, iri("c"));

  // The better known of two with one name comes first.
  const auto labels = graph->labels_equal("ann lee", 10);
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0].term, a);
  EXPECT_EQ(labels[0].degree, 4);
  EXPECT_EQ(labels[1].degree, 1);
  EXPECT_EQ(graph->labels_beginning("ann", 10).size(), 3u);
  EXPECT_EQ(graph->labels_beginning("앤", 10).size(), 1u);
  const std::vector<std::string> both = {"lee", "ann"};
  EXPECT_EQ(graph->labels_with_words(both, 10).size(), 2u);
  const std::vector<std::string> none = {"lee", "앤"};
  EXPECT_THAT(graph->labels_with_words(none, 10), IsEmpty());
  ASSERT_EQ(graph->labels_of(a).size(), 3u);
  EXPECT_EQ(graph->labels_of(a)[2].rank, 1);
}

TEST(KnowledgeGraph, OfManyTriplesEveryPredicateIsSeen) {
  const Folder folder;
  SilentProgress silent;
  {
    KnowledgeWriter writer(folder.file(), {});
    for (int i = 0; i < 500; ++i) {
      add(writer, "hub", "has", iri("x" + std::to_string(i)));
      add(writer, "x" + std::to_string(i), "in", iri("hub"));
    }
    add(writer, "hub", "capital", iri("seat"));
    add(writer, "hub", "anthem", text("song"));
    add(writer, "seat", "rules", iri("hub"));
    writer.commit("{}", silent);
  }
  const auto graph = open_knowledge_graph(folder.file());
  const auto predicates = [](const std::vector<KgFact>& facts) {
    std::vector<std::string> names;
    for (const KgFact& fact : facts) names.push_back(fact.predicate.text.substr(9));
    std::sort(names.begin(), names.end());
    return names;
  };
  const KgTermId hub = kg_term_id(iri("hub"));
  EXPECT_THAT(predicates(graph->facts_of(hub, 6)), ElementsAre("anthem", "capital", "has", "has"));
  EXPECT_THAT(predicates(graph->facts_to(hub, 4)), ElementsAre("in", "in", "rules"));
  EXPECT_EQ(graph->facts_of(hub, 1).size(), 1u);
  EXPECT_EQ(graph->facts_of(hub, 0).size(), 0u);
  EXPECT_EQ(graph->facts_of(hub, 502).size(), 502u);
}

TEST(KnowledgeGraph, ScanGoesThroughEverythingInPieces) {
  const Folder folder;
  write(folder.file());
  const auto graph = open_knowledge_graph(folder.file());
  std::vector<KgTriple> seen;
  for (KgTriple after;;) {
    const auto piece = graph->scan(after, 3);
    if (piece.empty()) break;
    for (const KgFact& fact : piece) seen.push_back(fact.triple);
    after = seen.back();
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(KnowledgeGraph, TheSameInputGivesTheSameBytes) {
  const Folder one, two;
  write(one.file());
  write(two.file(), true);  // everything twice
  EXPECT_EQ(open_knowledge_graph(one.file())->fingerprint(),
            open_knowledge_graph(two.file())->fingerprint());
  const Folder three;
  write(three.file());
  EXPECT_EQ(read_file(one.file()), read_file(three.file()));
}

TEST(KnowledgeGraph, AddingKeepsWhatIsThere) {
  const Folder folder;
  write(folder.file());
  SilentProgress silent;
  {
    KnowledgeWriter writer(folder.file(), {.add = true});
    add(writer, "d", "knows", iri("a"));
    name(writer, "d", "ann", "en", 0, {"ann"});
    writer.commit("{}", silent);
  }
  const auto graph = open_knowledge_graph(folder.file());
  EXPECT_EQ(graph->statistics().triples, 5);
  EXPECT_EQ(graph->degree(kg_term_id(iri("a"))), 5);
  EXPECT_EQ(graph->labels_equal("ann", 9)[0].degree, 5);  // counted again
  const std::vector<std::string> word = {"ann"};
  EXPECT_EQ(graph->labels_with_words(word, 9).size(), 4u);
  write(folder.file());  // without `add` the new one replaces it
  EXPECT_EQ(open_knowledge_graph(folder.file())->statistics().triples, 4);
}

TEST(KnowledgeGraph, WhatIsNotCommittedIsNotThere) {
  const Folder folder;
  write(folder.file());
  const auto reader = open_knowledge_graph(folder.file());
  const std::string before = read_file(folder.file());
  {
    KnowledgeWriter writer(folder.file(), {});
    add(writer, "z", "knows", iri("y"));
  }
  EXPECT_EQ(read_file(folder.file()), before);
  EXPECT_FALSE(fs::exists(folder.file().string() + ".partial"));
  EXPECT_FALSE(fs::exists(folder.file().string() + ".staging"));
  // A reader keeps the graph it opened while another takes its place.
  SilentProgress silent;
  KnowledgeWriter writer(folder.file(), {});
  add(writer, "z", "knows", iri("y"));
  writer.commit("{}", silent);
  EXPECT_EQ(reader->facts_of(kg_term_id(iri("a")), 9).size(), 3u);
  EXPECT_EQ(open_knowledge_graph(folder.file())->statistics().triples, 1);
}

TEST(KnowledgeGraph, OneWriterAtATime) {
  const Folder folder;
  KnowledgeWriter first(folder.file(), {});
  try {
    KnowledgeWriter second(folder.file(), {});
    ADD_FAILURE() << "two writers";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
}

TEST(KnowledgeGraph, OtherFilesAreRefused) {
  const Folder folder;
  EXPECT_THROW(open_knowledge_graph(folder.file()), Error);
  std::ofstream(folder.file()) << std::string(5000, 'x');
  try {
    open_knowledge_graph(folder.file());
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
  }
}

TEST(KnowledgeGraph, IdsTellTermsApart) {
  EXPECT_NE(kg_term_id(text("a")), kg_term_id({.text = "a"}));
  EXPECT_NE(kg_term_id(text("a")), kg_term_id(text("a", "en")));
  EXPECT_NE(kg_term_id({.kind = KgTermKind::kLiteral, .text = "a", .datatype = "en"}),
            kg_term_id(text("a", "en")));
  EXPECT_NE(kg_term_id(text("")), kg_term_id(text(std::string(1, '\0'))));
  EXPECT_GT(kg_term_id(text("")), 0);
}

}  // namespace
}  // namespace ondol::store

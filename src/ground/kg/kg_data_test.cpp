// Real graphs and ontologies: CoDEx-S (Wikidata) and the pizza ontology.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "ground/kg/facts.h"
#include "ground/kg/kg_test_support.h"
#include "ground/kg/lookup.h"
#include "ground/kg/names.h"
#include "ground/kg/owl_import.h"
#include "support/paths.h"

namespace ondol::ground {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::TempFolder;

// Names of the relations and types, as Wikidata would give them: the entities' own are not in the
// set.
std::string names_of(const std::filesystem::path& jsonl) {
  std::string out;
  std::ifstream lines(jsonl);
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    std::string name = row["label"];
    std::replace(name.begin(), name.end(), '"', '\'');
    out += testing::label(row["id"], name, "en");
  }
  return out;
}

TEST(CodexS, LoadsAndAnswersLookups) {
  ONDOL_NEED_DATA("codex_s");
  const auto data = ::ondol::testing::data_dir() / "codex_s";
  const TempFolder folder;
  const std::filesystem::path files[] = {
      data / "train.nt",
      testing::put(folder, "names.nt",
                   names_of(data / "relations.jsonl") + names_of(data / "types.jsonl"))};
  SilentProgress silent;
  const auto report = import_knowledge(folder.path() / "kg.db", files, {}, silent);
  EXPECT_EQ(report.bad_lines, 0);
  EXPECT_EQ(report.written.triples, 10000);

  // The first 10,000 rows of train.tsv are the file's triples.
  std::map<std::string, std::set<std::string>> expected;
  std::ifstream rows(data / "train.tsv");
  std::string line;
  for (int i = 0; i < 10000 && std::getline(rows, line); ++i) {
    std::istringstream fields(line);
    std::string head, relation, tail;
    fields >> head >> relation >> tail;
    expected[head].insert(head + " " + relation + " " + tail);
    expected[tail].insert(head + " " + relation + " " + tail);
  }
  const auto graph = store::open_knowledge_graph(folder.path() / "kg.db");
  int asked = 0;
  for (const auto& [entity, facts] : expected) {
    if (++asked % 10 != 0) continue;
    const auto found = lookup_entities(*graph, entity, {.facts = 100000});
    ASSERT_EQ(found.size(), 1u) << entity;
    EXPECT_EQ(found[0].degree, static_cast<int64_t>(found[0].facts.size()));
    std::set<std::string> got;
    for (const KgFactText& fact : found[0].facts) {
      got.insert(short_id(fact.fact.subject.text) + " " + short_id(fact.fact.predicate.text) + " " +
                 short_id(fact.fact.object.text));
    }
    EXPECT_EQ(got, facts) << entity;
  }
  // Predicates are named through the entities of their properties.
  const auto evidence = find_facts(*graph, {.text = "languages spoken by Q7604"}, {}, 5);
  ASSERT_FALSE(evidence.empty());
  EXPECT_THAT(evidence[0].text, ::testing::HasSubstr("languages spoken"));
}

const OntologyClass& class_named(const Ontology& ontology, const std::string& name) {
  const auto found = std::find_if(ontology.classes.begin(), ontology.classes.end(),
                                  [&](const OntologyClass& c) { return c.name == name; });
  if (found == ontology.classes.end()) throw std::runtime_error("no class " + name);
  return *found;
}

std::vector<std::string> restrictions_of(const Ontology& ontology, const std::string& name) {
  std::vector<std::string> out;
  for (const OntologyRestriction& r : ontology.restrictions) {
    if (r.class_name != name) continue;
    std::string text = r.relation + (r.kind == RestrictionKind::kAll    ? " all"
                                     : r.kind == RestrictionKind::kSome ? " some"
                                                                        : " value");
    for (const std::string& target : r.targets) text += " " + target;
    out.push_back(text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Pizza, ClassesAndRestrictionsComeThrough) {
  ONDOL_NEED_DATA("ontologies");
  const OntologyImport read =
      import_ontology(::ondol::testing::data_dir() / "ontologies" / "pizza.owl");
  const Ontology& o = read.ontology;
  // Counted in the file: 97 named classes, 147 someValuesFrom, 23 allValuesFrom, one hasValue.
  EXPECT_EQ(o.classes.size(), 97u);
  EXPECT_EQ(o.restrictions.size(), 171u);
  EXPECT_THAT(class_named(o, "Cajun").parents, Contains("NamedPizza"));
  EXPECT_THAT(restrictions_of(o, "Cajun"), Contains("hasTopping some OnionTopping"));
  EXPECT_THAT(
      restrictions_of(o, "PrinceCarlo"),
      Contains("hasTopping all LeekTopping MozzarellaTopping ParmesanTopping RosemaryTopping "
               "TomatoTopping"));
  EXPECT_EQ(class_named(o, "FishTopping").labels.at("pt"), "CoberturaDePeixe");

  const OntologyIndex index(o);
  EXPECT_TRUE(index.is_a("Cajun", "Pizza"));
  EXPECT_FALSE(index.is_a("Pizza", "Cajun"));
  EXPECT_TRUE(index.disjoint("FishTopping", "MeatTopping"));
  EXPECT_FALSE(index.disjoint("Cajun", "Pizza"));
  const OntologyRelation* base = index.find_relation("hasBase");
  ASSERT_NE(base, nullptr);
  EXPECT_TRUE(base->functional);
  const OntologyRelation* ingredient = index.find_relation("hasIngredient");
  ASSERT_NE(ingredient, nullptr);
  EXPECT_TRUE(ingredient->transitive);
  EXPECT_EQ(index.find_relation("hasTopping")->parents, std::vector<std::string>{"hasIngredient"});
  EXPECT_EQ(index.find_relation("hasTopping")->inverse, "isToppingOf");
  // A Prince Carlo has no prawns; nothing says so of a pizza as such.
  EXPECT_EQ(index.check({"p", "PrinceCarlo", "hasTopping", "t", "PrawnsTopping"}).size(), 1u);
  EXPECT_TRUE(index.check({"p", "PrinceCarlo", "hasTopping", "t", "LeekTopping"}).empty());
  // What was left out is named.
  EXPECT_EQ(read.not_understood,
            (std::map<std::string, int64_t>{{"owl:AllDifferent", 1},
                                            {"owl:Nothing as a parent", 2},
                                            {"owl:distinctMembers", 1},
                                            {"owl:equivalentClass of two names", 4}}));
}

TEST(Vocabularies, TurtleAndXmlOfOneVocabularyAgree) {
  ONDOL_NEED_DATA("ontologies");
  const auto data = ::ondol::testing::data_dir() / "ontologies";
  const OntologyImport turtle = import_ontology(data / "adms.ttl");
  const OntologyImport xml = import_ontology(data / "adms.rdf");
  std::set<std::string> a, b;
  for (const OntologyClass& c : turtle.ontology.classes) a.insert(c.iri);
  for (const OntologyClass& c : xml.ontology.classes) b.insert(c.iri);
  EXPECT_FALSE(a.empty());
  EXPECT_EQ(a, b);
  EXPECT_NO_THROW(OntologyIndex(import_ontology(data / "qb.ttl").ontology));
  EXPECT_NO_THROW(OntologyIndex(import_ontology(data / "rdfs.ttl").ontology));
}

}  // namespace
}  // namespace ondol::ground

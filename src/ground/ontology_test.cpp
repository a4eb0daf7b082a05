#include "ground/ontology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/kg/kg_test_support.h"
#include "ground/kg/owl_import.h"
#include "ground/kg/rdfxml_reader.h"

namespace ondol::ground {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put;
using testing::TempFolder;

Ontology people() {
  Ontology o;
  o.classes = {{.name = "Agent"},
               {.name = "Person", .parents = {"Agent"}, .disjoint_with = {"Place"}},
               {.name = "Painter", .parents = {"Person"}},
               {.name = "Company", .parents = {"Agent"}},
               {.name = "Place"},
               {.name = "City", .parents = {"Place"}}};
  o.relations = {{.name = "born_in", .patterns = {{"Person", "City"}}, .functional = true},
                 {.name = "works_for", .patterns = {{"Person", "Company"}, {"Person", "Person"}}},
                 {.name = "knows", .symmetric = true},
                 {.name = "part_of",
                  .patterns = {{"Place", "Place"}},
                  .transitive = true,
                  .inverse = "has_part"},
                 {.name = "has_part"},
                 {.name = "leads", .parents = {"works_for"}, .inverse_functional = true}};
  o.properties = {
      {.name = "age", .classes = {"Person"}, .datatype = "integer", .min = 0, .max = 150},
      {.name = "code", .pattern = "[A-Z]{2}"},
      {.name = "size", .values = {"small", "large"}},
      {.name = "born", .datatype = "date"}};
  o.cardinalities = {{"Company", "has_part", 1, 2, ""}};
  o.restrictions = {{"Painter", "knows", RestrictionKind::kAll, {"Painter", "City"}}};
  return o;
}

std::vector<std::string> rules(const std::vector<OntologyViolation>& all) {
  std::vector<std::string> out;
  for (const OntologyViolation& one : all) out.push_back(one.rule);
  return out;
}

TEST(Ontology, ClassesAreWhatStandsAboveThem) {
  const OntologyIndex index(people());
  EXPECT_THAT(index.ancestors("Painter"), ElementsAre("Agent", "Painter", "Person"));
  EXPECT_TRUE(index.is_a("Painter", "Agent"));
  EXPECT_FALSE(index.is_a("Agent", "Painter"));
  EXPECT_TRUE(index.disjoint("Painter", "City"));
  EXPECT_TRUE(index.disjoint("City", "Painter"));
  EXPECT_FALSE(index.disjoint("Company", "City"));
}

TEST(Ontology, PatternsAreOfSubjectAndObjectTogether) {
  const OntologyIndex index(people());
  EXPECT_THAT(index.check({"a", "Painter", "born_in", "b", "City"}), IsEmpty());
  EXPECT_THAT(index.check({"a", "", "born_in", "b", ""}), IsEmpty());
  EXPECT_THAT(rules(index.check({"a", "City", "born_in", "b", "Painter"})), ElementsAre("pattern"));
  // Company stands in a pattern of works_for as object and Person as both, but not this way round.
  EXPECT_THAT(rules(index.check({"a", "Company", "works_for", "b", "Person"})),
              ElementsAre("pattern"));
  EXPECT_THAT(rules(index.check({"a", "Person", "flies", "b", "Bird"})),
              ElementsAre("unknown class", "unknown relation"));
  EXPECT_THAT(rules(index.check({"a", "Painter", "knows", "b", "Company"})),
              ElementsAre("all values"));
  EXPECT_THAT(index.check({"a", "Person", "knows", "b", "Company"}), IsEmpty());
}

TEST(Ontology, ValuesKeepTheirTypeRangeAndPattern) {
  const OntologyIndex index(people());
  const struct {
    const char* property;
    const char* value;
    std::vector<std::string> broken;
  } rows[] = {{"age", "42", {}},
              {"age", "-1", {"range"}},
              {"age", "151", {"range"}},
              {"age", "4.5", {"datatype"}},
              {"age", "old", {"datatype"}},
              {"code", "KR", {}},
              {"code", "KRW", {"value pattern"}},
              {"size", "large", {}},
              {"size", "huge", {"values"}},
              {"born", "1952-03-11", {}},
              {"born", "11.3.1952", {"datatype"}},
              {"weight", "1", {"unknown property"}}};
  for (const auto& row : rows) {
    EXPECT_EQ(rules(index.check_value("Person", row.property, row.value)), row.broken)
        << row.property << " " << row.value;
  }
  EXPECT_THAT(rules(index.check_value("City", "age", "3")), ElementsAre("pattern"));
}

TEST(Ontology, CountsAreOfTheWholeGraph) {
  const OntologyIndex index(people());
  const std::vector<TypedTriple> triples = {
      {"a", "Person", "born_in", "b", "City"},  {"a", "Person", "born_in", "c", "City"},
      {"d", "Person", "born_in", "b", "City"},  {"a", "Person", "leads", "x", "Company"},
      {"d", "Person", "leads", "x", "Company"}, {"x", "Company", "has_part", "y", ""},
      {"z", "Company", "has_part", "1", ""},    {"z", "Company", "has_part", "2", ""},
      {"z", "Company", "has_part", "3", ""}};
  const auto found = index.check_counts(
      triples, {{"x", "Company"}, {"z", "Company"}, {"w", "Company"}, {"a", "Person"}});
  EXPECT_THAT(rules(found),
              ElementsAre("functional", "inverse functional", "cardinality", "cardinality"));
  EXPECT_THAT(found[2].text, HasSubstr("'w' has 0"));
  EXPECT_THAT(found[3].text, HasSubstr("'z' has 3"));
}

TEST(Ontology, InfersWhatRelationsSayAndNoMore) {
  const OntologyIndex index(people());
  const std::vector<TypedTriple> triples = {
      {"a", "", "part_of", "b", ""}, {"b", "", "part_of", "c", ""}, {"d", "", "has_part", "c", ""},
      {"p", "", "knows", "q", ""},   {"p", "", "leads", "r", ""},   {"p", "", "born_in", "a", ""}};
  const Inferred inferred = infer(index, triples);
  EXPECT_TRUE(inferred.complete);
  std::vector<std::string> shown;
  for (const TypedTriple& t : inferred.added) {
    shown.push_back(t.subject + " " + t.relation + " " + t.object);
  }
  EXPECT_THAT(shown, ::testing::UnorderedElementsAre("b has_part a", "c has_part b", "c part_of d",
                                                     "a part_of c", "c has_part a", "b part_of d",
                                                     "d has_part b", "a part_of d", "d has_part a",
                                                     "q knows p", "p works_for r"));
}

TEST(Ontology, InferenceStopsAtItsLimits) {
  const OntologyIndex index(people());
  std::vector<TypedTriple> chain;
  for (int i = 0; i < 400; ++i) {
    chain.push_back({std::to_string(i), "", "part_of", std::to_string(i + 1), ""});
  }
  EXPECT_FALSE(infer(index, chain, {.added_max = 100}).complete);
  EXPECT_LE(infer(index, chain, {.added_max = 100}).added.size(), 100u);
  EXPECT_FALSE(infer(index, chain, {.rounds_max = 2}).complete);
  const std::vector<TypedTriple> circle = {{"a", "", "part_of", "b", ""},
                                           {"b", "", "part_of", "a", ""}};
  EXPECT_TRUE(infer(index, circle).complete);
}

TEST(Ontology, WhatDoesNotHoldTogetherIsSaid) {
  const auto broken = [](auto change) {
    Ontology o = people();
    change(o);
    try {
      const OntologyIndex index(o);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(broken([](Ontology& o) { o.classes[0].parents = {"Painter"}; }), HasSubstr("itself"));
  EXPECT_THAT(broken([](Ontology& o) { o.classes[0].parents = {"Ghost"}; }), HasSubstr("'Ghost'"));
  EXPECT_THAT(broken([](Ontology& o) {
                o.relations[0].patterns = {{"Ghost", ""}};
              }),
              HasSubstr("'Ghost'"));
  EXPECT_THAT(broken([](Ontology& o) { o.relations[0].inverse = "ghost"; }), HasSubstr("'ghost'"));
  EXPECT_THAT(broken([](Ontology& o) { o.classes.push_back({.name = "Agent"}); }),
              HasSubstr("twice"));
  EXPECT_THAT(broken([](Ontology& o) { o.properties[0].datatype = "colour"; }),
              HasSubstr("expected one of string"));
  EXPECT_THAT(broken([](Ontology& o) { o.properties[0].min = 200; }), HasSubstr("minimum"));
  EXPECT_THAT(broken([](Ontology& o) { o.properties[1].pattern = "["; }),
              HasSubstr("regular expression"));
  EXPECT_THAT(broken([](Ontology& o) { o.cardinalities[0].max = 0; }), HasSubstr("empty"));
  EXPECT_THAT(broken([](Ontology& o) {
                for (int i = 0; i < 3000; ++i) {
                  o.classes.push_back(
                      {.name = "c" + std::to_string(i), .parents = {"c" + std::to_string(i + 1)}});
                }
                o.classes.push_back({.name = "c3000"});
              }),
              HasSubstr("deep"));
}

OntologyImport imported(const std::string& name, const std::string& content) {
  const TempFolder folder;
  return import_ontology(put(folder, name, content));
}

constexpr const char* kPrefixes =
    "@prefix : <http://x/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . "
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . "
    "@prefix sh: <http://www.w3.org/ns/shacl#> . "
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . ";

TEST(OwlImport, ReadsTheSubsetAndNamesTheRest) {
  const OntologyImport read = imported(
      "a.ttl",
      std::string(kPrefixes) +
          ":Person a owl:Class ; rdfs:subClassOf :Agent ; rdfs:label \"사람\"@ko ;"
          "  owl:disjointWith :Place ; rdfs:subClassOf ["
          "    a owl:Restriction ; owl:onProperty :has_parent ; owl:maxCardinality 2 ], ["
          "    a owl:Restriction ; owl:onProperty :has_parent ; owl:allValuesFrom :Person ], ["
          "    a owl:Restriction ; owl:onProperty :has_head ; owl:qualifiedCardinality 1 ;"
          "      owl:onClass :Head ], [ owl:complementOf :Stone ] ."
          ":lives_in a owl:ObjectProperty, owl:FunctionalProperty ; rdfs:domain :Person ;"
          "  rdfs:range [ owl:unionOf ( :Place :Ship ) ] ; owl:inverseOf :home_of ."
          ":knows a owl:SymmetricProperty . :over a owl:TransitiveProperty ;"
          "  rdfs:subPropertyOf :knows . :age a owl:DatatypeProperty ; rdfs:domain :Person ;"
          "  rdfs:range xsd:nonNegativeInteger . :ann owl:sameAs :anna . :ann a :Person ."
          ":Odd owl:oneOf ( :a :b ) ; a owl:Class . :a owl:differentFrom :b ."
          ":Up rdfs:subClassOf :Down . :Down rdfs:subClassOf :Up . :Person rdfs:comment \"c\" .");
  const Ontology& o = read.ontology;
  const OntologyIndex index(o);
  EXPECT_TRUE(index.is_a("Person", "Agent"));
  EXPECT_EQ(index.find_class("Person")->labels.at("ko"), "사람");
  EXPECT_TRUE(index.disjoint("Person", "Place"));
  const OntologyRelation* lives = index.find_relation("lives_in");
  ASSERT_NE(lives, nullptr);
  EXPECT_TRUE(lives->functional);
  EXPECT_EQ(lives->inverse, "home_of");
  EXPECT_EQ(lives->patterns,
            (std::vector<RelationPattern>{{"Person", "Place"}, {"Person", "Ship"}}));
  EXPECT_TRUE(index.find_relation("knows")->symmetric);
  EXPECT_TRUE(index.find_relation("over")->transitive);
  EXPECT_EQ(index.find_property("age")->datatype, "integer");
  ASSERT_EQ(o.cardinalities.size(), 2u);
  EXPECT_EQ(o.cardinalities[0].max, 2);
  EXPECT_EQ(o.cardinalities[1].min, 1);
  EXPECT_EQ(o.cardinalities[1].object_class, "Head");
  ASSERT_EQ(o.restrictions.size(), 1u);
  EXPECT_EQ(o.same_as.size(), 1u);
  EXPECT_EQ(read.individuals, 1);
  EXPECT_EQ(read.annotations, 1);
  EXPECT_EQ(read.not_understood,
            (std::map<std::string, int64_t>{{"an unnamed parent class", 1},
                                            {"owl:complementOf", 1},
                                            {"owl:differentFrom", 1},
                                            {"owl:oneOf", 1},
                                            {"rdfs:subClassOf in a circle", 1}}));
}

TEST(OwlImport, ReadsShapes) {
  const OntologyImport read = imported(
      "a.ttl",
      std::string(kPrefixes) +
          ":PersonShape a sh:NodeShape ; sh:targetClass :Person ; sh:property ["
          "  sh:path :ssn ; sh:datatype xsd:string ; sh:pattern \"^\\\\d{3}$\" ; sh:maxCount 1 ], ["
          "  sh:path :works_for ; sh:class :Company ; sh:nodeKind sh:IRI ; sh:minCount 1 ], ["
          "  sh:path :grade ; sh:in ( \"a\" \"b\" ) ], ["
          "  sh:path :age ; sh:minInclusive 0 ; sh:maxInclusive 150 ; sh:lessThan :ssn ], ["
          "  sh:path [ sh:inversePath :x ] ; sh:minCount 1 ] ; sh:closed true .");
  const OntologyIndex index(read.ontology);
  EXPECT_THAT(index.check_value("Person", "ssn", "123"), IsEmpty());
  EXPECT_THAT(rules(index.check_value("Person", "ssn", "1234")), ElementsAre("value pattern"));
  EXPECT_THAT(rules(index.check_value("Person", "grade", "c")), ElementsAre("values"));
  EXPECT_THAT(rules(index.check_value("Person", "age", "151")), ElementsAre("range"));
  EXPECT_THAT(index.check({"a", "Person", "works_for", "b", "Company"}), IsEmpty());
  EXPECT_THAT(rules(index.check({"a", "Person", "works_for", "b", "Person"})),
              ElementsAre("pattern"));
  EXPECT_THAT(rules(index.check_counts({}, {{"ann", "Person"}})), ElementsAre("cardinality"));
  EXPECT_EQ(read.not_understood,
            (std::map<std::string, int64_t>{{"sh:closed", 1},
                                            {"sh:inversePath", 1},
                                            {"sh:lessThan", 1},
                                            {"sh:path that is no single property", 1}}));
}

TEST(OwlImport, TwoIrisOfOneNameStayTwo) {
  const OntologyImport read =
      imported("a.ttl", std::string(kPrefixes) +
                            "<http://a/C> a owl:Class . <http://b/C> a owl:Class ;"
                            " rdfs:subClassOf <http://a/C> .");
  const OntologyIndex index(read.ontology);
  EXPECT_TRUE(index.is_a("http://b/C", "C"));
}

TEST(OwlImport, BrokenFilesAreErrors) {
  const struct {
    const char* name;
    std::string content;
  } rows[] = {{"a.ttl", "@prefix : <"},
              {"a.nt", "<a:b> <a:c> <a:d>"},
              {"a.owl", "<rdf:RDF"},
              {"a.owl", "plain text"},
              {"a.owl", "<x:y/>"},
              {"a.owl", "\xff\xfe<a/>"},
              {"a.docx", ""}};
  for (const auto& row : rows) {
    EXPECT_THROW(imported(row.name, row.content), Error) << row.content;
  }
  std::string deep =
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" "
      "xmlns:a=\"http://a/\">";
  for (int i = 0; i < 5000; ++i) deep += "<a:a>";
  for (int i = 0; i < 5000; ++i) deep += "</a:a>";
  EXPECT_THROW(imported("a.owl", deep + "</rdf:RDF>"), Error);
  const TempFolder folder;
  EXPECT_THROW(
      import_ontology(put(folder, "a.nt", "<a:b> <a:c> <a:d> .\n<a:b> <a:c> <a:e> .\n"), 1), Error);
}

TEST(RdfXml, EntitiesAreExpandedWithinBounds) {
  const auto read = [](const std::string& content) {
    std::vector<std::string> out;
    read_rdfxml(content, {.base = "http://b/"},
                [&](const store::KgTerm&, const store::KgTerm&, const store::KgTerm& o) {
                  out.push_back(o.text);
                });
    return out;
  };
  const std::string head = "<!DOCTYPE rdf:RDF [ <!ENTITY x \"http://x/\" > ";
  const std::string body =
      "]><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:a=\"http://a/\">"
      "<rdf:Description><a:p rdf:resource=\"&x;y\"/><a:q>1 &amp; 2</a:q></rdf:Description>"
      "</rdf:RDF>";
  EXPECT_THAT(read(head + body), ElementsAre("http://x/y", "1 & 2"));
  EXPECT_THROW(read(head + "<!ENTITY l \"&x;&x;\">" + body), Error);  // grows without end
}

}  // namespace
}  // namespace ondol::ground

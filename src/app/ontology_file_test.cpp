#include "app/ontology_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/test_support.h"
#include "base/error.h"
#include "base/files.h"

namespace ondol::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kOntology = R"([class.Place]
[class.City]
label = { en = "city", ko = "도시" }
parents = ["Place"]
[class.Person]
label = "person"
disjoint = ["Place"]

[relation.born_in]
patterns = [["Person", "City"], ["Person", ""]]
functional = true
[relation.part_of]
transitive = true
inverse = "has_part"
[relation.has_part]

[property.age]
classes = ["Person"]
datatype = "integer"
min = 0
max = 150.5
[property.code]
pattern = '[A-Z]\d "x"'
values = ["A1", "B2"]

[[cardinality]]
class = "Person"
relation = "born_in"
max = 1
of = "City"
[[restriction]]
class = "City"
relation = "has_part"
all = ["Place", "Person"]
)";

TEST(OntologyFile, ReadsWhatItWrites) {
  const ground::Ontology read = parse_ontology(kOntology, "o.toml");
  ASSERT_EQ(read.classes.size(), 3u);
  EXPECT_EQ(read.classes[0].name, "Place");  // in the order of the file
  EXPECT_EQ(read.classes[1].labels.at("ko"), "도시");
  EXPECT_EQ(read.classes[2].labels.at(""), "person");
  ASSERT_EQ(read.relations.size(), 3u);
  EXPECT_EQ(read.relations[0].patterns[0], (ground::RelationPattern{"Person", "City"}));
  EXPECT_TRUE(read.relations[1].transitive);
  EXPECT_EQ(read.properties[0].max, 150.5);
  EXPECT_EQ(read.cardinalities[0].object_class, "City");
  EXPECT_EQ(read.restrictions[0].kind, ground::RestrictionKind::kAll);
  const std::string written = ontology_toml(read);
  EXPECT_EQ(ontology_toml(parse_ontology(written, "again")), written);
  const ground::OntologyIndex index(read);
  EXPECT_TRUE(index.is_a("City", "Place"));
}

TEST(OntologyFile, WrongKeysAndShapesAreNamedWithTheirLine) {
  const struct {
    const char* toml;
    const char* message;
  } rows[] = {{"[class.A]\nparent = [\"B\"]", "o.toml:2: class.A has the unknown key 'parent'"},
              {"[class.A]\nparents = \"B\"", "no list of texts"},
              {"[relation.r]\npatterns = [[\"A\"]]", "[subject, object] pairs"},
              {"[relation.r]\nfunctional = 1", "not true or false"},
              {"[property.p]\nmin = \"low\"", "is no number"},
              {"[cardinality]\nclass = \"A\"", "[[cardinality]]"},
              {"[[restriction]]\nclass = \"A\"", "one of some, all and value"},
              {"[things.a]", "unknown table 'things'"},
              {"class = 3", "[class.NAME]"},
              {"[class.A", "o.toml:1"}};
  for (const auto& row : rows) {
    try {
      parse_ontology(row.toml, "o.toml");
      ADD_FAILURE() << "no error: " << row.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

TEST(OntologyFile, LoadsByTheEndingAndChecksTheWhole) {
  const testing::TempFolder folder;
  write_file_atomic(folder.path() / "o.toml", kOntology);
  EXPECT_EQ(load_ontology(folder.path() / "o.toml").ontology.classes.size(), 3u);
  write_file_atomic(folder.path() / "o.ttl",
                    "@prefix owl: <http://www.w3.org/2002/07/owl#> . <http://x/A> a owl:Class ; "
                    "owl:oneOf () .");
  const LoadedOntology turtle = load_ontology(folder.path() / "o.ttl");
  EXPECT_EQ(turtle.ontology.classes.at(0).name, "A");
  EXPECT_EQ(turtle.not_understood.at("owl:oneOf"), 1);
  write_file_atomic(folder.path() / "bad.toml", "[class.A]\nparents = [\"Ghost\"]");
  EXPECT_THROW(load_ontology(folder.path() / "bad.toml"), Error);
  EXPECT_THROW(load_ontology(folder.path() / "none.toml"), Error);
}

}  // namespace
}  // namespace ondol::app

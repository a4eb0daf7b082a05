#include "app/graph_ontology.h"

#include <gmock/gmock.h>

#include "app/graph_test_support.h"
#include "app/ontology_file.h"
#include "prompt/test_support.h"

namespace ondol::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempFolder;

std::vector<ground::WholeText> documents() {
  return {{"a.md", "", "Alma Rue works for the Harrow Mill. Bertil Oss works for Vasker Mill."},
          {"b.md", "", "Corin Vale founded Tarrow Mill. Later Dora Shin founded Ennoch Mill."},
          {"c.md", "", "Emil Park adores Gil Yoon. Hana Oh adores Ida Moe."}};
}

class ProposedOntology : public ::testing::Test {
 protected:
  ProposedOntology()
      : desk_(testing::make_graph_workspace(temp_.path(), documents()), {.write = true}) {}
  const ground::OntologyRelation& relation(const ground::Ontology& ontology,
                                           const std::string& name) {
    for (const ground::OntologyRelation& one : ontology.relations) {
      if (one.name == name) return one;
    }
    throw std::runtime_error("no relation " + name);
  }
  const TempFolder temp_;
  GraphDesk desk_;
};

TEST_F(ProposedOntology, IsAFileThatIsReadAgain) {
  const OntologyProposal made = propose_ontology(desk_, nullptr, {});
  EXPECT_THAT(made.toml, HasSubstr("# works_for: 2 pairs of names"));
  const ground::Ontology read = parse_ontology(made.toml, "proposed");
  EXPECT_EQ(read.relations.size(), 3u);
  EXPECT_EQ(relation(read, "works_for").labels.at("en"), "works for");
  ASSERT_EQ(read.classes.size(), 1u);
  EXPECT_EQ(read.classes[0].name, "Mill");
}

TEST_F(ProposedOntology, AModelNamesTheClassesAndDropsWhatIsNone) {
  prompt::testing::ScriptedGenerator model;
  model.follows_schemas = true;
  model.text = [](const GenerateRequest& request, int64_t) -> std::string {
    const std::string& asked = std::get<Prompt>(request.prompt).messages.back().content;
    EXPECT_FALSE(request.json_schema.empty());
    EXPECT_FALSE(request.sources.empty());
    if (asked.find("Relation: works for") != std::string::npos) {
      return R"({"is_relation": true, "subject": "Person", "object": "Mill"})";
    }
    if (asked.find("Relation: adores") != std::string::npos) {
      return R"({"is_relation": false, "subject": "x", "object": "x"})";
    }
    return "I would rather not.";
  };
  const OntologyProposal made = propose_ontology(desk_, &model, {});
  EXPECT_EQ(made.suggestion.dropped, 1);
  const ground::Ontology read = parse_ontology(made.toml, "proposed");
  EXPECT_EQ(read.relations.size(), 2u);
  EXPECT_EQ(read.classes.size(), 2u);  // Mill, Person
  const std::vector<ground::RelationPattern> wanted = {{"Person", "Mill"}};
  EXPECT_EQ(relation(read, "works_for").patterns, wanted);
  EXPECT_THAT(relation(read, "founded").patterns, IsEmpty());
  EXPECT_NO_THROW(ground::OntologyIndex{read});
}

}  // namespace
}  // namespace ondol::app

// What is written for other programs is what the graph holds, in their formats whatever the names;
// and what is read back is the same graph.
#include "app/graph_exchange.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "app/graph_export.h"
#include "app/graph_import.h"
#include "app/graph_test_support.h"

namespace ondol::app {
namespace {

using ground::GivenFact;
using testing::error_text;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempFolder;

// Entities as "key|class", facts as "subject|relation|object|passages of proof", with their dates.
std::set<std::string> told(GraphDesk& desk, bool dates) {
  std::set<std::string> out;
  const ground::EntityGraph& graph = desk.graph();
  const auto name = [&](int32_t e) {
    const store::EntityName& its = graph.entities()[static_cast<size_t>(e)].name;
    return its.key + "|" + its.type;
  };
  for (size_t e = 0; e < graph.entities().size(); ++e) out.insert(name(static_cast<int32_t>(e)));
  for (const ground::GraphFact& fact : graph.facts()) {
    std::string text = name(fact.subject) + "|" + fact.label + "|" + name(fact.object);
    for (const ground::GraphPlace& place : fact.proof) {
      text += "|" + std::to_string(place.passage) + ":" + std::to_string(place.char_from);
    }
    out.insert(dates ? text + "|" + fact.valid_from + "-" + fact.valid_to : text);
  }
  return out;
}

constexpr const char* kFacts =
    R"({"document":"a.md","subject":"Alice Kim","relation":"met <&\"'> \\ 만남","object":"Bob Lee","subject_type":"person & \"co\"","object_type":"person"}
{"document":"b.md","subject":"Cara Oh","relation":"knows","object":"Alice Kim","object_type":"boat"}
{"document":"e.md","subject":"Cara Oh","relation":"wrote to","object":"Dora Shin","from":"1998","to":"2001-05"}
{"document":"g.md","subject":"김민수","relation":"일한다","object":"서울시청","subject_type":"사람"}
{"document":"g.md","subject":"Alice Kim","relation":"knows","object":"김민수"}
{"document":"h \"q\", <b>.md","subject":"Emil Park","relation":"line\nend","object":"Fred Moon"})";

std::vector<ground::WholeText> documents() {
  auto all = testing::two_groups();
  all.push_back({"g.md", "", "김민수는 서울시청에서 일한다. They say Alice Kim knows 김민수."});
  all.push_back(
      {"h \"q\", <b>.md", "", "Soon Emil Park \"met\" Fred Moon,\r\nthen left. x < y & z."});
  return all;
}

class Exchange : public ::testing::Test {
 protected:
  Exchange()
      : desk_(testing::make_graph_workspace(temp_.path() / "first", documents()), {.write = true}) {
    const ground::FactImport done = testing::import_text(desk_, temp_.path() / "f.jsonl", kFacts);
    EXPECT_EQ(done.taken, 6);
    EXPECT_THAT(done.rejected, IsEmpty());
  }
  // What a fresh workspace of the same documents holds after reading this.
  std::set<std::string> read_back(const fs::path& path, bool dates) {
    GraphDesk other(testing::make_graph_workspace(temp_.path() / "second", documents()),
                    {.write = true});
    SilentProgress silent;
    const ground::FactImport done = other.import_facts(path, silent);
    EXPECT_EQ(done.taken, 6);
    EXPECT_THAT(done.rejected, IsEmpty());
    return told(other, dates);
  }
  std::string written(const std::string& format, const std::string& file = "") {
    const fs::path output = temp_.path() / ("out." + format);
    export_graph(desk_, format, output);
    return read_file(file.empty() ? output : output / file);
  }

  const TempFolder temp_;
  GraphDesk desk_;
};

TEST_F(Exchange, EveryFormatComesBackTheSame) {
  for (const auto& [format, file] : std::map<std::string, std::string>{
           {"graphml", "g.graphml"}, {"nt", "g.nt"}, {"graphrag", "tables"}}) {
    SCOPED_TRACE(format);
    const GraphExport done = export_graph(desk_, format, temp_.path() / file);
    EXPECT_EQ(done.facts, 6);
    const bool dates = format != "graphrag";  // its tables have none
    EXPECT_EQ(read_back(temp_.path() / file, dates), told(desk_, dates));
    fs::remove_all(temp_.path() / "second");
  }
  EXPECT_THAT(error_text([&] { export_graph(desk_, "gexf", "x"); }, ErrorCode::kInvalidArgument),
              HasSubstr("graphml, neo4j, graphrag, nt"));
}

TEST_F(Exchange, GraphmlIsEscaped) {
  const std::string text = written("graphml");
  EXPECT_THAT(text, HasSubstr("<data key=\"relation\">met &lt;&amp;&quot;'&gt; \\ 만남</data>"));
  EXPECT_THAT(text, HasSubstr("<data key=\"class\">person &amp; &quot;co&quot;</data>"));
  EXPECT_THAT(text, HasSubstr("<data key=\"documents\">[&quot;a.md&quot;]</data>"));
  EXPECT_THAT(text, HasSubstr("<data key=\"kind\">together</data>"));
}

TEST_F(Exchange, TriplesAreEscaped) {
  const std::string text = written("nt");
  EXPECT_THAT(text, HasSubstr("<urn:ondol:entity:alice%20kim:person%20%26%20%22co%22> "
                              "<urn:ondol:relation:met%20%3C%26%22%27%3E%20%5C%20"));
  EXPECT_THAT(text, HasSubstr("#label> \"김민수\"@ko .\n"));
  EXPECT_THAT(text, HasSubstr("#label> \"line\\nend\" .\n"));
  EXPECT_THAT(text, HasSubstr("\"met <&\\\"'> \\\\ 만남\"@ko .\n"));
  for (size_t at = 0; at < text.size();) {  // no line is broken: each ends as a triple
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ(text.substr(end - 2, 2), " .");
    at = end + 1;
  }
}

TEST_F(Exchange, Neo4jTablesFitTogether) {
  const auto table = [&](const char* file) { return read_csv_rows(written("neo4j", file), file); };
  std::set<std::string> ids;
  for (const char* file : {"entities.csv", "passages.csv", "documents.csv"}) {
    const auto rows = table(file);
    for (size_t r = 1; r < rows.size(); ++r) {
      ASSERT_EQ(rows[r].size(), rows[0].size());
      EXPECT_TRUE(ids.insert(rows[r][0]).second);
    }
  }
  EXPECT_EQ(table("entities.csv")[0].front(), "id:ID(Entity)");
  EXPECT_EQ(table("entities.csv")[0].back(), ":LABEL");
  for (const char* file : {"facts.csv", "mentions.csv", "part_of.csv", "named_together.csv"}) {
    const auto rows = table(file);
    EXPECT_GT(rows.size(), 1u) << file;
    EXPECT_EQ(rows[0].back(), ":TYPE");
    for (size_t r = 1; r < rows.size(); ++r) {
      ASSERT_EQ(rows[r].size(), rows[0].size());
      EXPECT_TRUE(ids.contains(rows[r][0]) && ids.contains(rows[r][1])) << file << " " << r;
    }
  }
  std::set<std::string> types;
  for (const auto& row : table("facts.csv")) types.insert(row.back());
  EXPECT_TRUE(types.contains("WROTE_TO") && types.contains("일한다") && types.contains("LINE_END"));
}

TEST_F(Exchange, GraphragTablesFitTogether) {
  export_graph(desk_, "graphrag", temp_.path() / "t");
  const auto table = [&](const char* file) {
    return read_csv_rows(read_file(temp_.path() / "t" / file), file);
  };
  const auto entities = table("entities.csv");
  EXPECT_THAT(entities[0], ElementsAre("id", "human_readable_id", "title", "type", "description",
                                       "text_unit_ids", "frequency", "degree"));
  std::set<std::string> titles;
  for (size_t r = 1; r < entities.size(); ++r) EXPECT_TRUE(titles.insert(entities[r][2]).second);
  // Namesakes of two classes.
  EXPECT_TRUE(titles.contains("Alice Kim (boat)") &&
              titles.contains("Alice Kim (person & \"co\")"));
  const auto relationships = table("relationships.csv");
  EXPECT_THAT(relationships[0],
              ElementsAre("id", "human_readable_id", "source", "target", "description", "weight",
                          "combined_degree", "text_unit_ids"));
  std::string units;
  for (const auto& row : table("text_units.csv")) units += row[0] + " ";
  for (size_t r = 1; r < relationships.size(); ++r) {
    EXPECT_TRUE(titles.contains(relationships[r][2]) && titles.contains(relationships[r][3]));
    EXPECT_THAT(units, HasSubstr(relationships[r][7].substr(2, 36)));
  }
  const auto communities = table("communities.csv");
  EXPECT_EQ(communities[0].size(), 12u);
  EXPECT_EQ(table("documents.csv").size(), documents().size() + 1);
}

TEST(GraphImport, GraphragAsItPrintsItself) {
  const std::string relationships =
      "id,source,target,description,text_unit_ids\n"
      "1,ALICE KIM,BOB LEE,\"friends, \"\"old\"\" ones\",\"['u1'\n 'u2']\"\n"
      "2,BOB LEE,NOWHERE,was in,['u9']\n"
      "3,BOB LEE,CARA OH,,['u1']\n";
  const auto plain = read_graphrag({relationships, "", "", ""});
  EXPECT_THAT(plain,
              ElementsAre(GivenFact{"", "ALICE KIM", "friends, \"old\" ones", "BOB LEE", "", ""},
                          GivenFact{"", "BOB LEE", "was in", "NOWHERE", "", ""}));
  const auto full = read_graphrag({relationships, "id,title,type\nx,ALICE KIM,PERSON\n",
                                   "id,text,document_ids\nu1,hello,['d1']\nu2,hello,['d2']\n",
                                   "id,title\nd1,a.md\nd2,b.md\n"});
  ASSERT_EQ(full.size(), 3u);
  EXPECT_EQ(full[0],
            (GivenFact{"a.md", "ALICE KIM", "friends, \"old\" ones", "BOB LEE", "PERSON", ""}));
  EXPECT_EQ(full[1].document, "b.md");
  EXPECT_THAT(error_text(
                  [] {
                    read_graphrag({"a,b\n1,2\n", "", "", ""});
                  },
                  ErrorCode::kCorruptData),
              HasSubstr("no column 'source'"));
}

TEST(GraphImport, FindsTheDocumentsOfFactsWithoutOne) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()), {});
  const auto found = locate_facts({{"", "BOB LEE", "saw", "Cara Oh", "", ""},
                                   {"", "Alice Kim", "saw", "Emil Park", "", ""},
                                   {"", "Emil Park", "met", "Dora Shin", "", ""},
                                   {"given.md", "x", "y", "z", "", ""}},
                                  desk.all_passages());
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].document, "b.md");
  EXPECT_EQ(found[1].document, "");  // never in one sentence
  EXPECT_EQ(found[2].document, "c.md");
  EXPECT_EQ(found[3].document, "given.md");
}

TEST(GraphImport, OtherProgramsFiles) {
  // As networkx writes it: numbered keys, attributes by name.
  const std::string graphml =
      "<?xml version='1.0' encoding='utf-8'?><!-- a > b -->\n"
      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"
      "<key id='d1' for='edge' attr.name='relation' attr.type='string' />"
      "<graph edgedefault='directed'><node id='A &amp; B'/><node id='C'><data "
      "key='z'>1</data></node>"
      "<edge source='A &amp; B' target='C'><data key='d1'>made <![CDATA[<of>]]> &#x41;&#66;</data>"
      "</edge><edge source='C' target='C'/></graph></graphml>";
  EXPECT_THAT(read_graphml(graphml, "t"),
              ElementsAre(GivenFact{"", "A & B", "made <of> AB", "C", "", ""}));
  const std::string triples =
      "# a comment\n\n<http://x/Ada_Lovelace> <http://x/bornIn> <http://x/London> . # more\n"
      "<http://x/Ada_Lovelace> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
      "<http://x/o#Person> .\r\n"
      "<http://x/London> <http://www.w3.org/2000/01/rdf-schema#label> \"L\\u006Fndon "
      "\\U0001F600\"@en .\n"
      "<http://x/Ada_Lovelace> <http://x/age> \"36\"^^<http://x/int> .\n";
  EXPECT_THAT(read_triples(triples, "t"),
              ElementsAre(GivenFact{"", "Ada Lovelace", "bornIn", "London \xF0\x9F\x98\x80",
                                    "Person", ""}));
}

TEST(GraphImport, BrokenFilesAreErrorsWithTheirLine) {
  for (const char* broken :
       {"", "<a>", "<a></b>", "<a x=1/>", "<a x=\"1/>", "<a>&unknown;</a>", "<a>&#xD800;</a>",
        "<a>&#x110000;</a>", "<a>&amp</a>", "<!-- a", "<a", "<a><![CDATA[x</a>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "</a>"}) {
    EXPECT_THAT(error_text([&] { read_graphml(broken, "g"); }, ErrorCode::kCorruptData),
                HasSubstr("'g' line 1"))
        << broken;
  }
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "<a>";
  EXPECT_THAT(error_text([&] { read_graphml(deep, "g"); }, ErrorCode::kCorruptData),
              HasSubstr("deep"));
  for (const char* broken : {"<a> <b> .", "<a> <b> <c>", "<a> \"b\" <c> .", "\"a\" <b> <c> .",
                             "<a> <b> \"c .", "<a> <b> \"\\q\" .", "<a> <b> \"\\uD800\" .",
                             "<a> <b> \"\\u12\" .", "<a> <b> <c> . x", "a b c .", "<a"}) {
    EXPECT_THAT(
        error_text([&] { read_triples(std::string("\n") + broken, "n"); }, ErrorCode::kCorruptData),
        HasSubstr("'n' line 2"))
        << broken;
  }
  for (const char* broken : {"a,b\n\"x", "a,b\n\"x\"y,1\n"}) {
    EXPECT_THAT(error_text([&] { read_csv_rows(broken, "c"); }, ErrorCode::kCorruptData),
                HasSubstr("'c' line 2"));
  }
  EXPECT_THAT(
      error_text([&] { read_json_lines("{\"document\": 1}", "j"); }, ErrorCode::kCorruptData),
      HasSubstr("'j' line 1"));
  const TempFolder temp;
  write_file_atomic(temp.path() / "a.xlsx", "x");
  EXPECT_THAT(error_text([&] { read_facts(temp.path() / "a.xlsx"); }, ErrorCode::kUnsupported),
              HasSubstr("'.xlsx'"));
}

TEST(GraphImport, CsvRowsAreReadAsWritten) {
  const std::string text =
      csv_row({"a", "b,c", "d\"e", "f\r\ng", ""}) + csv_row({"", "x", "", "", "끝"});
  EXPECT_THAT(read_csv_rows("\xEF\xBB\xBF" + text, "t"),
              ElementsAre(ElementsAre("a", "b,c", "d\"e", "f\r\ng", ""),
                          ElementsAre("", "x", "", "", "끝")));
  EXPECT_THAT(read_csv_rows("a,b\r\n1,2", "t"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  for (const char* name : {"a b", "100%", "한/글", "%41", ""})
    EXPECT_EQ(from_iri_part(iri_part(name)), name);
  EXPECT_EQ(from_iri_part("%4"), "%4");
  EXPECT_EQ(from_iri_part("%zz"), "%zz");
}

}  // namespace
}  // namespace ondol::app

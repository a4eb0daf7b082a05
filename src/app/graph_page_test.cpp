// What the page shows, and that nothing a document says gets out of its block of data.
#include "app/graph_page.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/graph_test_support.h"
#include "text/segment.h"

namespace ondol::app {
namespace {

using Json = nlohmann::json;
using testing::error_text;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempFolder;

std::vector<std::string> names(const GraphView& view, const ground::EntityGraph& graph) {
  std::vector<std::string> out;
  for (const ViewNode& node : view.nodes) {
    out.push_back(graph.entities()[static_cast<size_t>(node.entity)].label);
  }
  return out;
}

// The words that a mark of a quote covers.
std::string marked(const GraphView& view, const ViewEvidence& evidence, size_t mark) {
  const std::string& text = view.quotes[static_cast<size_t>(evidence.quote)].text;
  const auto [from, to] = evidence.marks.at(mark);
  std::string out;
  int64_t point = 0;
  for (size_t at = 0; at < text.size(); ++point) {
    const size_t begin = at;
    text::next_code_point(text, at);
    if (point >= from && point < to) out += text.substr(begin, at - begin);
  }
  return out;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// What the script reads, as the browser's parser would cut it out.
Json data_of(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const size_t from = page.find(open) + open.size();
  return Json::parse(page.substr(from, page.find("</script", from) - from));
}

TEST(GraphView, ShowsTheWholeWithItsSentences) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()), {});
  const GraphView view = graph_view(desk);
  EXPECT_EQ(view.entities, 7);
  EXPECT_EQ(view.nodes.size(), 7u);
  EXPECT_EQ(view.seed, -1);
  EXPECT_EQ(view.edges_hidden, 0);
  const auto shown = names(view, desk.graph());
  for (size_t n = 0; n < view.nodes.size(); ++n) {
    ASSERT_FALSE(view.nodes[n].evidence.empty()) << shown[n];
    EXPECT_EQ(marked(view, view.nodes[n].evidence[0], 0), shown[n]);
    EXPECT_GE(view.nodes[n > 0 ? n - 1 : 0].rank, view.nodes[n].rank);
  }
  ASSERT_FALSE(view.edges.empty());
  for (const ViewEdge& edge : view.edges) {
    EXPECT_LT(edge.first, edge.second);
    ASSERT_FALSE(edge.together.empty());
    EXPECT_EQ(edge.together[0].marks.size(), 2u);  // both names
  }
  int64_t members = 0;
  for (const ViewCommunity& community : view.communities) members += community.size;
  EXPECT_EQ(members, 7);
}

TEST(GraphView, StaysNearTheNameAndWithinItsLimits) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()), {});
  const GraphView near = graph_view(desk, {.name = "Emil Park", .hops = 1});
  EXPECT_EQ(names(near, desk.graph()).at(0), "Emil Park");
  EXPECT_EQ(near.seed, 0);
  EXPECT_THAT(names(near, desk.graph()), Not(::testing::Contains("Alice Kim")));
  EXPECT_EQ(graph_view(desk, {.name = "Gil Yoon"}).nodes.size(), 1u);
  const GraphView few = graph_view(desk, {.nodes_max = 3, .edges_max = 1});
  EXPECT_EQ(few.nodes.size(), 3u);
  EXPECT_EQ(few.edges.size(), 1u);
  EXPECT_THAT(
      error_text([&] { graph_view(desk, {.nodes_max = 501}); }, ErrorCode::kInvalidArgument),
      HasSubstr("1 to 500"));
  EXPECT_THAT(error_text([&] { graph_view(desk, {.name = "Emil Lee"}); }, ErrorCode::kNotFound),
              HasSubstr("'Bob Lee'"));
}

TEST(GraphView, FactsHaveTheirProof) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()),
                 {.write = true});
  testing::import_text(
      desk, temp.path() / "facts.jsonl",
      R"({"document":"e.md","subject":"Cara Oh","relation":"wrote to","object":"Dora Shin"})");
  const GraphView view = graph_view(desk);
  const auto with_fact = std::find_if(view.edges.begin(), view.edges.end(),
                                      [](const ViewEdge& edge) { return !edge.facts.empty(); });
  ASSERT_NE(with_fact, view.edges.end());
  const ViewEvidence& proof = with_fact->facts.at(0).evidence.at(0);
  EXPECT_EQ(view.quotes[static_cast<size_t>(proof.quote)].text, "Once Cara Oh wrote to Dora Shin.");
  EXPECT_EQ(marked(view, proof, 0), "Cara Oh");
  EXPECT_EQ(marked(view, proof, 1), "Dora Shin");
  const Json data = data_of(graph_page(view, desk.graph(), "facts"));
  const auto& edge = data.at("edges").at(static_cast<size_t>(with_fact - view.edges.begin()));
  const Json& fact = edge.at("facts").at(0);
  const auto subject = edge.at(fact.at("forth").get<bool>() ? "a" : "b").get<size_t>();
  EXPECT_EQ(data.at("nodes").at(subject).at("name"), "Cara Oh");
}

TEST(GraphView, LongSentencesAreCut) {
  std::string sentence = "It is said that";
  for (int i = 0; i < 150; ++i) sentence += " again and";
  sentence += " then Alice Kim met Bob Lee";
  for (int i = 0; i < 150; ++i) sentence += " again and";
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), {{"a.md", "", sentence + " so."}}), {});
  const GraphView view = graph_view(desk, {.name = "Alice Kim"});
  const ViewQuote& quote = view.quotes[static_cast<size_t>(view.nodes[0].evidence.at(0).quote)];
  EXPECT_LE(quote.text.size(), 400u);
  EXPECT_TRUE(quote.cut_from && quote.cut_to);
  EXPECT_EQ(marked(view, view.nodes[0].evidence[0], 0), "Alice Kim");
}

TEST(GraphView, ShowsWhatThePrincipalMaySee) {
  const TempFolder temp;
  const Workspace workspace = testing::make_graph_workspace(temp.path(), testing::two_groups());
  {
    const auto store = workspace.open_store(store::OpenMode::kReadWrite);
    const auto shelf = store->open_collection(kDocumentsCollection);
    store::DocumentContent secret{.document = *store->find_document(shelf, "f.md")};
    secret.document.principals = {"kim"};
    for (const store::Chunk& chunk : store->chunks_of(secret.document.id)) {
      secret.chunks.push_back({.row = chunk});
    }
    store->put_document(shelf, secret);
  }
  GraphDesk other(workspace, {}), kim(workspace, {.principal = "kim"});
  EXPECT_THAT(graph_page(graph_view(other), other.graph(), "t"), Not(HasSubstr("Gil Yoon")));
  EXPECT_THAT(graph_page(graph_view(kim), kim.graph(), "t"), HasSubstr("Gil Yoon"));
}

TEST(GraphPage, DocumentsCannotLeaveTheirBlock) {
  const std::string evil =
      "Then Alice Kim met </script><script>alert(1)</script> Bob \"Lee\" & "
      "O'Neill <!-- <ScRiPt> ]]>\xE2\x80\xA8now\xE2\x80\xA9 \\u003c/script> in "
      "London.";
  const TempFolder temp;
  const Workspace workspace = testing::make_graph_workspace(
      temp.path(), {{"a</script>'\"&.md", "</title><script>", evil}, {"b.md", "", "Bob Lee sat."}});
  GraphDesk desk(workspace, {.write = true});
  testing::import_text(
      desk, temp.path() / "facts.jsonl",
      R"x({"document":"a</script>'\"&.md","subject":"Alice Kim","relation":"</script><img src=x onerror=alert(1)>","object":"London","subject_type":"\"><b>","object_type":"'"})x");
  const std::string title = "T </script> & \"t\" '<b>";
  const std::string page = graph_page(graph_view(desk), desk.graph(), title);
  // Two scripts of ours and nothing else that opens or closes one, comments or tags.
  EXPECT_EQ(count(page, "<script"), 2u);
  EXPECT_EQ(count(page, "</script"), 2u);
  EXPECT_EQ(count(page, "<ScRiPt"), 0u);
  EXPECT_EQ(count(page, "<!--"), 0u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_EQ(count(page, "<b>"), 0u);
  EXPECT_EQ(count(page, "\xE2\x80\xA8"), 0u);
  EXPECT_EQ(count(page, "\xE2\x80\xA9"), 0u);
  EXPECT_THAT(page,
              HasSubstr("<title>T &lt;/script&gt; &amp; &quot;t&quot; &#39;&lt;b&gt; - ondol"));
  // And all of it arrives as it was.
  const Json data = data_of(page);
  EXPECT_EQ(data.at("title"), title);
  EXPECT_EQ(data.at("documents").at(0), "a</script>'\"&.md");
  std::string quotes, types;
  for (const Json& quote : data.at("quotes")) quotes += quote.at("text").get<std::string>();
  for (const Json& node : data.at("nodes")) types += node.at("type").get<std::string>();
  EXPECT_THAT(quotes, HasSubstr("<script>alert(1)</script>"));
  EXPECT_THAT(types, HasSubstr("\"><b>"));
}

TEST(GraphPage, LoadsNothing) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()), {});
  const std::string page = graph_page(graph_view(desk), desk.graph(), "t");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* outside : {"https://", " src=", "@import", "url(", "fetch(", "innerHTML",
                              "insertAdjacentHTML", "document.write", "eval("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_EQ(page, graph_page(graph_view(desk), desk.graph(), "t"));
}

TEST(GraphPage, InvalidBytesBecomeReplacements) {
  const TempFolder temp;
  GraphDesk desk(testing::make_graph_workspace(temp.path(), testing::two_groups()), {});
  const std::string page = graph_page(graph_view(desk), desk.graph(), "bad \xFF name");
  EXPECT_EQ(text::invalid_utf8_offset(page), std::nullopt);
  EXPECT_EQ(data_of(page).at("title"), "bad \xEF\xBF\xBD name");
}

}  // namespace
}  // namespace ondol::app

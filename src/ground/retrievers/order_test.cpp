// What happens to passages after they are found: ordered anew, chosen to differ, grown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "ground/cite.h"
#include "ground/ingest.h"
#include "ground/retriever.h"
#include "ground/retrievers/test_support.h"
#include "ground/test_support.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kGuide =
    "# Guide\n\nThe guide is for guests of the house.\n\n"
    "## Winter\n\nThe boiler runs at night. The floor is warm by six.\n\n\n"
    "The pump is checked in November. Doors stay shut.\n\nSnow is cleared by the porter.\n\n"
    "## Summer\n\nThe garden opens in May.\n\nThe pump rests in summer.\n";

class Ordering : public ::testing::Test {
 protected:
  // One sentence or two a passage, so that a section has several.
  void ingest(const IngestOptions& base = {}) {
    const auto documents = folder_.path() / "documents";
    std::filesystem::create_directories(documents);
    write_file_atomic(documents / "guide.md", kGuide);
    write_file_atomic(documents / "hidden.md", "# Hidden\n\nThe pump is secret. Nobody knows.\n");
    write_file_atomic(documents / "한글.md",
                      "# 안내\n\n보일러는 밤에 켠다.\n\n바닥은 여섯 시에 따뜻하다.\n");
    IngestOptions options = base;
    options.chunks.words_target = 7;
    testing::RecordedProgress progress;
    ingest_folder(*store_, shelf_, documents, nullptr, options, progress);
  }
  std::vector<Evidence> search(const RetrieverConfig& config, const Query& query, size_t k) {
    return make_retriever(config, corpus_)->retrieve(query, k);
  }
  // The document's own text between two offsets, as the reader keeps it.
  std::string original(const std::string& name, int64_t from, int64_t to) {
    const Document document = read_document(name, read_file(folder_.path() / "documents" / name));
    size_t begin = 0, end = 0;
    for (int64_t i = 0; i < from; ++i) text::next_code_point(document.text, begin);
    end = begin;
    for (int64_t i = from; i < to; ++i) text::next_code_point(document.text, end);
    return document.text.substr(begin, end - begin);
  }

  testing::TempFolder folder_;
  std::unique_ptr<store::Store> store_ = store::open_sqlite_store(folder_.path() / "s.db");
  store::CollectionId shelf_ = store_->open_collection("c");
  testing::ScriptedModel model_;
  CachedGenerator cached_{model_, nullptr};
  testing::WordReranker reranker_;
  Corpus corpus_{{.store = store_.get(),
                  .collection = shelf_,
                  .model = [this]() -> CachedGenerator& { return cached_; },
                  .reranker = [this](const std::string&) -> Reranker& { return reranker_; }}};
};

TEST_F(Ordering, AParentIsTheSectionAndNothingElse) {
  ingest();
  const auto plain = search({.kind = "bm25"}, {.text = "porter snow"}, 1);
  ASSERT_EQ(plain.size(), 1u);
  const auto grown = search({.kind = "bm25", .expand = "parent"}, {.text = "porter snow"}, 1);
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].chunk_id, plain[0].chunk_id);
  EXPECT_EQ(grown[0].score, plain[0].score);
  EXPECT_EQ(grown[0].heading, "Guide > Winter");
  EXPECT_THAT(grown[0].text, HasSubstr("The boiler runs at night."));
  EXPECT_THAT(grown[0].text, HasSubstr("Snow is cleared by the porter."));
  EXPECT_THAT(grown[0].text, ::testing::Not(HasSubstr("garden")));
  EXPECT_LT(grown[0].ordinal, plain[0].ordinal);
  EXPECT_LT(grown[0].char_from, plain[0].char_from);
  EXPECT_EQ(grown[0].char_to, plain[0].char_to);
  EXPECT_EQ(static_cast<int64_t>(text::count_code_points(grown[0].text)),
            grown[0].char_to - grown[0].char_from);
}

TEST_F(Ordering, CitationsStandWhereTheDocumentHasThem) {
  ingest();
  for (const char* expand : {"parent", "neighbours"}) {
    for (const Query& query : {Query{.text = "pump November"}, Query{.text = "여섯 시 바닥"},
                               Query{.text = "garden May"}}) {
      const auto found = search({.kind = "bm25", .expand = expand}, query, 3);
      ASSERT_FALSE(found.empty());
      for (const char* answer : {"The floor is warm by six.", "The garden opens in May",
                                 "The pump is checked in November", "보일러는 밤에 켠다"}) {
        for (const Citation& citation : cite(answer, found)) {
          EXPECT_EQ(original(citation.document, citation.char_from, citation.char_to),
                    citation.quote)
              << expand << ": " << answer;
        }
      }
    }
  }
}

TEST_F(Ordering, NeighboursCrossHeadingsAndKeepTheirWords) {
  ingest();
  const auto found = search({.kind = "bm25", .expand = "neighbours"}, {.text = "garden May"}, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].heading, "Guide > Summer");
  EXPECT_THAT(found[0].text, HasSubstr("Snow is cleared by the porter."));
  EXPECT_THAT(found[0].text, HasSubstr("The pump rests in summer."));
  EXPECT_THAT(found[0].text, ::testing::Not(HasSubstr("boiler")));
}

TEST_F(Ordering, WordsBoundTheGrowth) {
  ingest();
  const Query query{.text = "pump November"};
  const auto plain = search({.kind = "bm25"}, query, 1);
  const auto same = search({.kind = "bm25", .expand = "parent", .expand_words = 1}, query, 1);
  EXPECT_EQ(same.at(0).text, plain.at(0).text);
  size_t last = 0;
  for (const int64_t words : {9, 14, 400}) {
    const auto found =
        search({.kind = "bm25", .expand = "parent", .expand_words = words}, query, 1);
    EXPECT_GE(found.at(0).text.size(), last);
    last = found.at(0).text.size();
  }
  EXPECT_GT(last, plain.at(0).text.size());
}

TEST_F(Ordering, TwoPassagesOfASectionAreOneResult) {
  ingest();
  const Query query{.text = "boiler floor pump doors snow porter garden"};
  const auto plain = search({.kind = "bm25"}, query, 5);
  const auto grown = search({.kind = "bm25", .expand = "parent"}, query, 5);
  EXPECT_LT(grown.size(), plain.size());
  std::map<std::pair<std::string, std::string>, int> sections;
  for (const Evidence& piece : grown) ++sections[{piece.document, piece.heading}];
  for (const auto& [section, count] : sections) EXPECT_EQ(count, 1) << section.second;
}

TEST_F(Ordering, AParentShowsOnlyWhatThePersonMaySee) {
  ingest({.rules = {{.prefix = "hidden", .principals = {"kim"}, .tags = {}}}});
  for (const char* expand : {"parent", "neighbours"}) {
    const RetrieverConfig config{.kind = "bm25", .expand = expand};
    for (const Evidence& piece : search(config, {.text = "pump", .principal = "lee"}, 5)) {
      EXPECT_NE(piece.document, "hidden.md");
      EXPECT_THAT(piece.text, ::testing::Not(HasSubstr("Nobody knows")));
    }
    bool seen = false;
    for (const Evidence& piece : search(config, {.text = "pump secret", .principal = "kim"}, 5)) {
      seen = seen || piece.text.find("Nobody knows") != std::string::npos;
    }
    EXPECT_TRUE(seen);
  }
  EXPECT_TRUE(corpus_.document({.principal = "lee"}, "hidden.md").empty());
  EXPECT_FALSE(corpus_.document({.principal = "kim"}, "hidden.md").empty());
  EXPECT_TRUE(corpus_.document({}, "no such file").empty());
}

TEST_F(Ordering, ARerankerDecidesTheOrderAndReadsTitleAndHeading) {
  ingest();
  const Query query{.text = "pump summer rests"};
  const auto found = search({.kind = "bm25", .rerank = "words"}, query, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].text, HasSubstr("The pump rests in summer."));
  EXPECT_EQ(found[0].score, 3);
  EXPECT_EQ(found[0].provider, "bm25");
  EXPECT_THAT(reranker_.read[0], HasSubstr("Guide > "));
  EXPECT_GT(reranker_.read.size(), 2u);  // more than are given
}

TEST_F(Ordering, TheModelsYesAndNoAreAReranker) {
  ingest();
  model_.likelihood = [](const std::string& user, const std::string& word) {
    EXPECT_TRUE(word == "Yes" || word == "No");
    EXPECT_THAT(user, HasSubstr("Question: pump"));
    const bool garden = user.find("November") != std::string::npos;
    return word == "Yes" ? (garden ? -0.1 : -3.0) : -1.0;
  };
  const auto found = search({.kind = "bm25", .rerank = "model"}, {.text = "pump"}, 5);
  ASSERT_GE(found.size(), 2u);
  EXPECT_THAT(found[0].text, HasSubstr("November"));
  EXPECT_NEAR(found[0].score, 0.9, 1e-12);
  EXPECT_NEAR(found[1].score, -2.0, 1e-12);
  model_.likelihood = [](const std::string&, const std::string& word) {
    return word == "예" ? -1.0 : word == "아니요" ? -2.0 : 0.0;
  };
  EXPECT_NEAR(
      search({.kind = "bm25", .rerank = "model"}, {.text = "보일러는 언제 켜나요?"}, 1).at(0).score,
      1.0, 1e-12);
  model_.can_score = false;
  try {
    search({.kind = "bm25", .rerank = "model"}, {.text = "pump"}, 5);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("likelihoods"));
  }
}

TEST_F(Ordering, ThePassageBehindWhichTheQuestionIsLikelyComesFirst) {
  ingest();
  model_.raw_likelihood = [](const std::string& text, const std::string& question) {
    EXPECT_EQ(question, " pump when");
    EXPECT_TRUE(text.ends_with("A question that this passage answers:"));
    return text.find("November") != std::string::npos ? -4.0 : -9.0;
  };
  const auto found = search({.kind = "bm25", .rerank = "likelihood"}, {.text = "pump  when"}, 5);
  ASSERT_GE(found.size(), 2u);
  EXPECT_THAT(found[0].text, HasSubstr("November"));
  EXPECT_NEAR(found[0].score, -2.0, 1e-12);  // of two tokens
}

// Two passages that say the same and one that says something else.
TEST_F(Ordering, DiversityTakesAnotherPassageBeforeTheSameAgain) {
  SilentProgress silent;
  ingest_texts(*store_, shelf_,
               std::vector<WholeText>{{"a", "T", "the ferry leaves at nine"},
                                      {"b", "T", "the ferry leaves at nine today"},
                                      {"c", "T",
                                       "tickets for the ferry are sold by the harbour "
                                       "office on weekdays"}},
               nullptr, {}, silent);
  const auto names = [&](double diversity) {
    std::vector<std::string> out;
    for (const Evidence& piece : search({.kind = "bm25", .diversity = diversity},
                                        {.text = "ferry leaves nine tickets"}, 2)) {
      out.push_back(piece.document);
    }
    return out;
  };
  EXPECT_THAT(names(0), ElementsAre("a", "b"));
  EXPECT_THAT(names(0.6), ElementsAre("a", "c"));
}

// Title and heading stand in what is indexed: a passage is found by them (contextual headers).
TEST_F(Ordering, PassagesAreFoundByTheirTitleAndHeading) {
  ingest();
  const auto found = search({.kind = "bm25"}, {.text = "winter porter"}, 1);
  EXPECT_THAT(found.at(0).text, HasSubstr("porter"));
  const auto heading = search({.kind = "bm25"}, {.text = "winter"}, 10);
  ASSERT_FALSE(heading.empty());  // no passage has the word in its text
  for (const Evidence& piece : heading) {
    EXPECT_EQ(piece.heading, "Guide > Winter");
    EXPECT_EQ(piece.text.find("inter"), std::string::npos);
  }
}

}  // namespace
}  // namespace ondol::ground

// What every retriever must do, over the whole registry: a new row is tested by being a row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/error.h"
#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/retriever.h"
#include "ground/retrievers/retrievers.h"
#include "ground/retrievers/test_support.h"
#include "ground/sentences.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using testing::HashEmbedder;
using ::testing::HasSubstr;
using testing::TempFolder;

// A kind, with or without something around it.
struct Row {
  std::string name;
  RetrieverConfig config;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

class RetrieverContract : public ::testing::TestWithParam<Row> {
 protected:
  RetrieverContract()
      : store_(store::open_sqlite_store(folder_.path() / "s.db")),
        shelf_(store_->open_collection("c")),
        cached_(model_, nullptr),
        corpus_({.store = store_.get(),
                 .collection = shelf_,
                 .embedder = &embedder_,
                 .model = [this]() -> CachedGenerator& { return cached_; },
                 .reranker = [this](const std::string&) -> Reranker& { return reranker_; }}),
        retriever_(make_retriever(GetParam().config, corpus_)) {
    // The question's own words in another order, under every field that is asked for.
    model_.answer = [](const std::string& user) {
      std::istringstream words(testing::question_in(user));
      std::string turned;
      for (std::string word; words >> word;) turned = word + (turned.empty() ? "" : " ") + turned;
      for (char& c : turned) c = c == '"' ? ' ' : c;
      return R"({"queries":[")" + turned + R"("],"passage":")" + turned + R"(","next":")" + turned +
             R"("})";
    };
    model_.likelihood = [](const std::string& user, const std::string& word) {
      const double shared =
          testing::shared_words(testing::question_in(user), testing::behind(user, "Passage: ")) +
          testing::shared_words(testing::question_in(user), user.substr(user.find("\n\n") + 2));
      return word == "Yes" || word == "예" ? shared : 0.0;
    };
    model_.raw_likelihood = [](const std::string& text, const std::string& question) {
      return testing::shared_words(question, text);
    };
  }

  void ingest(std::vector<WholeText> texts, IngestOptions options = {}) {
    SilentProgress silent;
    options.extractor = names_.get();
    ingest_texts(*store_, shelf_, texts, &embedder_, options, silent);
  }
  std::vector<std::string> found(const Query& query, size_t k) {
    std::vector<std::string> out;
    for (const Evidence& evidence : retriever_->retrieve(query, k)) {
      if (evidence.sources.empty()) out.push_back(evidence.document);
      for (const Citation& source : evidence.sources) out.push_back(source.document);
    }
    out.resize(std::min(out.size(), k));  // a text made of others has several
    return out;
  }

  // It stands in the document at that place.
  void expect_quoted(const Citation& source) {
    const store::ChunkId id[] = {source.chunk_id};
    const auto view = store_->chunks({shelf_, "", {}}, id);
    ASSERT_EQ(view.size(), 1u);
    EXPECT_EQ(view[0].uri, source.document);
    const auto from = source.char_from - view[0].chunk.char_from;
    const auto sentences = placed_sentences(view[0].chunk.text);
    EXPECT_TRUE(std::any_of(sentences.begin(), sentences.end(), [&](const PlacedSentence& s) {
      return s.char_from == from && s.text == source.quote;
    })) << source.quote;
  }

  TempFolder folder_;
  HashEmbedder embedder_{{"en", "ko"}};
  std::unique_ptr<Extractor> names_ = make_extractor("names");
  std::unique_ptr<store::Store> store_;
  store::CollectionId shelf_;
  testing::ScriptedModel model_;
  CachedGenerator cached_;
  testing::WordReranker reranker_;
  Corpus corpus_;
  std::unique_ptr<Retriever> retriever_;
};

const std::vector<WholeText> kTexts = {
    {"boiler", "Boiler", "The boiler heats the water of the floor."},
    {"leave", "Leave", "Every employee has fifteen days of leave."},
    {"garden", "Garden", "The garden opens in spring."},
    {"ondol", "온돌", "온돌은 바닥을 데우는 난방 방식이다."},
    {"vacation", "휴가", "여름휴가는 오일이다."},
};

TEST_P(RetrieverContract, AnEmptyIndexGivesNothing) {
  EXPECT_TRUE(retriever_->retrieve({.text = "boiler"}, 5).empty());
  EXPECT_EQ(corpus_.size({}), 0);
}

TEST_P(RetrieverContract, TheRightTextIsFirstInBothLanguages) {
  ingest(kTexts);
  const struct {
    const char* question;
    const char* document;
  } rows[] = {{"How many days of leave has an employee?", "leave"},
              {"What heats the water?", "boiler"},
              {"온돌은 무엇을 데우나?", "ondol"},
              {"여름휴가", "vacation"}};
  for (const auto& row : rows) {
    const auto documents = found({.text = row.question}, 3);
    ASSERT_FALSE(documents.empty()) << row.question;
    EXPECT_EQ(documents[0], row.document);
  }
}

TEST_P(RetrieverContract, AtMostKSortedAndResolvable) {
  ingest(kTexts);
  for (const size_t k : {0, 1, 2, 5, 50}) {
    const std::vector<Evidence> all = retriever_->retrieve({.text = "the garden boiler"}, k);
    EXPECT_LE(all.size(), k);
    std::set<int64_t> ids;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i > 0) {
        EXPECT_GE(all[i - 1].score, all[i].score);
      }
      EXPECT_TRUE(ids.insert(all[i].chunk_id).second);
      // "auto" says behind a colon what it chose.
      EXPECT_EQ(all[i].provider.substr(0, all[i].provider.find(':')), GetParam().config.kind);
      for (const Citation& source : all[i].sources) expect_quoted(source);
      if (!all[i].sources.empty()) {
        EXPECT_LT(all[i].chunk_id, 0);  // no passage of the store
        EXPECT_EQ(all[i].document, all[i].sources[0].document);
        EXPECT_FALSE(all[i].text.empty());
        continue;
      }
      const store::ChunkId id[] = {all[i].chunk_id};
      const auto view = store_->chunks({shelf_, "", {}}, id);
      ASSERT_EQ(view.size(), 1u);
      EXPECT_EQ(view[0].uri, all[i].document);
      EXPECT_EQ(view[0].chunk.text, all[i].text);
      EXPECT_FALSE(all[i].title.empty());
      EXPECT_GT(all[i].char_to, all[i].char_from);
    }
  }
}

TEST_P(RetrieverContract, ABatchGivesWhatSingleQuestionsGive) {
  ingest(kTexts);
  std::vector<Query> queries;
  for (int i = 0; i < 70; ++i) queries.push_back({.text = kTexts[i % 5].text.substr(0, 30)});
  queries.push_back({.text = ""});
  const auto all = retriever_->retrieve_all(queries, 3);
  ASSERT_EQ(all.size(), queries.size());
  for (size_t i = 0; i < queries.size(); i += 7) {
    const auto one = retriever_->retrieve(queries[i], 3);
    ASSERT_EQ(one.size(), all[i].size());
    for (size_t j = 0; j < one.size(); ++j) {
      EXPECT_EQ(one[j].chunk_id, all[i][j].chunk_id);
      EXPECT_EQ(one[j].score, all[i][j].score);
    }
  }
}

TEST_P(RetrieverContract, PrincipalAndFilterBoundTheSearch) {
  IngestOptions options;
  options.rules = {{.prefix = "boiler", .principals = {"kim"}, .tags = {{"floor", "1"}}}};
  ingest(kTexts, options);
  const Query lee{.text = "boiler heats the garden", .principal = "lee"};
  Query kim = lee;
  kim.principal = "kim";
  EXPECT_EQ(found(kim, 5)[0], "boiler");
  for (const std::string& document : found(lee, 5)) EXPECT_NE(document, "boiler");
  EXPECT_EQ(corpus_.size(lee), 4);
  kim.filter = {{"floor", "1"}};
  EXPECT_THAT(found(kim, 5), ElementsAre("boiler"));
  kim.filter = {{"floor", "2"}};
  EXPECT_TRUE(found(kim, 5).empty());
}

TEST_P(RetrieverContract, DeletedAndChangedTextsAreSeenAtOnce) {
  ingest(kTexts);
  EXPECT_EQ(found({.text = "boiler water"}, 1).at(0), "boiler");
  ingest({kTexts[1], kTexts[2], {"pump", "Pump", "The pump moves the boiler water."}});
  for (const std::string& document : found({.text = "boiler water"}, 5)) {
    EXPECT_NE(document, "boiler");
  }
  EXPECT_EQ(found({.text = "boiler water"}, 1).at(0), "pump");
}

TEST_P(RetrieverContract, EqualTextsComeInOrderOfTheirIds) {
  ingest({{"a", "T", "same words here"}, {"b", "T", "same words here"}, {"c", "T", "other"}});
  EXPECT_THAT(found({.text = "same words"}, 2), ElementsAre("a", "b"));
}

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const RetrieverInfo& row : retriever_registry()) {
    if (row.needs_knowledge) continue;  // kg/retriever_test.cpp has those
    all.push_back({std::string(row.kind), {.kind = std::string(row.kind)}});
  }
  for (const char* kind : {"bm25", "hybrid"}) {
    const std::string name = kind;
    all.push_back({name + "-rewrite", {.kind = name, .query = "rewrite"}});
    all.push_back({name + "-multi-query", {.kind = name, .query = "multi-query"}});
    all.push_back({name + "-follow-up", {.kind = name, .query = "follow-up"}});
    all.push_back({name + "-rerank", {.kind = name, .rerank = "words"}});
    all.push_back({name + "-rerank-model", {.kind = name, .rerank = "model"}});
    all.push_back({name + "-likelihood", {.kind = name, .rerank = "likelihood"}});
    all.push_back({name + "-parent", {.kind = name, .expand = "parent"}});
    all.push_back({name + "-neighbours", {.kind = name, .expand = "neighbours"}});
  }
  all.push_back({"hybrid-graph-query", {.kind = "hybrid-graph", .query = "multi-query"}});
  all.push_back(
      {"hybrid-graph-grown", {.kind = "hybrid-graph", .rerank = "words", .expand = "parent"}});
  for (const char* kind : {"vector", "hybrid", "hybrid-graph", "graph-global", "auto"}) {
    all.push_back({std::string(kind) + "-hyde", {.kind = kind, .query = "hyde"}});
  }
  // Of two equal texts the second is worth little to it, so only where no other text is found.
  all.push_back({"bm25-diversity", {.kind = "bm25", .diversity = 0.3}});
  all.push_back({"auto-all",
                 {.kind = "auto", .query = "multi-query", .rerank = "words", .expand = "parent"}});
  all.push_back({"hybrid-all",
                 {.kind = "hybrid", .query = "hyde", .rerank = "words", .expand = "neighbours"}});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Registry, RetrieverContract, ::testing::ValuesIn(rows()),
                         [](const auto& row) {
                           std::string name = row.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Retrievers, WrongConfigsAreNamed) {
  const TempFolder folder;
  auto store = store::open_sqlite_store(folder.path() / "s.db");
  Corpus corpus(*store, store->open_collection("c"), nullptr);
  const struct {
    RetrieverConfig config;
    const char* message;
  } rows[] = {{{.kind = "magic"}, "expected one of bm25, vector, hybrid, graph-local"},
              {{.kind = "bm25", .bm25_b = 1.5}, "'bm25_b'"},
              {{.kind = "bm25", .fusion = "best"}, "rrf or convex"},
              {{.kind = "bm25", .candidates = 0}, "'candidates'"},
              {{.kind = "graph-local", .alpha = 1.0}, "'alpha'"},
              {{.kind = "hybrid-graph", .passage_weight = -1}, "'passage_weight'"},
              {{.kind = "bm25", .query = "guess"}, "one of plain, rewrite, multi-query, hyde"},
              {{.kind = "bm25", .query = "rewrite"}, "asks a model"},
              {{.kind = "bm25", .rerank = "model"}, "asks a model"},
              {{.kind = "bm25", .expand = "all"}, "one of none, parent, neighbours"},
              {{.kind = "bm25", .variants = 0}, "'variants'"},
              {{.kind = "bm25", .rounds = 9}, "'rounds'"},
              {{.kind = "bm25", .diversity = 1.5}, "'diversity'"},
              {{.kind = "bm25", .expand_words = 0}, "'expand_words'"},
              {{.kind = "bm25", .rerank_candidates = 0}, "'rerank_candidates'"},
              {{.kind = "graph-reports", .relevance_tests = 0}, "'relevance_tests'"},
              {{.kind = "graph-reports", .rating = "coin"}, "words or model"},
              {{.kind = "graph-reports", .rating = "model"}, "asks a model; got none"},
              {{.kind = "graph-reports", .lazy = true}, "asks a model; got none"},
              {{.kind = "hybrid-graph", .report_share = 0.9}, "'report_share'"},
              {{.kind = "vector"}, "needs an embedder"}};
  for (const auto& row : rows) {
    try {
      make_retriever(row.config, corpus);
      ADD_FAILURE() << "no error: " << row.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

// An English embedder must not rank Korean questions by noise: the words alone decide.
TEST(Retrievers, AQuestionTheEmbedderCannotReadIsSearchedByItsWords) {
  const TempFolder folder;
  auto store = store::open_sqlite_store(folder.path() / "s.db");
  const store::CollectionId shelf = store->open_collection("c");
  HashEmbedder english({"en"});
  testing::RecordedProgress progress;
  const IngestReport report = ingest_texts(*store, shelf, kTexts, &english, {}, progress);
  EXPECT_EQ(report.documents_without_vectors, 2);
  EXPECT_EQ(report.chunks_embedded, 3);
  ASSERT_EQ(progress.notices.size(), 1u);
  EXPECT_THAT(progress.notices[0], HasSubstr("'ko'"));
  Corpus corpus(*store, shelf, &english);
  const Query query{.text = "온돌은 무엇인가?"};
  EXPECT_TRUE(make_retriever({.kind = "vector"}, corpus)->retrieve(query, 5).empty());
  const auto hybrid = make_retriever({.kind = "hybrid"}, corpus)->retrieve(query, 5);
  ASSERT_FALSE(hybrid.empty());
  EXPECT_EQ(hybrid[0].document, "ondol");
}

// A graph that nobody built is an error with the way out, not a search that quietly finds less.
TEST(Retrievers, AGraphSearchWithoutAGraphSaysHowToBuildOne) {
  const TempFolder folder;
  auto store = store::open_sqlite_store(folder.path() / "s.db");
  const store::CollectionId shelf = store->open_collection("c");
  SilentProgress silent;
  ingest_texts(*store, shelf, kTexts, nullptr, {}, silent);
  Corpus corpus(*store, shelf, nullptr);
  const auto retriever = make_retriever({.kind = "graph-local"}, corpus);
  try {
    retriever->retrieve({.text = "boiler"}, 3);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("ondol ingest --graph"));
  }
}

// The second hop shares no word with the question: only the relation leads there.
TEST(Retrievers, TheWalkReachesWhatNoWordOfTheQuestionNames) {
  const TempFolder folder;
  auto store = store::open_sqlite_store(folder.path() / "s.db");
  const store::CollectionId shelf = store->open_collection("c");
  SilentProgress silent;
  const auto names = make_extractor("names");
  std::vector<WholeText> texts = {
      {"a", "Marlow Review", "The Marlow Review is published by the Tarn Society."},
      {"b", "Tarn Society", "The Tarn Society was led by Ada Quill, its founder."},
      {"c", "Weather", "Rain fell on the review of the parade."}};
  for (int i = 0; i < 30; ++i) {
    texts.push_back({"f" + std::to_string(i), "Filler", "Nothing of note was published today."});
  }
  ingest_texts(*store, shelf, texts, nullptr, {.extractor = names.get()}, silent);
  Corpus corpus(*store, shelf, nullptr);
  const Query query{.text = "Who led the publisher of the Marlow Review?"};
  const auto local = make_retriever({.kind = "graph-local"}, corpus)->retrieve(query, 2);
  ASSERT_EQ(local.size(), 2u);
  EXPECT_EQ(local[0].document, "a");
  EXPECT_EQ(local[1].document, "b");
}

// Three passages about one club and one about another: the second passage is of the other subject.
TEST(Retrievers, AQuestionAboutAWholeGetsEverySubjectBeforeASecondPassage) {
  const TempFolder folder;
  auto store = store::open_sqlite_store(folder.path() / "s.db");
  const store::CollectionId shelf = store->open_collection("c");
  SilentProgress silent;
  const auto names = make_extractor("names");
  ingest_texts(
      *store, shelf,
      std::vector<WholeText>{
          {"a1", "Tarn Club", "The Tarn Club and Ada Quill hold a summer fair by the lake."},
          {"a2", "Tarn Club", "The summer fair of the Tarn Club has Ada Quill at the gate."},
          {"a3", "Tarn Club", "Ada Quill opens the summer fair of the Tarn Club, a fair day."},
          {"b1", "Moor Band", "The Moor Band and Bo Lee play at a fair once."}},
      nullptr, {.extractor = names.get()}, silent);
  Corpus corpus(*store, shelf, nullptr);
  const Query query{.text = "summer fair"};
  const auto words = make_retriever({.kind = "bm25"}, corpus)->retrieve(query, 2);
  const auto whole = make_retriever({.kind = "graph-global"}, corpus)->retrieve(query, 2);
  ASSERT_EQ(words.size(), 2u);
  ASSERT_EQ(whole.size(), 2u);
  EXPECT_EQ(words[1].document[0], 'a');
  EXPECT_EQ(whole[0].document, words[0].document);
  EXPECT_EQ(whole[1].document, "b1");
}

TEST(Fusion, ReciprocalRanksByHand) {
  const std::vector<ScoredChunk> lists[] = {{{1, 9}, {2, 8}}, {{2, 0.5}, {3, 0.4}}};
  const auto fused = fuse_reciprocal_ranks(lists, 60, 10);
  EXPECT_THAT(fused, ElementsAre(ScoredChunk{2, 1.0 / 62 + 1.0 / 61}, ScoredChunk{1, 1.0 / 61},
                                 ScoredChunk{3, 1.0 / 62}));
}

TEST(Fusion, ConvexByHand) {
  const std::vector<ScoredChunk> lexical = {{1, 10}, {2, 5}, {3, 0}};
  const std::vector<ScoredChunk> vector = {{3, 0.9}, {1, 0.1}};
  EXPECT_THAT(fuse_convex(lexical, vector, 0.25, 2),
              ElementsAre(ScoredChunk{1, 0.75}, ScoredChunk{2, 0.375}));
  EXPECT_THAT(fuse_convex({}, {{7, 3.0}}, 0.5, 2), ElementsAre(ScoredChunk{7, 0.5}));
}

}  // namespace
}  // namespace ondol::ground

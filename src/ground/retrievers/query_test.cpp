// Questions changed by a model before they are searched: good answers, and everything else that a
// model may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/retriever.h"
#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"
#include "ground/retrievers/question_kind.h"
#include "ground/retrievers/test_support.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<WholeText> kTexts = {
    {"a", "Marlow Review", "The Marlow Review is published by the Tarn Society."},
    {"b", "Tarn Society", "Ada Quill led the learned society for ten years."},
    {"c", "Weather", "Rain fell on the parade in spring."},
    {"d", "도서관", "도서관은 일요일에 문을 닫는다."},
    {"e", "미술관", "미술관은 월요일에 쉰다."}};

class QueryDecorators : public ::testing::Test {
 protected:
  QueryDecorators() {
    SilentProgress silent;
    ingest_texts(*store_, shelf_, kTexts, &embedder_, {}, silent);
  }
  std::vector<std::string> search(const RetrieverConfig& config, const Query& query, size_t k = 3) {
    const auto retriever = make_retriever(config, corpus_);
    std::vector<std::string> documents;
    for (const Evidence& piece : retriever->retrieve(query, k)) documents.push_back(piece.document);
    notices_ = retriever->take_notices();
    EXPECT_THAT(retriever->take_notices(), IsEmpty());  // told once
    return documents;
  }
  void answer_always(const std::string& text) {
    model_.answer = [text](const std::string&) { return text; };
  }

  testing::TempFolder folder_;
  testing::HashEmbedder embedder_{{"en", "ko"}};
  std::unique_ptr<store::Store> store_ = store::open_sqlite_store(folder_.path() / "s.db");
  store::CollectionId shelf_ = store_->open_collection("c");
  testing::ScriptedModel model_;
  testing::MapCache outputs_;
  CachedGenerator cached_{model_, &outputs_};
  Corpus corpus_{{.store = store_.get(),
                  .collection = shelf_,
                  .embedder = &embedder_,
                  .model = [this]() -> CachedGenerator& { return cached_; }}};
  std::vector<std::string> notices_;
};

TEST_F(QueryDecorators, RewriteFoldsTheConversationIntoTheQuestion) {
  answer_always(R"({"question": "When does the library (도서관) close? 일요일"})");
  const Query query{
      .text = "그럼 언제 쉬어?",
      .history = {{"user", "도서관은 어디야?", {}}, {"assistant", "강가에 있다.", {}}}};
  EXPECT_EQ(search({.kind = "bm25", .query = "rewrite"}, query).at(0), "d");
  ASSERT_EQ(model_.requests.size(), 1u);
  const std::string user = testing::ScriptedModel::user_text(model_.requests[0].prompt);
  EXPECT_THAT(user, HasSubstr("사람: 도서관은 어디야?\n도우미: 강가에 있다.\n"));
  EXPECT_THAT(user, HasSubstr("마지막 질문: 그럼 언제 쉬어?"));
  EXPECT_THAT(model_.requests[0].json_schema, HasSubstr("\"question\""));
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(QueryDecorators, RewriteWithoutAConversationAsksNothing) {
  EXPECT_EQ(search({.kind = "bm25", .query = "rewrite"},
                   {.text = "  Could you please tell me   who led the society, please?"}),
            search({.kind = "bm25"}, {.text = "who led the society"}));
  EXPECT_THAT(model_.requests, IsEmpty());
}

// Valid, nonsense, cut, empty, a list of nothing, no word in it: all but the first search plainly.
TEST_F(QueryDecorators, WhateverIsNoAnswerIsThePlainSearchAndTold) {
  const Query query{.text = "Who published the Marlow Review?"};
  const char* fields[][2] = {
      {"multi-query", "queries"}, {"hyde", "passage"}, {"follow-up", "next"}};
  for (const auto& [kind, field] : fields) {
    const auto plain = search({.kind = "hybrid"}, query);
    const std::string key = std::string("{\"") + field + "\": ";
    for (const std::string& answer :
         {std::string(), std::string("I am a language model."), key + "\"Ada Qui", key + "\"\"}",
          key + "[]}", key + "[\"?!\", \"...\"]}", key + "7}", std::string("{\"other\": \"Ada\"}"),
          std::string("[\"Ada\"]"), key + "\"\xff\xfe\"}"}) {
      answer_always(answer);
      outputs_.kept.clear();
      EXPECT_EQ(search({.kind = "hybrid", .query = kind}, query), plain) << kind << answer;
      ASSERT_EQ(notices_.size(), 1u) << kind << answer;
      EXPECT_THAT(notices_[0], HasSubstr("1 of 1 questions"));
    }
  }
}

// Small models copy the turn that shows them the form.
TEST_F(QueryDecorators, WhatOnlyRepeatsTheExampleIsNoAnswer) {
  const Query query{.text = "Who published the Marlow Review?"};
  for (const char* kind : {"multi-query", "hyde", "follow-up"}) {
    model_.requests.clear();
    answer_always("");
    search({.kind = "hybrid", .query = kind}, query);
    const Prompt prompt = std::get<Prompt>(model_.requests.at(0).prompt);
    ASSERT_EQ(prompt.messages.size(), 4u);
    EXPECT_EQ(prompt.messages[2].role, "assistant");
    answer_always(prompt.messages[2].content);
    outputs_.kept.clear();
    EXPECT_EQ(search({.kind = "hybrid", .query = kind}, query), search({.kind = "hybrid"}, query));
    model_.requests.clear();
    outputs_.kept.clear();
    search({.kind = "hybrid", .query = kind}, query);
    EXPECT_EQ(notices_.size(), 1u) << kind;
  }
}

TEST_F(QueryDecorators, AModelThatFailsIsNoErrorOfTheSearch) {
  const Query query{.text = "Who published the Marlow Review?"};
  model_.answer = [](const std::string&) -> std::string {
    throw Error(ErrorCode::kUnavailable, "[remote] timed out");
  };
  for (const char* kind : {"multi-query", "hyde", "follow-up"}) {
    EXPECT_EQ(search({.kind = "hybrid", .query = kind}, query), search({.kind = "hybrid"}, query));
  }
  CachedGenerator poor(model_, nullptr, {.calls_max = 0, .tokens_max = 5});
  Corpus corpus({.store = store_.get(), .collection = shelf_, .model = [&]() -> CachedGenerator& {
                   return poor;
                 }});
  EXPECT_EQ(make_retriever({.kind = "bm25", .query = "multi-query"}, corpus)
                ->retrieve(query, 3)
                .at(0)
                .document,
            "a");
  model_.answer = [](const std::string&) -> std::string {
    throw Error(ErrorCode::kCancelled, "stopped");
  };
  EXPECT_THROW(search({.kind = "hybrid", .query = "hyde"}, query), Error);
}

TEST_F(QueryDecorators, OtherWordsFindWhatTheQuestionDoesNot) {
  const Query query{.text = "Who headed the publisher of the Review?"};
  answer_always(
      "```json\n{\"queries\": [\"Ada Quill learned\", \"who headed the publisher of the "
      "review\", \"ten years\"]}\n```");
  EXPECT_THAT(search({.kind = "bm25", .query = "multi-query"}, query), ElementsAre("b", "a"));
  EXPECT_THAT(search({.kind = "bm25"}, query), ElementsAre("a"));
  EXPECT_THAT(notices_, IsEmpty());
  // Asked again it is remembered.
  const size_t asked = model_.requests.size();
  search({.kind = "bm25", .query = "multi-query"}, query);
  EXPECT_EQ(model_.requests.size(), asked);
}

TEST_F(QueryDecorators, ADraftMovesTheVectorAndNotTheWords) {
  const Query query{.text = "Who headed it?"};
  answer_always(R"({"passage": "Ada Quill led the learned society for ten years."})");
  EXPECT_EQ(search({.kind = "vector", .query = "hyde"}, query).at(0), "b");
  EXPECT_EQ(model_.requests.size(), 3u);  // three drafts, with seeds of their own
  EXPECT_EQ(model_.requests[0].sampler.temperature, 0.0);
  EXPECT_GT(model_.requests[1].sampler.temperature, 0.0);
  EXPECT_NE(model_.requests[1].sampler.seed, model_.requests[2].sampler.seed);
  // Words: nothing of the draft is searched, so BM25 finds nothing and the vectors alone rank.
  EXPECT_EQ(search({.kind = "hybrid", .query = "hyde"}, query),
            search({.kind = "vector", .query = "hyde"}, query));
  // The plain search beside it, over the same corpus, is not moved.
  EXPECT_EQ(search({.kind = "vector"}, query), search({.kind = "vector", .query = "plain"}, query));
}

// By hand: the mean of the question's vector and its drafts', at length 1.
TEST_F(QueryDecorators, TheMovedVectorIsTheMean) {
  const std::string texts[] = {"Who headed it?", "Ada Quill led.", "Rain fell."};
  int n = 0;
  model_.answer = [&](const std::string&) {
    return "{\"passage\": \"" + texts[1 + n++ % 2] + "\"}";
  };
  const auto vectors = embedder_.embed(texts, {}).vectors;
  std::vector<double> mean(vectors[0].size());
  double norm = 0;
  for (size_t d = 0; d < mean.size(); ++d) {
    mean[d] = vectors[0][d] + vectors[1][d] + vectors[2][d];
    norm += mean[d] * mean[d];
  }
  const std::vector<std::string> passage = {
      "Marlow Review\nThe Marlow Review is published by the "
      "Tarn Society."};
  const auto there = embedder_.embed(passage, {}).vectors[0];
  double expected = 0;
  for (size_t d = 0; d < mean.size(); ++d) expected += mean[d] / std::sqrt(norm) * there[d];
  const auto retriever =
      make_retriever({.kind = "vector", .query = "hyde", .variants = 2}, corpus_);
  for (const Evidence& piece : retriever->retrieve({.text = texts[0]}, 5)) {
    if (piece.document == "a") {
      EXPECT_NEAR(piece.score, expected, 1e-5);
      return;
    }
  }
  ADD_FAILURE() << "passage a is not among the results";
}

TEST_F(QueryDecorators, HydeNeedsVectors) {
  EXPECT_THROW(make_retriever({.kind = "bm25", .query = "hyde"}, corpus_), Error);
  Corpus without({.store = store_.get(),
                  .collection = shelf_,
                  .model = [this]() -> CachedGenerator& { return cached_; }});
  EXPECT_THROW(make_retriever({.kind = "hybrid-graph", .query = "hyde"}, without), Error);
}

// An English embedder cannot read the question: nothing is drafted for a vector nobody searches.
TEST_F(QueryDecorators, NoDraftsForAQuestionThatIsNotEmbedded) {
  testing::HashEmbedder english({"en"});
  Corpus corpus({.store = store_.get(),
                 .collection = shelf_,
                 .embedder = &english,
                 .model = [this]() -> CachedGenerator& { return cached_; }});
  const auto found = make_retriever({.kind = "hybrid", .query = "hyde"}, corpus)
                         ->retrieve({.text = "도서관은 언제 닫나요?"}, 1);
  EXPECT_EQ(found.at(0).document, "d");
  EXPECT_THAT(model_.requests, IsEmpty());
}

TEST_F(QueryDecorators, FollowUpSearchesWhatIsStillMissing) {
  const Query query{.text = "Who headed the publisher of the Marlow Review?"};
  model_.answer = [](const std::string& user) {
    EXPECT_THAT(user, HasSubstr("1. Marlow Review: The Marlow Review is published by"));
    const bool first = user.find("Ada Quill") == std::string::npos;
    return first ? R"({"next": "Tarn learned society led"})" : R"({"next": ""})";
  };
  EXPECT_THAT(search({.kind = "bm25", .query = "follow-up"}, query), ElementsAre("a", "b"));
  EXPECT_THAT(search({.kind = "bm25"}, query), ElementsAre("a"));
  ASSERT_EQ(model_.requests.size(), 2u);
  // What is remembered goes with the passages that the model was shown.
  EXPECT_THAT(model_.requests[0].sources, ElementsAre(1));
  EXPECT_EQ(model_.requests[1].sources.size(), 2u);
  EXPECT_THAT(notices_, IsEmpty());
  model_.requests.clear();
  outputs_.kept.clear();
  search({.kind = "bm25", .query = "follow-up", .rounds = 1}, query);
  EXPECT_EQ(model_.requests.size(), 1u);
}

TEST_F(QueryDecorators, AMissingModelIsSaidBeforeTheFirstSearch) {
  Corpus corpus(*store_, shelf_, &embedder_);
  EXPECT_THROW(make_retriever({.kind = "hybrid", .query = "multi-query"}, corpus), Error);
  EXPECT_THROW(make_retriever({.kind = "hybrid", .rerank = "model"}, corpus), Error);
  EXPECT_THROW(make_retriever({.kind = "hybrid", .rerank = "some-model"}, corpus), Error);
}

TEST(FuseEvidence, RanksByHandAndTheFirstListsPiece) {
  const auto piece = [](int64_t id, const char* text) {
    Evidence evidence;
    evidence.chunk_id = id;
    evidence.text = text;
    return evidence;
  };
  const std::vector<Evidence> lists[] = {{piece(1, "a"), piece(2, "b")}, {piece(2, "c")}};
  const auto fused = fuse_evidence(lists, 60, 5);
  ASSERT_EQ(fused.size(), 2u);
  EXPECT_EQ(fused[0].chunk_id, 2);
  EXPECT_EQ(fused[0].text, "b");
  EXPECT_DOUBLE_EQ(fused[0].score, 1.0 / 62 + 1.0 / 61);
  EXPECT_DOUBLE_EQ(fused[1].score, 1.0 / 61);
}

TEST(Asking, TextsAreFoldedAndCutAtWords) {
  EXPECT_EQ(fold_blanks("  a\n\n b\t"), "a b");
  EXPECT_EQ(shorten("one two three", 9), "one two");
  EXPECT_EQ(shorten("one two three", 7), "one two");
  EXPECT_EQ(shorten("one", 10), "one");
  EXPECT_EQ(shorten("가나다라마", 3), "가나다");
  EXPECT_EQ(question_key("  Who  Is It ? "), question_key("who is it"));
}

TEST(QuestionKinds, ByWordsAlone) {
  const struct {
    const char* question;
    QuestionKind kind;
  } rows[] = {
      {"When does the library close?", QuestionKind::kFact},
      {"What is the capital of France?", QuestionKind::kFact},
      {"Where was Corin Vale born?", QuestionKind::kFact},
      {"Do I have to return it on the same day?", QuestionKind::kFact},
      {"도서관은 언제 닫나요?", QuestionKind::kFact},
      {"회의는 어디에서 하나요?", QuestionKind::kFact},
      {"Who is the mother of the director of Red Lake?", QuestionKind::kRelations},
      {"Are Corin Vale and Ada Quill from one town?", QuestionKind::kRelations},
      {"What is the relationship between the council and the library?", QuestionKind::kRelations},
      {"Which country whose king abdicated joined last?", QuestionKind::kRelations},
      {"영화 감독의 어머니의 고향은 어디인가?", QuestionKind::kRelations},
      {"두 회사의 관계는?", QuestionKind::kRelations},
      {"What are the main themes of these documents?", QuestionKind::kWhole},
      {"Give me an overview of what the council does", QuestionKind::kWhole},
      {"문서들이 전반적으로 다루는 것은?", QuestionKind::kWhole},
      {"핵심 주제를 요약해 줘", QuestionKind::kWhole},
      {"", QuestionKind::kFact},
  };
  for (const auto& row : rows) EXPECT_EQ(question_kind(row.question), row.kind) << row.question;
  EXPECT_EQ(count_names("Is New York, or \"the lake\" or Ada Quill larger?"), 3);
  EXPECT_EQ(count_names("Where is it?"), 0);
}

TEST_F(QueryDecorators, AutoSaysWhatItChose) {
  const auto provider = [&](Corpus& corpus, const char* question) {
    return make_retriever({.kind = "auto"}, corpus)->retrieve({.text = question}, 1).at(0).provider;
  };
  // No graph yet: relations go to the best there is.
  EXPECT_EQ(provider(corpus_, "Who led the society?"), "auto:hybrid");
  EXPECT_EQ(provider(corpus_, "Did Ada Quill and the Marlow Review meet?"), "auto:hybrid");
  const auto names = make_extractor("names");
  SilentProgress silent;
  build_graph(*store_, shelf_, *names, silent);
  EXPECT_EQ(provider(corpus_, "Did Ada Quill and the Marlow Review meet?"), "auto:hybrid-graph");
  EXPECT_EQ(provider(corpus_, "What is the overall theme of rain?"), "auto:graph-global");
  Corpus words(*store_, shelf_, nullptr);
  EXPECT_EQ(provider(words, "Who led the society?"), "auto:bm25");
  EXPECT_EQ(provider(words, "Did Ada Quill and the Marlow Review meet?"), "auto:hybrid-graph");
}

}  // namespace
}  // namespace ondol::ground

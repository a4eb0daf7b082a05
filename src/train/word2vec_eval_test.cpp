#include "train/word2vec_eval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "train/test_support.h"

namespace ondol::train {
namespace {

TEST(Word2VecEval, SpearmanIsThatOfTextbooks) {
  const double a[] = {1, 2, 3, 4, 5};
  const double up[] = {2, 4, 8, 16, 17}, down[] = {5, 4, 3, 2, 1}, mixed[] = {2, 1, 4, 3, 5};
  EXPECT_DOUBLE_EQ(spearman(a, up), 1);
  EXPECT_DOUBLE_EQ(spearman(a, down), -1);
  EXPECT_DOUBLE_EQ(spearman(a, mixed), 0.8);  // 1 - 6 * 4 / (5 * 24)
  // Ties share their mean rank: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
  const double tied[] = {1, 2, 2, 4}, four[] = {1, 2, 3, 4}, same[] = {7, 7, 7, 7};
  EXPECT_NEAR(spearman(tied, four), 4.5 / std::sqrt(4.5 * 5), 1e-15);
  EXPECT_TRUE(std::isnan(spearman(same, four)));
  EXPECT_TRUE(std::isnan(spearman({}, {})));
}

// Points of a plane: king - man + woman is queen.
WordVectors plane() {
  return WordVectors({"man", "woman", "king", "queen", "far"}, 2,
                     {1.0F, 0.1F, 1.0F, -0.1F, 1.0F, 0.9F, 1.0F, 0.7F, -1.0F, 0.0F});
}

TEST(Word2VecEval, PairsThatAreUnknownAreCounted) {
  const TempFile file("pairs.tsv",
                      "# people\nman\tWoman\t9.5\r\nman\tking\t5\nman\tfar\t0.5\nman\tghost\t1\n");
  const std::vector<WordPair> pairs = read_word_pairs(file.path());
  ASSERT_EQ(pairs.size(), 4U);
  const WordSimilarity got = evaluate_similarity(plane(), pairs);
  EXPECT_EQ(got.pairs, 3U);
  EXPECT_EQ(got.unknown, 1U);
  EXPECT_DOUBLE_EQ(got.spearman, 1);
}

TEST(Word2VecEval, AnalogiesLeaveTheQuestionOut) {
  const TempFile file(
      "q.txt",
      ": family\nman king woman queen\nman King woman far\nman king woman ghost\n: none\n");
  const auto sections = read_analogies(file.path());
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].name, "family");
  const WordVectors vectors = plane();
  ThreadPool pool(2);
  const AnalogyScores scores = WordNeighbours(vectors, pool).analogies(sections);
  EXPECT_EQ(scores.sections[0].correct, 1U);
  EXPECT_EQ(scores.total.asked, 2U);
  EXPECT_EQ(scores.total.unknown, 1U);
  EXPECT_EQ(scores.sections[1].asked, 0U);
  // Among the first three words queen is unknown.
  EXPECT_EQ(WordNeighbours(vectors, pool, 3).analogies(sections).total.unknown, 3U);
}

TEST(Word2VecEval, NeighboursAreSortedAndWithoutTheWord) {
  const WordVectors vectors = plane();
  ThreadPool pool(1);
  const WordNeighbours near(vectors, pool);
  const std::vector<Neighbour> got = near.nearest("Man", 10);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(vectors.words()[got[0].row], "woman");
  EXPECT_NEAR(got[0].cosine, (1 - 0.01) / 1.01, 1e-6);
  EXPECT_EQ(vectors.words()[got[3].row], "far");
  for (size_t i = 1; i < got.size(); ++i) EXPECT_GE(got[i - 1].cosine, got[i].cosine);
  EXPECT_EQ(near.nearest("man", 1).size(), 1U);
  EXPECT_TRUE(near.nearest("man", 0).empty());
  EXPECT_THROW(near.nearest("ghost", 1), Error);
  EXPECT_THROW(WordNeighbours(vectors, pool, 3).nearest("queen", 1), Error);
}

TEST(Word2VecEval, SaysWhichLineIsWrong) {
  const TempFile pairs("p.tsv", "a\tb\t1\na b 2\n"), number("n.tsv", "a\tb\tx\n");
  const TempFile early("e.txt", "a b c d\n"), three("t.txt", ": s\na b c\n");
  const auto message = [](auto read, const TempFile& file) -> std::string {
    try {
      read(file.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(read_word_pairs, pairs), ::testing::HasSubstr("p.tsv:2:"));
  EXPECT_THAT(message(read_word_pairs, number), ::testing::HasSubstr("n.tsv:1:"));
  EXPECT_THAT(message(read_analogies, early), ::testing::HasSubstr("e.txt:1:"));
  EXPECT_THAT(message(read_analogies, three), ::testing::HasSubstr("got 3 words"));
}

}  // namespace
}  // namespace ondol::train

// word2vec on real text and real judgements of likeness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.h"
#include "train/word2vec.h"
#include "train/word2vec_eval.h"

namespace ondol::train {
namespace {

TEST(Word2VecData, EvaluationFilesAreReadWhole) {
  ONDOL_NEED_DATA("word_eval");
  const std::filesystem::path folder = testing::data_dir() / "word_eval";
  EXPECT_EQ(read_word_pairs(folder / "wordsim353.tsv").size(), 353U);
  EXPECT_EQ(read_word_pairs(folder / "simlex999.txt").size(), 999U);
  size_t rows = 0;
  const auto sections = read_analogies(folder / "questions-words.txt");
  for (const AnalogySection& section : sections) rows += section.rows.size();
  EXPECT_EQ(sections.size(), 14U);
  EXPECT_EQ(rows, 19544U);
}

TEST(Word2VecData, NewsPutsLikeWordsTogether) {
  ONDOL_NEED_DATA("word_eval");
  const std::filesystem::path files[] = {testing::data_dir() / "word_eval" / "lee_background.cor"};
  Word2VecConfig config;
  config.sg = 1;
  config.epochs = 15;
  ThreadPool pool(1);
  SilentProgress silent;
  const Word2VecResult result = train_word2vec(config, files, pool, silent);
  EXPECT_EQ(result.lines, 300U);
  EXPECT_LT(result.epochs.back().loss, result.epochs.front().loss - 0.5);
  const WordNeighbours near(result.vectors, pool);
  std::vector<std::string> names;
  for (const Neighbour& n : near.nearest("yasser", 3)) {
    names.push_back(result.vectors.words()[n.row]);
  }
  EXPECT_THAT(names, ::testing::Contains("arafat"));
}

}  // namespace
}  // namespace ondol::train

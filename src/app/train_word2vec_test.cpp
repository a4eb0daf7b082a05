#include "app/train_word2vec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/test_support.h"
#include "base/files.h"
#include "support/json_lines.h"

namespace ondol::app {
namespace {

TEST(TrainWord2VecRun, WritesVectorsMetricsAndSettings) {
  const testing::TempFolder dir;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "the cat sat on the mat\nthe dog lay on the rug\n";
  write_file_atomic(dir.path() / "text.txt", text);
  train::Word2VecConfig config;
  config.vector_size = 8;
  config.epochs = 3;
  ThreadPool pool(1);
  SilentProgress silent;
  const Word2VecSummary summary =
      train_word2vec_run(config, {dir.path() / "text.txt"}, dir.path() / "run", pool, silent);
  EXPECT_EQ(summary.words, 8U);
  EXPECT_EQ(summary.words_read, 2400U);
  EXPECT_GT(summary.words_per_second, 0);
  const train::WordVectors bin = train::read_word_vectors(summary.vectors_bin);
  EXPECT_EQ(bin.values(), train::read_word_vectors(summary.vectors_vec).values());
  EXPECT_EQ(bin.words()[0], "the");
  const auto rows = ::ondol::testing::read_json_lines(dir.path() / "run" / "metrics.jsonl");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2]["loss"], summary.loss);
  const auto settings = nlohmann::json::parse(read_file(dir.path() / "run" / "word2vec.json"));
  EXPECT_EQ(settings["config"]["vector_size"], 8);
  EXPECT_EQ(settings["vocabulary"], 8);
}

}  // namespace
}  // namespace ondol::app

#include "ground/bm25.h"

#include <gtest/gtest.h>

#include "ground/ingest.h"
#include "ground/retriever.h"
#include "ground/test_support.h"
#include "support/json_lines.h"
#include "support/paths.h"

namespace ondol::ground {
namespace {

TEST(Bm25, ATermOfEveryDocumentStillCounts) {
  EXPECT_GT(bm25_idf(2, 2), 0);  // where other forms of the idf are 0 or negative
  EXPECT_NEAR(bm25_idf(10, 1), std::log(1 + 9.5 / 1.5), 1e-15);
  EXPECT_GT(bm25_idf(10, 1), bm25_idf(10, 9));
}

// Ranks and scores of a program in another language that knows only the definition.
TEST(Bm25, GoldenRanks) {
  const auto rows = ondol::testing::read_golden_rows(ondol::testing::golden_dir() / "bm25.jsonl");
  ASSERT_EQ(rows.size(), 20u);
  for (const nlohmann::json& row : rows) {
    const testing::TempFolder folder;
    auto store = store::open_sqlite_store(folder.path() / "s.db");
    const store::CollectionId shelf = store->open_collection("c");
    std::vector<WholeText> texts;
    for (const auto& text : row.at("documents")) {
      texts.push_back({std::to_string(texts.size()), "", text.get<std::string>()});
    }
    SilentProgress silent;
    ingest_texts(*store, shelf, texts, nullptr, {}, silent);
    Corpus corpus(*store, shelf, nullptr);
    const auto retriever =
        make_retriever({.kind = "bm25", .bm25_k1 = row.at("k1"), .bm25_b = row.at("b")}, corpus);
    const auto found = retriever->retrieve({.text = row.at("query")}, 10);
    ASSERT_EQ(found.size(), row.at("top").size());
    for (size_t i = 0; i < found.size(); ++i) {
      const double expected = row.at("top")[i][1];
      EXPECT_NEAR(found[i].score, expected, 1e-9);
      // Sums of the same numbers in another order may swap documents that are equal to the last
      // bits.
      const bool tied =
          (i > 0 && std::abs(row.at("top")[i - 1][1].get<double>() - expected) < 1e-9) ||
          i + 1 == found.size() ||
          std::abs(row.at("top")[i + 1][1].get<double>() - expected) < 1e-9;
      if (!tied) {
        EXPECT_EQ(found[i].document, std::to_string(row.at("top")[i][0].get<int>()));
      }
    }
  }
}

}  // namespace
}  // namespace ondol::ground

// A validation set shares no question with its training set, whatever the order of the rows.
#include "train/dataset_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace ondol::train {
namespace {

// `count` rows, two answers to each question.
Dataset some_rows(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += R"({"question": "q)" + std::to_string(i / 2) + R"(", "answer": "a)" + std::to_string(i) +
           "\"}\n";
  }
  return parse_dataset("rows.jsonl", all, {});
}

std::set<std::string> keys(const Dataset& data, bool prompt_only) {
  std::set<std::string> all;
  for (const Row& row : data.rows) all.insert(row_key(row, prompt_only));
  return all;
}

TEST(SplitValidation, SharesNoQuestion) {
  Dataset train = some_rows(200);
  const Dataset validation = split_validation(train, 0.1, 42);
  EXPECT_EQ(validation.rows.size(), 20U);
  EXPECT_EQ(train.rows.size(), 180U);
  EXPECT_EQ(train.files[0].rows, 180U);
  EXPECT_EQ(validation.files[0].rows, 20U);
  EXPECT_TRUE(std::is_sorted(train.rows.begin(), train.rows.end(),
                             [](const Row& a, const Row& b) { return a.line < b.line; }));
  std::set<std::string> both = keys(train, true);
  const std::set<std::string> other = keys(validation, true);
  EXPECT_EQ(both.size() + other.size(), 100U);
  both.insert(other.begin(), other.end());
  EXPECT_EQ(both.size(), 100U);
}

TEST(SplitValidation, DependsOnTheSeedAndNotOnTheOrder) {
  Dataset first = some_rows(100), second = some_rows(100), third = some_rows(100);
  std::reverse(second.rows.begin(), second.rows.end());
  const auto chosen = keys(split_validation(first, 0.2, 1), false);
  EXPECT_EQ(keys(split_validation(second, 0.2, 1), false), chosen);
  EXPECT_NE(keys(split_validation(third, 0.2, 2), false), chosen);
}

TEST(SplitValidation, AlwaysLeavesSomethingOnBothSides) {
  Dataset four = some_rows(4);
  EXPECT_EQ(split_validation(four, 0.99, 1).rows.size(), 2U);
  Dataset few = some_rows(4);
  EXPECT_EQ(split_validation(few, 0.001, 1).rows.size(), 2U);
  Dataset one = some_rows(2);
  EXPECT_THROW(split_validation(one, 0.5, 1), Error);
  for (const double share : {0.0, 1.0, -1.0, 2.0}) {
    Dataset data = some_rows(10);
    EXPECT_THROW(split_validation(data, share, 1), Error);
    EXPECT_EQ(data.rows.size(), 10U);
  }
}

}  // namespace
}  // namespace ondol::train

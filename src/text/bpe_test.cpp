#include "text/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::text {
namespace {

using ::testing::HasSubstr;

// A vocabulary of single letters and of what the merges make of them.
struct Toy {
  explicit Toy(std::vector<std::string> rules) : merges(std::move(rules)) {
    for (char c = 'a'; c <= 'd'; ++c) add(std::string(1, c));
    for (std::string merge : merges) {
      std::erase(merge, ' ');
      add(merge);
    }
  }
  void add(const std::string& piece) { ids.emplace(piece, static_cast<TokenId>(ids.size())); }
  std::optional<TokenId> find(std::string_view piece) const {
    const auto row = ids.find(std::string(piece));
    if (row == ids.end()) return std::nullopt;
    return row->second;
  }
  BpeMerges make() const {
    return BpeMerges([this](std::string_view piece) { return find(piece); }, merges);
  }
  std::vector<TokenId> letters(std::string_view text) const {
    std::vector<TokenId> out;
    for (const char c : text) out.push_back(*find(std::string_view(&c, 1)));
    return out;
  }
  std::string spelled(const std::vector<TokenId>& tokens) const {
    std::string out;
    for (const TokenId id : tokens) {
      for (const auto& [piece, piece_id] : ids) {
        if (piece_id == id) out += (out.empty() ? "" : " ") + piece;
      }
    }
    return out;
  }

  std::vector<std::string> merges;
  std::map<std::string, TokenId> ids;
};

// The definition: again and again the best pair, the leftmost of equals.
std::vector<TokenId> merge_slowly(const Toy& toy, std::vector<TokenId> ids) {
  for (;;) {
    size_t best_at = ids.size();
    size_t best_rank = toy.merges.size();
    TokenId merged = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        const std::string& merge = toy.merges[rank];
        const size_t space = merge.find(' ');
        if (ids[i] != toy.find(merge.substr(0, space)) ||
            ids[i + 1] != toy.find(merge.substr(space + 1))) {
          continue;
        }
        best_at = i;
        best_rank = rank;
        merged = *toy.find(merge.substr(0, space) + merge.substr(space + 1));
      }
    }
    if (best_at == ids.size()) return ids;
    ids[best_at] = merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best_at) + 1);
  }
}

const std::vector<std::string> kRules = {"a b",  "b c", "a a",   "ab c", "aa aa", "c d",
                                         "aa b", "d d", "dd dd", "b b",  "abc dd"};

TEST(BpeMerges, TakesTheBestRankThenTheLeftmost) {
  const Toy toy(kRules);
  const BpeMerges merges = toy.make();
  struct Row {
    const char* text;
    const char* pieces;
  };
  const Row rows[] = {
      {"", ""},           {"a", "a"},          {"ab", "ab"},     {"abc", "abc"},
      {"bcd", "bc d"},    {"aaa", "aa a"},     {"aaaa", "aaaa"}, {"aaab", "aa ab"},
      {"abcdd", "abcdd"}, {"ddddd", "dddd d"}, {"bbb", "bb b"},
  };
  for (const Row& row : rows) {
    std::vector<TokenId> ids = toy.letters(row.text);
    merges.apply(ids, nullptr);
    EXPECT_EQ(toy.spelled(ids), row.pieces) << row.text;
  }
}

TEST(BpeMerges, ArrayAndHeapEqualTheDefinition) {
  const Toy toy(kRules);
  const BpeMerges merges = toy.make();
  Rng rng(3, 0);
  for (size_t length = 0; length < 160; ++length) {
    for (int round = 0; round < 4; ++round) {
      std::string text(length, 'a');
      for (char& c : text) c = static_cast<char>('a' + rng.next_u64() % 4);
      std::vector<TokenId> ids = toy.letters(text);
      const std::vector<TokenId> expected = merge_slowly(toy, ids);
      merges.apply(ids, nullptr);
      ASSERT_EQ(toy.spelled(ids), toy.spelled(expected)) << text;
    }
  }
}

TEST(BpeMerges, LongPiecesTakeNLogNSteps) {
  const Toy toy({"a a", "aa aa", "aaaa aaaa", "aaaaaaaa aaaaaaaa", "b a", "a b"});
  const BpeMerges merges = toy.make();
  for (const size_t length : {1000U, 10'000U, 100'000U, 300'000U}) {
    for (const char* unit : {"a", "ab", "aab"}) {
      std::string text;
      while (text.size() < length) text += unit;
      std::vector<TokenId> ids = toy.letters(text);
      uint64_t steps = 0;
      merges.apply(ids, &steps);
      // Every letter is looked at once and every merge adds two pairs at most.
      EXPECT_LE(steps, 6 * text.size()) << unit;
      EXPECT_LT(ids.size(), text.size());
    }
  }
}

TEST(BpeMerges, RefusesMergesThatContradictTheVocabulary) {
  struct Row {
    std::string merge;
    const char* why;
  };
  const Row rows[] = {
      {"", "not two pieces"},   {"a", "not two pieces"},  {"a ", "not two pieces"},
      {" ", "not two pieces"},  {"a x", "does not have"}, {"x a", "does not have"},
      {"c a", "does not have"},  // both sides are known, the whole is not
      {"a b", "appears twice"},
  };
  for (const Row& row : rows) {
    Toy toy(kRules);
    toy.merges.push_back(row.merge);
    try {
      toy.make();
      ADD_FAILURE() << row.merge;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr(row.why));
      EXPECT_THAT(error.what(), HasSubstr("merge 11 '" + row.merge + "'"));
    }
  }
}

}  // namespace
}  // namespace ondol::text

#include "infer/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace ondol::infer {
namespace {

using Ids = std::vector<text::TokenId>;

// Every earlier place, none skipped.
Guess naive_guess(const Ids& text, size_t count) {
  Guess result;
  size_t best = 0;
  for (size_t end = text.size() - 1; end-- > 0;) {
    int64_t length = 0;
    while (length < kLookupMatchMax && length <= static_cast<int64_t>(end) &&
           text[end - length] == text[text.size() - 1 - length]) {
      ++length;
    }
    if (length < 2 || length <= result.match) continue;
    result.match = length;
    best = end;
  }
  if (result.match == 0) return result;
  Ids longer = text;
  for (size_t i = 0; i < count; ++i) longer.push_back(longer[best + 1 + i]);
  result.tokens.assign(longer.begin() + static_cast<ptrdiff_t>(text.size()), longer.end());
  return result;
}

TEST(Lookup, GuessesWhatFollowedTheLongestMatch) {
  Lookup lookup(Ids{5, 1, 2, 3, 4, 9, 2, 3, 7, 8});
  for (const text::TokenId id : {2, 3}) lookup.append(id);
  EXPECT_EQ(lookup.guess(2).tokens, (Ids{7, 8}));  // the latest of equal matches
  EXPECT_EQ(lookup.guess(2).match, 2);
  Lookup longer(Ids{5, 1, 2, 3, 4, 9, 2, 3, 7, 8});
  for (const text::TokenId id : {1, 2, 3}) longer.append(id);
  EXPECT_EQ(longer.guess(3).tokens, (Ids{4, 9, 2}));
  EXPECT_EQ(longer.guess(3).match, 3);
}

TEST(Lookup, ARepetitionGoesOnForEver) {
  EXPECT_EQ(Lookup(Ids{1, 2, 3, 1, 2, 3, 1}).guess(8).tokens, (Ids{2, 3, 1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(Lookup(Ids{4, 4, 4}).guess(3).tokens, (Ids{4, 4, 4}));
}

TEST(Lookup, NothingToGuessFrom) {
  EXPECT_TRUE(Lookup().guess(4).tokens.empty());
  EXPECT_TRUE(Lookup(Ids{1}).guess(4).tokens.empty());
  EXPECT_TRUE(Lookup(Ids{1, 2}).guess(4).tokens.empty());
  EXPECT_TRUE(Lookup(Ids{1, 2, 3, 2}).guess(4).tokens.empty());  // one token is no match
  EXPECT_TRUE(Lookup(Ids{1, 2, 1, 2}).guess(0).tokens.empty());
}

// Short texts, so that the bound on the places compared does not matter; grown one by one, so that
// the index is rebuilt on the way.
TEST(Lookup, EqualsASearchOfTheWholeText) {
  Rng rng(3);
  for (const uint64_t alphabet : {20U, 200U, 100000U}) {
    Ids text;
    Lookup grown;
    while (text.size() < 700) {
      // Pieces copied from before, so that there is something to find.
      const bool copy = text.size() > 30 && rng.below(2) == 0;
      const size_t from = copy ? rng.below(text.size() - 20) : 0;
      for (size_t i = 0; i < 1 + rng.below(20); ++i) {
        text.push_back(copy ? text[from + i] : static_cast<text::TokenId>(rng.below(alphabet)));
        grown.append(text.back());
      }
      if (text.size() < 2) continue;
      const Guess expected = naive_guess(text, 6);
      const Guess got = grown.guess(6);
      EXPECT_EQ(got.tokens, expected.tokens) << text.size();
      EXPECT_EQ(got.match, expected.match);
      EXPECT_EQ(Lookup(text).guess(6).tokens, got.tokens);
    }
    EXPECT_EQ(grown.size(), static_cast<int64_t>(text.size()));
  }
}

}  // namespace
}  // namespace ondol::infer

#include "infer/token_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace ondol {
namespace {

using Ids = std::vector<text::TokenId>;

TEST(TokenSet, HoldsWhatWasPutIn) {
  for (const int64_t bound : {1, 63, 64, 65, 288, 1000}) {
    TokenSet set(bound);
    EXPECT_EQ(set.count(), 0);
    const Ids ids = bound < 10 ? Ids{0}
                               : Ids{0, 3, static_cast<text::TokenId>(bound / 2),
                                     static_cast<text::TokenId>(bound - 1)};
    for (const text::TokenId id : ids) set.insert(id);
    set.insert(ids[0]);
    EXPECT_EQ(set.ids(), ids);
    EXPECT_EQ(set.count(), static_cast<int64_t>(ids.size()));
    for (text::TokenId id = -1; id <= bound; ++id) {
      EXPECT_EQ(set.contains(id), std::count(ids.begin(), ids.end(), id) == 1) << id;
    }
    std::vector<float> logits(static_cast<size_t>(bound), 2.0F);
    set.apply(logits);
    for (text::TokenId id = 0; id < bound; ++id) {
      EXPECT_EQ(logits[static_cast<size_t>(id)], set.contains(id) ? 2.0F : -INFINITY);
    }
    set.insert_all();
    EXPECT_EQ(set.count(), bound);
    EXPECT_FALSE(set.contains(static_cast<text::TokenId>(bound)));
    set.clear();
    EXPECT_TRUE(set.ids().empty());
  }
}

TEST(TokenSet, TakesInAnother) {
  for (const int64_t bound : {1, 64, 70, 128, 200}) {
    TokenSet set(bound), other(150);
    set.insert(0);
    for (const text::TokenId id : {0, 5, 63, 64, 69, 70, 127, 128, 149}) other.insert(id);
    set.insert(other);
    for (text::TokenId id = 0; id < 260; ++id) {
      EXPECT_EQ(set.contains(id), id < bound && other.contains(id)) << id << " of " << bound;
    }
    EXPECT_EQ(set.count(), static_cast<int64_t>(set.ids().size()));
  }
}

TEST(TokenSet, AnIdOutsideTheVocabularyIsNamed) {
  TokenSet set(100);
  for (const text::TokenId id : {-1, 100, 5000}) {
    try {
      set.insert(id);
      ADD_FAILURE() << id;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(std::to_string(id)), std::string::npos);
      EXPECT_NE(std::string(error.what()).find("0 to 99"), std::string::npos);
    }
  }
  EXPECT_EQ(set.count(), 0);
}

}  // namespace
}  // namespace ondol

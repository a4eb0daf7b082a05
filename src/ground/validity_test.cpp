#include "ground/validity.h"

#include <gtest/gtest.h>

namespace ondol::ground {
namespace {

TEST(Validity, DatesAreYearsMonthsAndDays) {
  for (const char* good : {"1998", "1998-05", "1998-05-31"}) EXPECT_TRUE(is_date(good)) << good;
  for (const char* bad : {"", "98", "1998-13", "1998-00", "1998-05-32", "1998/05", "May 1998",
                          "1998-5", "19980531", "1998-05-3x"}) {
    EXPECT_FALSE(is_date(bad)) << bad;
  }
}

TEST(Validity, AnIntervalHoldsWhereItTouchesTheDate) {
  EXPECT_TRUE(holds_at("", "", "2001"));
  EXPECT_TRUE(holds_at("1998", "", "1998-01-01"));
  EXPECT_TRUE(holds_at("1998", "2001-05", "2001"));
  EXPECT_TRUE(holds_at("1998-06", "", "1998"));
  EXPECT_FALSE(holds_at("1998-06", "", "1998-05-31"));
  EXPECT_FALSE(holds_at("", "2001-05", "2001-06"));
  EXPECT_TRUE(holds_at("", "2001", "2001-12-31"));
  EXPECT_TRUE(holds_at("long ago", "", "2001"));
}

TEST(Validity, TheNextOfAFunctionalRelationEndsTheOneBefore) {
  const auto fact = [](int32_t subject, const char* label, int32_t object, const char* from,
                       const char* to = "") {
    return GraphFact{subject, label, object, from, to, {}, 1};
  };
  std::vector<GraphFact> facts = {fact(1, "led_by", 5, "2001-03"),
                                  fact(1, "led_by", 4, "1998"),
                                  fact(1, "led_by", 6, ""),
                                  fact(2, "led_by", 7, "2005"),
                                  fact(1, "knows", 8, "1990"),
                                  fact(1, "knows", 9, "1991"),
                                  fact(3, "led_by", 4, "1990", "1992"),
                                  fact(3, "led_by", 5, "1995"),
                                  fact(4, "led_by", 1, "1995"),
                                  fact(4, "led_by", 2, "1995-01-01"),
                                  fact(5, "led_by", 3, "1990"),
                                  fact(5, "led_by", 3, "1992")};
  end_superseded(facts, {"led_by"});
  EXPECT_EQ(facts[0].valid_to, "");         // the last one
  EXPECT_EQ(facts[1].valid_to, "2001-03");  // ended by it
  EXPECT_EQ(facts[2].valid_to, "");         // nobody knows when it began
  EXPECT_EQ(facts[3].valid_to, "");         // another subject
  EXPECT_EQ(facts[4].valid_to, "");         // not functional
  EXPECT_EQ(facts[6].valid_to, "1992");     // it says itself when it ended
  EXPECT_EQ(facts[8].valid_to, "");         // begin together
  EXPECT_EQ(facts[9].valid_to, "");
  EXPECT_EQ(facts[10].valid_to, "");  // the same once more
}

}  // namespace
}  // namespace ondol::ground

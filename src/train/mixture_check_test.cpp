// Mixtures that have no meaning, and rows that do not fit them: each is said with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/mixture_test_support.h"

namespace ondol::train {
namespace {

using ::testing::HasSubstr;

TEST(MixtureFaults, ReadsTablesAndCollectsBadRows) {
  const TempFile csv("rows.csv", "q,a\n\"one, two\",1\nthree,\n");
  EXPECT_THAT(
      fault(mixture_of({plain_task("a", csv)})),
      HasSubstr("rows.csv:3: task 'a', template 1, target: [template] line 1, column 4: 'a' "
                "is undefined; the row has q; the nearest is 'q'"));
  std::vector<RowProblem> problems;
  const Mixed mixed = mix(mixture_of({plain_task("a", csv)}), {.problems = &problems});
  EXPECT_THAT(sources(mixed.learn), testing::ElementsAre("one, two"));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].line, 3U);
  const TempFile bad("bad.jsonl", "{\"q\": \"1\", \"a\": \"2\"}\n{\"q\": \n");
  EXPECT_THAT(fault(mixture_of({plain_task("a", bad)})),
              HasSubstr("bad.jsonl:2: the row is not JSON"));
  const TempFile text("rows.txt", "words");
  EXPECT_THAT(fault(mixture_of({plain_task("a", text)})), HasSubstr("is plain text"));
}

TEST(MixtureFaults, SaysWhatIsWrongWithIt) {
  const TempFile file("rows.jsonl", numbered("a", 3));
  const auto with = [&](const auto& change) {
    Mixture mixture = mixture_of({plain_task("a", file)});
    change(mixture);
    return fault(mixture);
  };
  EXPECT_EQ(with([](Mixture&) {}), "no error");
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].templates[0].input = "{{ queston }} {{ q }}"; }),
              HasSubstr("[mixture] mix.toml:7: task 'a': template 1, input: [template] line 1, "
                        "column 4: 'queston' is undefined; the row has q, a; the nearest is 'q'"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].templates[0].target = "{{ a"; }),
              HasSubstr("task 'a': template 1, target: [template] line 1"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].templates[0].target = "{{ '' }}"; }),
              HasSubstr("rows.jsonl:1: task 'a', template 1, target: nothing is left of it"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].weight = 0; }),
              HasSubstr("task 'a': weight is 0; expected above 0"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].templates[0].weight = -1; }),
              HasSubstr("weight of template 1 is -1"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].templates.clear(); }), HasSubstr("no template"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].name = "a b"; }), HasSubstr("its name is not"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].shots = 65; }), HasSubstr("shots is 65"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].shots_share = 1.5; }),
              HasSubstr("shots_share is 1.5"));
  EXPECT_THAT(with([](Mixture& m) { m.temperature = 0; }), HasSubstr("mix.toml: temperature is 0"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].held_out = true; }),
              HasSubstr("no task is learned"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks.clear(); }), HasSubstr("no task is learned"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].choices.field = "q"; }),
              HasSubstr("it has choices but not which is right"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].choices = {.field = "q", .correct = "a"}; }),
              HasSubstr("rows.jsonl:1: 'q' holds no choices"));
  EXPECT_THAT(with([](Mixture& m) {
                m.tasks.push_back(m.tasks[0]);
                m.tasks[1].line = 20;
                m.tasks[1].held_out = true;
              }),
              HasSubstr("mix.toml:20: task 'a': the name stands twice, first in line 7; a task is "
                        "held out or learned, not both"));
  EXPECT_THAT(with([](Mixture& m) { m.tasks[0].file = "/nowhere.jsonl"; }),
              HasSubstr("/nowhere.jsonl"));
  const TempFile one("one.jsonl", numbered("o", 1)), many("many.jsonl", numbered("m", 500));
  Mixture uneven = mixture_of({plain_task("one", one), plain_task("many", many)});
  uneven.rows = 20;
  EXPECT_THAT(fault(uneven), HasSubstr("task 'one': its share of 20 rows is less than one"));
}

TEST(MixtureFaults, WrongAnswersOfChoicesAreRowsProblems) {
  const TempFile file("rows.jsonl", R"({"q": "1", "c": ["x", "y"], "k": 2})");
  MixTask task = plain_task("a", file);
  task.choices = {.field = "c", .correct = "k"};
  EXPECT_THAT(fault(mixture_of({task})),
              HasSubstr("rows.jsonl:1: 'k' names no choice; got 2, expected an index from 0 to 1"));
}

}  // namespace
}  // namespace ondol::train

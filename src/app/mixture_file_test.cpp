// Mixtures as TOML: every key arrives, and a wrong one is said with its line.
#include "app/mixture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/test_support.h"

namespace ondol::app::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class MixtureFile : public ::testing::Test {
 protected:
  MixtureFile() { write_file_atomic(folder.path() / "rows.jsonl", "{\"q\": 1}\n"); }
  train::Mixture read(const std::string& toml) const {
    return parse_mixture(toml, "mix.toml", folder.path());
  }
  std::string fault(const std::string& toml, ErrorCode code = ErrorCode::kInvalidArgument) const {
    return error_text([&] { read(toml); }, code);
  }
  TempFolder folder;
};

TEST_F(MixtureFile, EveryKeyArrives) {
  const train::Mixture mixture = read(R"(
seed = 7
rows = 100
cap = 50
temperature = 2
shots = 3
shots_as = "turns"
separator = "--"
[[task]]
name = "one"
file = "rows.jsonl"
weight = 1.5
limit = 10
compare = "q"
where = { z = ["b*", "c"], a = "d" }
choices = "c"
correct = "k"
option_marks = "dashes"
shuffle_choices = true
fields.second = "{{ q }}"
fields.first = "{{ second }}"
cot = { rationale = "{{ r }}", share = 0.25, ask = "Think.", target = "{{ target }}" }
template = [{ input = "{{ q }}", target = "x" }, { input = "{{ q }}?", target = "y", weight = 3 }]
[[task]]
name = "two"
file = "rows.jsonl"
held_out = true
[task.template]
input = "i"
target = "t"
)");
  EXPECT_EQ(mixture.seed, 7U);
  EXPECT_EQ(mixture.rows, 100);
  EXPECT_EQ(mixture.cap, 50);
  EXPECT_EQ(mixture.temperature, 2);
  EXPECT_EQ(mixture.shots_as, train::ShotsAs::kTurns);
  EXPECT_EQ(mixture.separator, "--");
  ASSERT_EQ(mixture.tasks.size(), 2U);
  const train::MixTask& one = mixture.tasks[0];
  EXPECT_EQ(one.file, folder.path() / "rows.jsonl");
  EXPECT_EQ(one.line, 9);
  EXPECT_FALSE(one.held_out);
  EXPECT_EQ(one.weight, 1.5);
  EXPECT_EQ(one.limit, 10);
  EXPECT_THAT(one.compare, ElementsAre("q"));
  EXPECT_THAT(one.where,
              ElementsAre(Pair("z", ElementsAre("b*", "c")), Pair("a", ElementsAre("d"))));
  EXPECT_EQ(one.choices.field, "c");
  EXPECT_EQ(one.choices.correct, "k");
  EXPECT_EQ(one.choices.marks, train::OptionMarks::kDashes);
  EXPECT_TRUE(one.choices.shuffle);
  // In the order of the file: the second is made of the first.
  EXPECT_THAT(one.fields, ElementsAre(Pair("second", "{{ q }}"), Pair("first", "{{ second }}")));
  ASSERT_EQ(one.reasoning.size(), 1U);
  EXPECT_EQ(one.reasoning[0].rationale, "{{ r }}");
  EXPECT_EQ(one.reasoning[0].share, 0.25);
  EXPECT_THAT(one.reasoning[0].ask, ElementsAre("Think."));
  EXPECT_EQ(one.reasoning[0].target, "{{ target }}");
  ASSERT_EQ(one.templates.size(), 2U);
  EXPECT_EQ(one.templates[1].input, "{{ q }}?");
  EXPECT_EQ(one.templates[1].target, "y");
  EXPECT_EQ(one.templates[1].weight, 3);
  EXPECT_EQ(one.shots, 3);
  EXPECT_EQ(one.shots_share, 0.5);
  EXPECT_TRUE(mixture.tasks[1].held_out);
  EXPECT_EQ(mixture.tasks[1].shots, 0);  // not from the file's own
  EXPECT_EQ(mixture.tasks[1].templates.size(), 1U);
}

TEST_F(MixtureFile, SaysWhatIsWrongAndInWhichLine) {
  const std::string task = "[[task]]\nname = \"a\"\nfile = \"rows.jsonl\"\n";
  EXPECT_EQ(fault("seed = 1\ntemprature = 2\n"),
            "[mixture] mix.toml:2: unknown key 'temprature'; did you mean 'temperature'?");
  EXPECT_EQ(fault(task + "held_uot = true\n"),
            "[mixture] mix.toml:4: task 'a': unknown key 'held_uot'; did you mean 'held_out'?");
  EXPECT_EQ(fault(task + "template = [{ input = \"\", targets = \"\" }]\n"),
            "[mixture] mix.toml:4: task 'a': template 1: unknown key 'targets'; did you mean "
            "'target'?");
  EXPECT_EQ(fault(task + "template = [{ input = \"\" }]\n"),
            "[mixture] mix.toml:4: task 'a': template 1: no target");
  EXPECT_EQ(fault(task + "cot = { share = 1 }\n"),
            "[mixture] mix.toml:4: task 'a': cot: no rationale; expected the field of the "
            "reasoning");
  EXPECT_EQ(fault(task + "weight = \"2\"\n"),
            "[mixture] mix.toml:4: task 'a': weight is string '2'; expected a number");
  EXPECT_EQ(fault(task + "limit = -1\n"),
            "[mixture] mix.toml:4: task 'a': limit is integer -1; expected a whole number, 0 or "
            "more");
  EXPECT_EQ(fault(task + "held_out = 1\n"),
            "[mixture] mix.toml:4: task 'a': held_out is integer 1; expected true or false");
  EXPECT_EQ(fault(task + "fields = { a = 3 }\n"),
            "[mixture] mix.toml:4: task 'a': fields is integer 3; expected a text");
  EXPECT_EQ(fault(task + "where = \"x\"\n"),
            "[mixture] mix.toml:4: task 'a': where is string 'x'; expected a table");
  EXPECT_EQ(fault(task + "template = [3]\n"),
            "[mixture] mix.toml:4: task 'a': template is integer 3; expected tables");
  EXPECT_EQ(fault("shots_as = \"turn\"\n"),
            "[mixture] mix.toml:1: shots_as is string 'turn'; expected text or turns");
  EXPECT_THAT(fault("[[task]]\nfile = \"rows.jsonl\"\n"),
              HasSubstr("mix.toml:1: a task has no name"));
  EXPECT_THAT(fault("[[task]]\nname = \"a\"\n"), HasSubstr("mix.toml:1: task 'a': no file"));
  EXPECT_THAT(fault("\n[[task]]\nname = \"a\"\nfile = \"none.jsonl\"\n", ErrorCode::kNotFound),
              HasSubstr("mix.toml:2: task 'a': no file '" + folder.path().string()));
  EXPECT_THAT(fault("seed = \n"), HasSubstr("mix.toml:1: no TOML"));
}

TEST_F(MixtureFile, FilesAreRelativeToItsFolderOrToTheOneThatIsNamed) {
  const std::string toml = "[[task]]\nname = \"a\"\nfile = \"rows.jsonl\"\n";
  write_file_atomic(folder.path() / "mix.toml", toml);
  write_file_atomic(folder.path() / "other" / "rows.jsonl", "{}\n");
  EXPECT_EQ(read_mixture(folder.path() / "mix.toml", "").tasks[0].file,
            folder.path() / "rows.jsonl");
  EXPECT_EQ(read_mixture(folder.path() / "mix.toml", folder.path() / "other").tasks[0].file,
            folder.path() / "other" / "rows.jsonl");
}

}  // namespace
}  // namespace ondol::app::testing

// Mixtures of instructions: what is drawn for each row, and what never may be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "text/tokenizer_toy.h"
#include "train/example.h"
#include "train/mixture_test_support.h"

namespace ondol::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Every "<...>" of a text, in order.
std::vector<std::string> marks(const std::string& text) {
  std::vector<std::string> all;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    all.push_back(text.substr(at, text.find('>', at) + 1 - at));
  }
  return all;
}

TEST(Mixture, TemplatesMakeRowsOfFields) {
  const TempFile file(
      "rows.jsonl", R"({"question": "6*7?", "answer": "six times seven\n#### 42", "none": null})");
  MixTask task = plain_task("maths", file);
  task.fields = {{"result", "{{ answer.split('#### ')[1] }}"},
                 {"twice", "{{ result }}{{ result }}"}};
  task.templates = {{"Q: {{ question }}\nA:", "{{ result }}, {{ twice }}", 1}};
  const Mixed mixed = mix(mixture_of({task}), {});
  ASSERT_EQ(mixed.learn.data.rows.size(), 1U);
  EXPECT_EQ(pair(mixed.learn.data.rows[0]).source, "Q: 6*7?\nA:");
  EXPECT_EQ(pair(mixed.learn.data.rows[0]).target, "42, 4242");
  EXPECT_EQ(mixed.learn.data.where(mixed.learn.data.rows[0]), file.path().string() + ":1");
  EXPECT_TRUE(mixed.validation.data.rows.empty());
}

TEST(Mixture, TheSeedAndTheRowDecideAndNothingElse) {
  const TempFile a("a.jsonl", numbered("a", 60)), b("b.jsonl", numbered("b", 20));
  MixTask first = plain_task("a", a), second = plain_task("b", b);
  first.templates = {{"1 {{ q }}", "{{ a }}", 1}, {"2 {{ q }}", "{{ a }}", 3}};
  first.shots = 2;
  first.shots_share = 0.5;
  const auto once = sources(mix(mixture_of({first}), {.validation_share = 0.1}).learn);
  EXPECT_EQ(once, sources(mix(mixture_of({first}), {.validation_share = 0.1}).learn));
  // Another task beside it, in front of it: its own rows are the same.
  const auto both = sources(mix(mixture_of({second, first}), {.validation_share = 0.1}).learn);
  EXPECT_EQ(std::vector<std::string>(both.begin() + 18, both.end()), once);
  Mixture other = mixture_of({first});
  other.seed = 43;
  EXPECT_NE(sources(mix(other, {.validation_share = 0.1}).learn), once);
}

TEST(Mixture, TemplatesAreDrawnByWeight) {
  const TempFile file("rows.jsonl", numbered("a", 2000));
  MixTask task = plain_task("a", file);
  task.templates = {{"1 {{ q }}", "{{ a }}", 1}, {"2 {{ q }}", "{{ a }}", 3}};
  const Mixed mixed = mix(mixture_of({task}), {});
  std::map<char, int> counts;
  for (const std::string& source : sources(mixed.learn)) ++counts[source[0]];
  EXPECT_NEAR(counts['2'], 1500, 80);  // four deviations
  EXPECT_THAT(mixed.counts[0].by_template, testing::ElementsAre(counts['1'], counts['2']));
}

TEST(Mixture, NoRowIsItsOwnExampleAndNoneIsOfValidation) {
  // Every question stands twice: the twin is no example either.
  const TempFile file("rows.jsonl", numbered("a", 30) + numbered("a", 30));
  MixTask task = plain_task("a", file);
  task.shots = 4;
  task.shots_share = 0.75;
  Mixture mixture = mixture_of({task});
  mixture.rows = 400;
  const Mixed mixed = mix(mixture, {.validation_share = 0.2});
  ASSERT_EQ(mixed.learn.data.rows.size(), 400U);
  std::set<std::string> learned, kept;
  for (const std::string& source : sources(mixed.learn)) learned.insert(marks(source).back());
  for (const std::string& source : sources(mixed.validation)) kept.insert(marks(source).back());
  EXPECT_EQ(learned.size() + kept.size(), 30U);
  std::map<size_t, int> by_shots;
  for (const MixRows* part : {&mixed.learn, &mixed.validation}) {
    for (size_t i = 0; i < part->data.rows.size(); ++i) {
      const std::vector<std::string> all = marks(pair(part->data.rows[i]).source);
      EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << i;
      EXPECT_EQ(static_cast<size_t>(part->variants[i].shots) + 1, all.size());
      for (size_t k = 0; k + 1 < all.size(); ++k) EXPECT_FALSE(kept.contains(all[k])) << all[k];
      if (part == &mixed.learn) ++by_shots[all.size() - 1];
    }
  }
  EXPECT_NEAR(by_shots[0], 100, 40);
  for (size_t k = 1; k <= 4; ++k) EXPECT_NEAR(by_shots[k], 75, 36) << k;
  EXPECT_EQ(by_shots.size(), 5U);
}

TEST(Mixture, ExamplesStandInTheTextWithTheirAnswers) {
  const TempFile file("rows.jsonl", numbered("a", 2));
  MixTask task = plain_task("a", file);
  task.shots = 1;
  task.shots_share = 1;
  Mixture mixture = mixture_of({task});
  mixture.separator = "\n--\n";
  const Mixed mixed = mix(mixture, {});
  EXPECT_THAT(sources(mixed.learn),
              testing::UnorderedElementsAre("<a 1>\na1\n--\n<a 0>", "<a 0>\na0\n--\n<a 1>"));
}

TEST(Mixture, TurnsAreReadAndTheLastAnswerIsLearned) {
  const TempFile file("rows.jsonl", numbered("a", 2));
  MixTask task = plain_task("a", file);
  task.shots = 1;
  task.shots_share = 1;
  Mixture mixture = mixture_of({task});
  mixture.shots_as = ShotsAs::kTurns;
  const Mixed mixed = mix(mixture, {});
  const auto toy = text::make_tokenizer(text::toy_bpe());
  const Renderer renderer(*toy,
                          "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"
                          "{% if add_generation_prompt %}{% endif %}",
                          {});
  for (const Row& row : mixed.learn.data.rows) {
    const ChatRow& chat = std::get<ChatRow>(row.data);
    ASSERT_EQ(chat.messages.size(), 4U);
    EXPECT_NE(chat.messages[0].content, chat.messages[2].content);
    const Example example = renderer.render(row).at(0);
    std::string learned;
    for (size_t t = 0; t < example.ids.size(); ++t) {
      if (example.loss[t]) learned += toy->decode(std::span(&example.ids[t], 1), true);
    }
    EXPECT_EQ(learned, chat.messages[3].content + "<|im_end|>");
  }
}

TEST(Mixture, ReasoningStandsBeforeTheAnswerAndIsAskedFor) {
  const TempFile file("rows.jsonl", R"({"q": "<a>", "a": "4", "why": "2 and 2"})"
                                    "\n"
                                    R"({"q": "<b>", "a": "6", "why": "3 and 3"})"
                                    "\n"
                                    R"({"q": "<c>", "a": "8", "why": ""})");
  MixTask task = plain_task("a", file);
  task.reasoning = {{.rationale = "{{ why }}", .share = 1, .ask = {"Think!"}}};
  task.shots = 2;
  task.shots_share = 1;
  const Mixed mixed = mix(mixture_of({task}), {});
  EXPECT_EQ(mixed.counts[0].reasoning, 2);
  EXPECT_EQ(mixed.counts[0].no_rationale, 1);
  for (size_t i = 0; i < 3; ++i) {
    const Seq2SeqRow& row = pair(mixed.learn.data.rows[i]);
    if (mixed.learn.variants[i].reasoning) {
      EXPECT_THAT(row.source, testing::EndsWith(">\nThink!"));
      EXPECT_THAT(row.source, Not(HasSubstr("<c>")));  // it has nothing to show
      EXPECT_THAT(row.target,
                  testing::AnyOf("2 and 2\nSo the answer is 4.", "3 and 3\nSo the answer is 6."));
      EXPECT_EQ(mixed.learn.variants[i].shots, 1);
    } else {
      EXPECT_EQ(row.target, "8");
      EXPECT_THAT(row.source, Not(HasSubstr("Think")));
    }
  }
}

TEST(Mixture, ChoicesAreListedAndTheRightOneIsKnown) {
  const TempFile file("rows.jsonl", R"({"q": "1", "c": ["x", "y", "z"], "k": 2})"
                                    "\n"
                                    R"({"q": "2", "c": ["A)36", "B) 7"], "k": "B"})"
                                    "\n"
                                    R"({"q": "3", "c": ["yes", "no"], "k": "no"})");
  MixTask task = plain_task("a", file);
  task.choices = {.field = "c", .correct = "k"};
  task.templates = {{"{{ q }}\n{{ options }}", "{{ letter }} {{ choice }}", 1}};
  std::map<std::string, std::string> rows;
  for (const Row& row : mix(mixture_of({task}), {}).learn.data.rows) {
    rows[pair(row).source] = pair(row).target;
  }
  EXPECT_THAT(rows, testing::ElementsAre(testing::Pair("1\n(A) x\n(B) y\n(C) z", "C z"),
                                         testing::Pair("2\n(A) 36\n(B) 7", "B 7"),
                                         testing::Pair("3\n(A) yes\n(B) no", "B no")));
  task.choices.marks = OptionMarks::kDashes;
  EXPECT_THAT(sources(mix(mixture_of({task}), {}).learn), testing::Contains("3\n- yes\n- no"));
}

TEST(Mixture, ShuffledChoicesKeepTheirLetter) {
  std::string rows;
  for (int i = 0; i < 300; ++i)
    rows += R"({"q": ")" + std::to_string(i) + R"(", "c": ["right", "w1", "w2"], "k": 0})" + "\n";
  const TempFile file("rows.jsonl", rows);
  MixTask task = plain_task("a", file);
  task.choices = {.field = "c", .correct = "k", .shuffle = true};
  task.templates = {{"{{ q }}\n{{ options }}\n", "({{ letter }}) {{ choice }}", 1}};
  std::map<std::string, int> letters;
  for (const Row& row : mix(mixture_of({task}), {}).learn.data.rows) {
    EXPECT_THAT(pair(row).source, HasSubstr(pair(row).target));
    ++letters[pair(row).target];
  }
  for (const char* letter : {"(A) right", "(B) right", "(C) right"}) {
    EXPECT_NEAR(letters[letter], 100, 35) << letter;
  }
}

TEST(Mixture, WhatAHeldOutTaskHasIsLearnedNowhere) {
  const std::string question = "How many apples does Benny have in all";
  const TempFile held("held.jsonl", R"({"question": ")" + question + R"(?", "answer": 3})" + "\n" +
                                        numbered("h", 5));
  const TempFile learn(
      "learn.jsonl", R"({"q": ")" + question + R"( ?", "a": "other"})" + "\n" + numbered("l", 20));
  MixTask measured = plain_task("held", held), learned = plain_task("learned", learn);
  measured.held_out = true;
  measured.limit = 4;  // also what the limit takes away is not learned
  // Which of two fields a row has is the row's: names that are asked about may be missing.
  measured.templates = {{"{{ question | default('') }}{{ q | default('') }}",
                         "{{ answer | default('') }}{{ a | default('') }}", 1}};
  learned.shots = 3;
  learned.shots_share = 1;
  const Mixed mixed = mix(mixture_of({learned, measured}), {});
  EXPECT_EQ(mixed.counts[0].left_out, 1);
  EXPECT_EQ(mixed.counts[0].pool, 20);
  for (const std::string& source : sources(mixed.learn)) {
    EXPECT_THAT(source, Not(HasSubstr("apples")));
    EXPECT_THAT(source, Not(HasSubstr("<h ")));
  }
  ASSERT_EQ(mixed.held_out.size(), 1U);
  EXPECT_EQ(mixed.held_out[0].name, "held");
  EXPECT_EQ(mixed.held_out[0].rows.data.rows.size(), 4U);
  EXPECT_THAT(mixed.sentence(), HasSubstr("held out: held (4 rows); 1 rows left out"));
  // By a field that is named, however short: the answers a0 to a4 are in both.
  learned.compare = {"a"};
  measured.compare = {"a"};
  measured.where = {{"q", {"<h*"}}};
  EXPECT_EQ(mix(mixture_of({learned, measured}), {}).counts[0].left_out, 5);
  measured.where = {};
  measured.compare = {"q"};
  EXPECT_THAT(fault(mixture_of({learned, measured})), HasSubstr("compare: no field 'q'"));
  // The same file as both: nothing is left.
  MixTask twin = plain_task("twin", learn);
  twin.compare = {"q"};
  twin.held_out = true;
  learned.compare = {"q"};
  EXPECT_THAT(fault(mixture_of({learned, twin})),
              HasSubstr("mix.toml:7: task 'learned': no row is left to learn"));
}

TEST(Mixture, SharesFollowSizeCapTemperatureAndWeight) {
  const TempFile large("large.jsonl", numbered("l", 400)), small("small.jsonl", numbered("s", 100));
  const auto counts = [](const Mixture& mixture) {
    const Mixed mixed = mix(mixture, {});
    EXPECT_EQ(mixed.learn.data.rows.size(),
              static_cast<size_t>(mixed.counts[0].mixed + mixed.counts[1].mixed));
    return std::pair(mixed.counts[0].mixed, mixed.counts[1].mixed);
  };
  Mixture mixture = mixture_of({plain_task("l", large), plain_task("s", small)});
  EXPECT_EQ(counts(mixture), std::pair(int64_t{400}, int64_t{100}));
  mixture.rows = 250;
  EXPECT_EQ(counts(mixture), std::pair(int64_t{200}, int64_t{50}));
  mixture.temperature = 2;  // 20 to 10
  mixture.rows = 300;
  EXPECT_EQ(counts(mixture), std::pair(int64_t{200}, int64_t{100}));
  mixture.tasks[1].weight = 2;
  EXPECT_EQ(counts(mixture), std::pair(int64_t{150}, int64_t{150}));
  mixture.tasks[1].weight = 1;
  mixture.temperature = 1;
  mixture.cap = 100;
  mixture.rows = 0;
  EXPECT_EQ(counts(mixture), std::pair(int64_t{100}, int64_t{100}));
  mixture.tasks[0].limit = 30;
  EXPECT_EQ(counts(mixture), std::pair(int64_t{30}, int64_t{100}));
}

TEST(Mixture, RowsThatComeAgainComeEachAsOften) {
  const TempFile file("rows.jsonl", numbered("a", 7));
  MixTask task = plain_task("a", file);
  task.templates.push_back({"other {{ q }}", "{{ a }}", 1});
  Mixture mixture = mixture_of({task});
  mixture.rows = 24;
  std::map<std::string, int> times;
  std::set<std::string> forms;
  for (const std::string& source : sources(mix(mixture, {}).learn)) {
    ++times[marks(source).back()];
    forms.insert(source);
  }
  EXPECT_EQ(times.size(), 7U);
  for (const auto& [mark, count] : times) EXPECT_TRUE(count == 3 || count == 4) << mark;
  EXPECT_GT(forms.size(), 7U);  // drawn anew each time
}

TEST(Mixture, WhereTakesRowsByTheirFields) {
  const TempFile file("rows.jsonl", R"({"q": "1", "a": "x", "t": "news_a", "n": 1})"
                                    "\n"
                                    R"({"q": "2", "a": "x", "t": "news_b", "n": 2})"
                                    "\n"
                                    R"({"q": "3", "a": "x", "t": "quiz", "n": 1})");
  MixTask task = plain_task("a", file);
  task.where = {{"t", {"news_*", "quiz"}}, {"n", {"1"}}};
  EXPECT_THAT(sources(mix(mixture_of({task}), {}).learn), testing::UnorderedElementsAre("1", "3"));
  task.where = {{"t", {"news_*", "quizz"}}};
  EXPECT_THAT(fault(mixture_of({task})),
              HasSubstr("where: no row has t = 'quizz'; the nearest is 'quiz'"));
}

TEST(Mixture, WhatValidationKeepsNoOtherTaskShows) {
  std::string rows;
  for (int i = 0; i < 40; ++i)
    rows += fmt::format(R"({{"q": "a question of two collections, {}", "a": "x"}})"
                        "\n",
                        i);
  const TempFile a("a.jsonl", rows), b("b.jsonl", rows + numbered("b", 40));
  const Mixed mixed =
      mix(mixture_of({plain_task("a", a), plain_task("b", b)}), {.validation_share = 0.25});
  std::set<std::string> learned;
  for (const std::string& source : sources(mixed.learn)) learned.insert(source);
  for (const std::string& source : sources(mixed.validation))
    EXPECT_FALSE(learned.contains(source));
  EXPECT_GT(mixed.validation.data.rows.size(), 20U);
}

}  // namespace
}  // namespace ondol::train

// Which tokens are learned, on a toy vocabulary where every byte is a token and <|im_end|> ends.
#include "train/example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/tokenizer_toy.h"

namespace ondol::train {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const text::Tokenizer& toy() {
  static const auto kToy = text::make_tokenizer(text::toy_bpe());
  return *kToy;
}

// The answers in brackets: "user>hi\n[yes<|im_end|>]\n".
std::string marked(const Example& example) {
  std::string out;
  bool inside = false;
  for (size_t t = 0; t < example.ids.size(); ++t) {
    if ((example.loss[t] != 0) != inside) out += inside ? "]" : "[";
    inside = example.loss[t] != 0;
    out += toy().decode(std::span(&example.ids[t], 1), true);
  }
  return out + (inside ? "]" : "");
}

constexpr const char* kPlain =
    "{% for m in messages %}<s>{{ m.role }}>{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant>{% endif %}";

Row chat(std::vector<text::ChatMessage> messages, std::vector<uint8_t> unlearned = {}) {
  return {ChatRow{std::move(messages), std::move(unlearned), ""}};
}

std::vector<std::string> render(const std::string& source, const Row& row,
                                RenderOptions options = {}) {
  std::vector<std::string> all;
  for (const Example& example : Renderer(toy(), source, options).render(row)) {
    all.push_back(marked(example));
  }
  return all;
}

std::string fault(const std::string& source, const Row& row, RenderOptions options = {}) {
  try {
    render(source, row, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const std::vector<text::ChatMessage> kTwoTurns = {{"system", "S", ""},    {"user", "a", ""},
                                                  {"assistant", "b", ""}, {"user", "c", ""},
                                                  {"assistant", "d", ""}, {"assistant", "e", ""}};

TEST(LossMask, CoversEveryAnswerAndItsEndToken) {
  EXPECT_THAT(render(kPlain, chat(kTwoTurns)),
              testing::ElementsAre("<s>system>S<|im_end|>\n<s>user>a<|im_end|>\n"
                                   "<s>assistant>[b<|im_end|>]\n<s>user>c<|im_end|>\n"
                                   "<s>assistant>[d<|im_end|>]\n<s>assistant>[e<|im_end|>]\n"));
}

TEST(LossMask, LeavesOutMessagesOfNoWeight) {
  EXPECT_THAT(
      render(kPlain,
             chat({{"user", "a", ""}, {"assistant", "b", ""}, {"assistant", "c", ""}}, {0, 1, 0})),
      testing::ElementsAre("<s>user>a<|im_end|>\n<s>assistant>b<|im_end|>\n"
                           "<s>assistant>[c<|im_end|>]\n"));
}

TEST(LossMask, SpecialTokensOfTheRowStayText) {
  const Row row = chat({{"user", "<s>", ""}, {"assistant", "<|im_end|>x", ""}});
  const Renderer renderer(toy(), kPlain, {});
  const Example example = renderer.render(row).at(0);
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), *toy().config().eos), 2);
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), *toy().config().bos), 2);
  EXPECT_EQ(marked(example), "<s>user><s><|im_end|>\n<s>assistant>[<|im_end|>x<|im_end|>]\n");
}

TEST(LossMask, ByGenerationBlocks) {
  const std::string inside =
      "{% for m in messages %}{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}"
      "{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '\\n' }}"
      "{% endfor %}";
  EXPECT_THAT(render(inside, chat(kTwoTurns)),
              testing::ElementsAre("system>S\nuser>a\nassistant>[b<|im_end|>]\nuser>c\n"
                                   "assistant>[d<|im_end|>]\nassistant>[e<|im_end|>]\n"));
  // The end token behind the block is learned too, or the model would never stop.
  const std::string outside =
      "{% for m in messages %}{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}"
      "{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|im_end|>\n"
      "{% endfor %}";
  EXPECT_THAT(render(outside, chat({{"user", "a", ""}, {"assistant", "b", ""}})),
              testing::ElementsAre("user>a<|im_end|>\nassistant>[b<|im_end|>]\n"));
  EXPECT_THAT(
      render(inside,
             chat({{"user", "a", ""}, {"assistant", "b", ""}, {"assistant", "c", ""}}, {0, 1, 0})),
      testing::ElementsAre("user>a\nassistant>b<|im_end|>\nassistant>[c<|im_end|>]\n"));
}

TEST(LossMask, ABlockThatNeverRunsDoesNotEmptyTheMask) {
  const std::string source =
      "{% if false %}{% generation %}x{% endgeneration %}{% endif %}" + std::string(kPlain);
  EXPECT_THAT(render(source, chat({{"user", "a", ""}, {"assistant", "b", ""}})),
              testing::ElementsAre("<s>user>a<|im_end|>\n<s>assistant>[b<|im_end|>]\n"));
}

TEST(LossMask, TurnsStandAloneWhereATemplateRewritesEarlierOnes) {
  // Thinking is shown in the last message only.
  const std::string source =
      "{% for m in messages %}<s>{{ m.role }}>{% if m.role == 'assistant' and loop.last %}"
      "(hm){% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<s>assistant>{% endif %}";
  EXPECT_THAT(render(source, chat({{"user", "a", ""},
                                   {"assistant", "b", ""},
                                   {"user", "c", ""},
                                   {"assistant", "d", ""}})),
              testing::ElementsAre("<s>user>a<|im_end|><s>assistant>[(hm)b<|im_end|>]",
                                   "<s>user>a<|im_end|><s>assistant>b<|im_end|>"
                                   "<s>user>c<|im_end|><s>assistant>[(hm)d<|im_end|>]"));
}

TEST(LossMask, APromptThatOpensThinkingIsLeftOutAndSaid) {
  const std::string thinks =
      "{% for m in messages %}<s>{{ m.role }}>{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<s>assistant><think>{% endif %}";
  const Row row = chat({{"user", "a", ""}, {"assistant", "<th", ""}});
  EXPECT_THAT(render(thinks, row),
              testing::ElementsAre("<s>user>a<|im_end|><s>assistant>[<th<|im_end|>]"));
  EXPECT_TRUE(Renderer(toy(), thinks, {}).render(row).at(0).other_prompt);
  EXPECT_FALSE(Renderer(toy(), kPlain, {}).render(row).at(0).other_prompt);
  // Where the answer thinks as well, the whole prompt is shared.
  const std::string both =
      "{% for m in messages %}<s>{{ m.role }}>{% if m.role == 'assistant' %}<think></think>"
      "{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<s>assistant><think>{% endif %}";
  EXPECT_FALSE(Renderer(toy(), both, {}).render(row).at(0).other_prompt);
}

TEST(LossMask, ATemplateWithoutBordersIsAnError) {
  const std::string shouting =
      "{% if add_generation_prompt %}NOW {% endif %}"
      "{% for m in messages %}{{ m.content }};{% endfor %}";
  EXPECT_THAT(fault(shouting, chat({{"user", "a", ""}, {"assistant", "b", ""}})),
              HasSubstr("no border before message 2 (assistant); the prompt ends in 'NOW a;'"));
  EXPECT_THAT(fault(kPlain + std::string("{% if add_generation_prompt %}?{% endif %}"),
                    chat({{"assistant", "b", ""}})),
              HasSubstr("no border before message 1"));
  const std::string silent =
      "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";
  EXPECT_THAT(fault(silent, chat({{"user", "a", ""}, {"assistant", "b", ""}})),
              HasSubstr("writes nothing for message 2"));
  EXPECT_THAT(fault("{{ raise_exception('roles!') }}", chat(kTwoTurns)), HasSubstr("roles!"));
  EXPECT_THAT(fault("", chat(kTwoTurns)), HasSubstr("the model has no chat template"));
}

TEST(LossMask, ToolsNeedATemplateThatTakesThem) {
  Row row = chat({{"user", "a", ""}, {"assistant", "b", ""}});
  std::get<ChatRow>(row.data).tools_json = R"([{"name": "f"}])";
  EXPECT_THAT(fault(kPlain, row), HasSubstr("the row has tools, but the model's chat template"));
  const std::string takes = "{% if tools %}T{{ tools|length }}{% endif %}" + std::string(kPlain);
  EXPECT_THAT(render(takes, row),
              testing::ElementsAre("T1<s>user>a<|im_end|>\n<s>assistant>[b<|im_end|>]\n"));
  EXPECT_THAT(fault(kPlain, chat({{"user", "a", ""},
                                  {"assistant", "", R"({"tool_calls": [{"type": "function"}]})"}})),
              HasSubstr("the row has tool calls"));
}

TEST(LossMask, OfPromptsTextAndAll) {
  const Row plain{PromptRow{{"2+2=", {}}, {"4", {}}, ""}};
  EXPECT_THAT(render("", plain), testing::ElementsAre("2+2=[4<|im_end|>]"));
  EXPECT_THAT(render("", plain, {.loss = LossOn::kAll}), testing::ElementsAre("[2+2=4<|im_end|>]"));
  EXPECT_THAT(fault("", plain, {.loss = LossOn::kAssistant}),
              HasSubstr("assistant_only_loss was asked for"));
  EXPECT_THAT(render("", {TextRow{"ab"}}), testing::ElementsAre("[ab<|im_end|>]"));
  EXPECT_THAT(fault("", {TextRow{"ab"}}, {.loss = LossOn::kCompletion}),
              HasSubstr("completion_only_loss was asked for, but the row is plain text"));
  const Row talk{PromptRow{{"", {{"user", "a", ""}, {"assistant", "b", ""}, {"user", "c", ""}}},
                           {"", {{"assistant", "d", ""}}},
                           ""}};
  EXPECT_THAT(render(kPlain, talk),
              testing::ElementsAre("<s>user>a<|im_end|>\n<s>assistant>b<|im_end|>\n"
                                   "<s>user>c<|im_end|>\n<s>assistant>[d<|im_end|>]\n"));
  EXPECT_THAT(render(kPlain, talk, {.loss = LossOn::kAssistant})[0], HasSubstr("[b<|im_end|>]"));
  EXPECT_THAT(render(kPlain, {Seq2SeqRow{"q", "a"}}),
              testing::ElementsAre("<s>user>q<|im_end|>\n<s>assistant>[a<|im_end|>]\n"));
  EXPECT_THAT(render("", {Seq2SeqRow{"q", "a"}}), testing::ElementsAre("q\n[a<|im_end|>]"));
  EXPECT_THAT(render("", {PreferenceRow{{"p", {}}, {"y", {}}, {"n", {}}, {}, ""}}),
              testing::ElementsAre("p[y<|im_end|>]", "p[n<|im_end|>]"));
  EXPECT_THAT(fault("", {LabelRow{"a", "", "1"}}), HasSubstr("for `classify`"));
}

TEST(LossMask, ABorderInsideATokenIsAnErrorOrASplit) {
  const Row row{PromptRow{{"say hel", {}}, {"lo", {}}, ""}};  // " hello" is one token
  EXPECT_THAT(fault("", row), HasSubstr("an answer begins inside a token; got '...say hel' before "
                                        "the border and 'lo...' behind it"));
  EXPECT_THAT(render("", row, {.border = Border::kSplit}),
              testing::ElementsAre("say hel[lo<|im_end|>]"));
  EXPECT_THAT(render("", row, {.loss = LossOn::kAll}),
              testing::ElementsAre("[say hello<|im_end|>]"));
}

TEST(LossMask, AnswersThatNeverEndAreCounted) {
  const std::string endless =
      "{% for m in messages %}{{ m.role }}>{{ m.content }}\n{% endfor %}"
      "{% if add_generation_prompt %}assistant>{% endif %}";
  Dataset data{{{"f.jsonl", "messages", 1, {}}},
               {chat({{"user", "a", ""}, {"assistant", "b", ""}})}};
  RenderCounts counts;
  render_dataset(data, Renderer(toy(), endless, {}), {.counts = &counts});
  EXPECT_EQ(counts.without_end, 1);
  EXPECT_THAT(counts.sentence(), HasSubstr("will not learn to stop"));
}

TEST(Truncation, IsCountedAndAnEmptyMaskIsAnError) {
  Dataset data{{{"f.jsonl", "prompt-completion", 2, {}}}, {}};
  data.rows.push_back({PromptRow{{"ab", {}}, {"cd", {}}, ""}, 0, 1});
  data.rows.push_back({PromptRow{{"abcdef", {}}, {"g", {}}, ""}, 0, 2});
  const Renderer renderer(toy(), "", {.max_length = 4});
  try {
    render_dataset(data, renderer, {});
    FAIL() << "an empty mask was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("f.jsonl:2: max_length cut the whole answer away: 4 of 8 "
                                        "tokens are left"));
  }
  RenderCounts counts;
  const ExampleSet set = render_dataset(data, renderer, {.drop_empty = true, .counts = &counts});
  ASSERT_EQ(set.size(), 1U);
  EXPECT_EQ(set.length(0), 4);
  EXPECT_EQ(set.row(0), 0U);
  EXPECT_EQ(counts.dropped, 1);
  EXPECT_EQ(counts.truncated, 1);
  EXPECT_EQ(counts.tokens_cut, 1);
  EXPECT_EQ(counts.learned, 2);
  EXPECT_THAT(counts.sentence(), HasSubstr("1 of 1 examples (100.0 %) were cut"));
  std::vector<RowProblem> problems;
  render_dataset(data, renderer, {.problems = &problems});
  EXPECT_THAT(problems, SizeIs(1));
}

TEST(Truncation, TextMayBeSplitInstead) {
  const Renderer renderer(toy(), "", {.max_length = 4, .overflow = Overflow::kSplit});
  const std::vector<Example> all = renderer.render({TextRow{"abcdefghi"}});
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(marked(all[0]) + marked(all[1]) + marked(all[2]), "[abcd][defg][ghi<|im_end|>]");
  // Whatever the length: each token but the first is predicted once, and no piece has nothing.
  for (size_t size = 1; size < 20; ++size) {
    int64_t learned = 0;
    for (const Example& one : renderer.render({TextRow{std::string(size, 'a')}})) {
      EXPECT_GE(learned_tokens(one.loss), 1) << size;
      learned += learned_tokens(one.loss);
    }
    EXPECT_EQ(learned, static_cast<int64_t>(size));
  }
  EXPECT_THROW(Renderer(toy(), "", {.max_length = 1}), Error);
}

}  // namespace
}  // namespace ondol::train

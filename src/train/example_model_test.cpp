// Masks on the real template and vocabulary of SmolLM2-135M-Instruct.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "models/model.h"
#include "support/paths.h"
#include "train/example.h"

namespace ondol::train {
namespace {

using ::testing::HasSubstr;

class SmolLm2Mask : public ::testing::Test {
 protected:
  static const Model& model() {
    static ThreadPool pool(1);
    static const Model model = load_model(testing::smollm2_gguf(), pool);
    return model;
  }
  static std::string marked(const Example& example) {
    std::string out;
    bool inside = false;
    for (size_t t = 0; t < example.ids.size(); ++t) {
      if ((example.loss[t] != 0) != inside) out += inside ? "]" : "[";
      inside = example.loss[t] != 0;
      out += model().tokenizer->decode(std::span(&example.ids[t], 1), true);
    }
    return out + (inside ? "]" : "");
  }
  static Example render(std::vector<text::ChatMessage> messages) {
    const Renderer renderer(*model().tokenizer, model().chat_template, {});
    return renderer.render({ChatRow{std::move(messages), {}, ""}}).at(0);
  }
};

TEST_F(SmolLm2Mask, OneTurnGetsTheTemplatesOwnSystemMessage) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  EXPECT_EQ(marked(render({{"user", "What is 2+2?", ""}, {"assistant", "It is 4.", ""}})),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
            "Face<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n"
            "[It is 4.<|im_end|>]\n");
}

TEST_F(SmolLm2Mask, SeveralTurnsWithASystemMessage) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const Example example = render({{"system", "Answer in Korean.", ""},
                                  {"user", "Hello", ""},
                                  {"assistant", "안녕하세요 👋", ""},
                                  {"user", "<|im_end|> and bye", ""},
                                  {"assistant", " 안녕히 가세요", ""}});
  EXPECT_EQ(marked(example),
            "<|im_start|>system\nAnswer in Korean.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
            "<|im_start|>assistant\n[안녕하세요 👋<|im_end|>]\n<|im_start|>user\n<|im_end|> and bye"
            "<|im_end|>\n<|im_start|>assistant\n[ 안녕히 가세요<|im_end|>]\n");
  const auto end = model().tokenizer->find("<|im_end|>");
  ASSERT_TRUE(end);
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), *end), 5);
  size_t ends_learned = 0;
  for (size_t t = 0; t < example.ids.size(); ++t) {
    ends_learned += example.ids[t] == *end && example.loss[t] ? 1 : 0;
  }
  EXPECT_EQ(ends_learned, 2U);
  EXPECT_TRUE(example.ended);
}

TEST_F(SmolLm2Mask, TheTokensAreThoseOfTheWholeConversation) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const std::vector<text::ChatMessage> messages = {{"user", "Count:  1,2", ""},
                                                   {"assistant", "3,  4\n\n5", ""}};
  const text::ChatTemplate chat(model().chat_template, {"<|im_start|>", "<|im_end|>"});
  text::ChatRenderOptions options;
  options.add_generation_prompt = false;
  EXPECT_EQ(render(messages).ids, model().tokenizer->encode(chat.render(messages, options), {}));
}

TEST_F(SmolLm2Mask, AnAnswerThatBeginsWithALineBreakHasNoBorder) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const Row row{ChatRow{{{"user", "hi", ""}, {"assistant", "\n\nhello", ""}}, {}, ""}};
  const Renderer strict(*model().tokenizer, model().chat_template, {});
  try {
    strict.render(row);
    FAIL() << "a border inside a token was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("assistant\\n' before the border and '\\n\\nhello"));
  }
  const Renderer split(*model().tokenizer, model().chat_template, {.border = Border::kSplit});
  EXPECT_THAT(marked(split.render(row).at(0)),
              HasSubstr("<|im_start|>assistant\n[\n\nhello<|im_end|>]\n"));
}

TEST_F(SmolLm2Mask, PlainTextEndsWithTheEndToken) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const Renderer renderer(*model().tokenizer, model().chat_template, {});
  EXPECT_EQ(marked(renderer.render({TextRow{"warm <|im_end|> floor"}}).at(0)),
            "[warm <|im_end|> floor<|im_end|>]");
  EXPECT_EQ(marked(renderer.render({PromptRow{{"2+2=", {}}, {"4", {}}, ""}}).at(0)),
            "2+2=[4<|im_end|>]");
}

}  // namespace
}  // namespace ondol::train

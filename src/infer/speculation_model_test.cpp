// SmolLM2-135M-Instruct with and without guesses: the same tokens, greedy and sampled, alone and
// beside each other.
#include <gtest/gtest.h>

#include "infer/test_support.h"

namespace ondol::testing {
namespace {

std::unique_ptr<LocalGenerator> smollm2(LocalGeneratorOptions options) {
  static const auto kModel = [] {
    ThreadPool pool(2);
    return std::make_shared<const Model>(load_model(smollm2_gguf(), pool));
  }();
  return std::make_unique<LocalGenerator>(kModel, std::make_unique<ThreadPool>(2), options);
}

// Half of them ask for words that stand in the prompt.
GenerateRequest request_of(int64_t index) {
  const std::string passages[] = {
      "The library opens at nine and closes at six. On Sundays it stays closed. Books may be kept "
      "for four weeks and renewed twice, unless somebody else is waiting for them.",
      "Bread needs flour, water, salt and time. The dough rests for an hour, is folded four times, "
      "and rests again overnight in a cool place before it is baked at 240 degrees.",
      "A floor heated from below keeps the feet warm and the head cool. Smoke from the kitchen "
      "fire "
      "passes under flat stones, which give off their warmth until the next morning."};
  const std::string tasks[] = {"Repeat this text word for word: ", "List the facts in this text: ",
                               "Write a short story about this: ", "Translate into French: "};
  GenerateRequest request;
  request.prompt = Prompt{
      .messages = {{"user", tasks[index % 4] + passages[static_cast<size_t>(index) % 3], {}}},
      .prefill = {}};
  request.tokens_max = 64;
  if (index % 5 == 4) {
    request.sampler = {.temperature = 0.7, .top_p = 0.9, .seed = static_cast<uint64_t>(index)};
  }
  if (index % 5 == 3) request.sampler.repetition_penalty = 1.1;
  return request;
}

TEST(SmolLm2Guesses, ChangeNoToken) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  constexpr int64_t kPrompts = 20;
  const auto plain = smollm2({.speculation = Speculation::kOff});
  const auto measured = smollm2({});
  const auto always = smollm2({.draft_tokens = 5});
  std::vector<std::unique_ptr<Generation>> company;
  for (int64_t i = 0; i < kPrompts; ++i) company.push_back(always->submit(request_of(i)));
  int64_t accepted = 0, steps_saved = 0;
  for (int64_t i = 0; i < kPrompts; ++i) {
    const GenerateResult expected = plain->generate(request_of(i));
    const GenerateResult alone = measured->generate(request_of(i));
    const GenerateResult together = company[static_cast<size_t>(i)]->wait();
    EXPECT_EQ(alone.samples[0].ids, expected.samples[0].ids) << i;
    EXPECT_EQ(together.samples[0].ids, expected.samples[0].ids) << i;
    EXPECT_EQ(together.samples[0].text, expected.samples[0].text);
    accepted += together.accepted_tokens;
    steps_saved += i % 4 == 0 ? together.accepted_tokens : 0;
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(steps_saved, 10) << "of texts to be repeated";
}

}  // namespace
}  // namespace ondol::testing

// Contract 2 on a real model: greedy texts of 20 prompts, 128 tokens each, are the same alone and
// in company, wherever prompts are cut, for every number of threads, with and without guesses, with
// and without the prefix cache. Each test also shows that what it compares took place.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/profile.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

constexpr int64_t kTokens = 128;
constexpr size_t kPrompts = 20;

constexpr std::string_view kFerry =
    "Notice to passengers. From the first of October the ferry leaves the north pier at 7:15, 9:40 "
    "and 16:05. On Sundays only the 9:40 boat runs. A day ticket costs 12 crowns and is valid "
    "until "
    "the last boat of the day; children under six travel free. Bicycles are carried on the lower "
    "deck for 3 crowns, at most eight a crossing. Lost property is kept for 30 days in the office "
    "beside the ticket window. In fog the master may cancel a crossing without notice.";
constexpr std::string_view kOndol =
    "온돌은 아궁이에서 불을 때어 방바닥 아래의 구들장을 데우는 난방 방식이다. 뜨거운 연기가 고래를 "
    "지나며 돌에 열을 주고 굴뚝으로 나간다. 돌은 천천히 식으므로 아침까지 바닥이 따뜻하다.";

Prompt ask(std::string text, std::string system = "") {
  Prompt prompt;
  if (!system.empty()) prompt.messages.push_back({"system", std::move(system), {}});
  prompt.messages.push_back({"user", std::move(text), {}});
  return prompt;
}

Prompt about(std::string_view passage, const std::string& question) {
  return ask(std::string(passage) + "\n\n" + question, "Answer from the text and quote it.");
}

// English and Korean, short and long, talk, code and plain continuation; what asks for quotation is
// there for the guesses, what begins alike for the prefix cache.
const std::array<PromptInput, kPrompts>& prompts() {
  static const std::array<PromptInput, kPrompts> kAll = {
      about(kFerry, "Repeat the notice word for word."),
      about(kFerry, "When does the ferry leave on Sundays?"),
      about(kFerry, "What happens to lost property? Quote the sentence."),
      about(kFerry, "Translate the notice into French."),
      about(kOndol, "위의 글을 그대로 다시 쓰세요."),
      about(kOndol, "아침까지 바닥이 따뜻한 까닭은 무엇입니까?"),
      ask("Why is the sky blue? Explain it to a child."),
      ask("List ten animals that live in the sea, one a line."),
      ask("Write a Python function that reverses the words of a sentence, with a test."),
      ask("Write a short poem about the first snow."),
      ask("What is 17 times 23? Show each step."),
      ask("Correct the spelling: 'Teh resturant was realy crouded becuase of teh festval.' Then "
          "explain each change."),
      ask("김치를 담그는 순서를 차례대로 알려 주세요."),
      ask("서울에서 하루 동안 볼 만한 곳을 추천해 주세요."),
      ask("Give me a recipe for bread with flour, water, salt and yeast.",
          "You are a baker who speaks in short sentences."),
      ask("Continue the list: 1, 1, 2, 3, 5, 8, 13,"),
      RawText{"It was the best of times, it was the worst of times, it was the age of wisdom, it "
              "was"},
      RawText{"def fibonacci(n):\n    \"\"\"Returns the n-th Fibonacci number.\"\"\"\n"},
      RawText{"옛날 옛적 깊은 산속에 호랑이 한 마리가 살았습니다. 어느 날"},
      RawText{"{\"name\": \"ondol\", \"rooms\": [{\"id\": 1, \"warm\": true}, {\"id\": 2,"}};
  return kAll;
}

std::shared_ptr<const Model> smollm2() {
  static const auto kModel = [] {
    ThreadPool pool(2);
    return std::make_shared<const Model>(load_model(smollm2_gguf(), pool));
  }();
  return kModel;
}

// Nothing but the one thing a test is about is switched on.
LocalGeneratorOptions plain() { return {.prefix_cache = false, .speculation = Speculation::kOff}; }

std::unique_ptr<LocalGenerator> generator_of(LocalGeneratorOptions options, int threads = 2) {
  return std::make_unique<LocalGenerator>(smollm2(), std::make_unique<ThreadPool>(threads),
                                          options);
}

// Off the tokens that end an answer, so that every text has all its tokens.
GenerateRequest request_of(size_t index) {
  GenerateRequest request;
  request.prompt = prompts().at(index);
  request.tokens_max = kTokens;
  for (const TokenId id : smollm2()->tokenizer->end_of_generation()) {
    request.sampler.logit_bias[id] = -1e9F;
  }
  return request;
}

// The texts as they are alone, each token a step of its own: computed once.
const std::vector<GeneratedSample>& alone() {
  static const std::vector<GeneratedSample> kSamples = [] {
    std::vector<GeneratedSample> samples;
    const auto generator = generator_of(plain());
    for (size_t i = 0; i < kPrompts; ++i) {
      samples.push_back(generator->generate(request_of(i)).samples.at(0));
    }
    return samples;
  }();
  return kSamples;
}

// Compares all texts, and sums up what the results say of guesses and of the cache.
struct Sums {
  int64_t accepted = 0;
  int64_t drafted = 0;
  int64_t cached = 0;
  int64_t prompt = 0;

  void add(size_t index, const GenerateResult& result) {
    const GeneratedSample& expected = alone().at(index);
    const GeneratedSample& got = result.samples.at(0);
    EXPECT_EQ(got.ids, expected.ids)
        << "prompt " << index << ": " << got.text << "\n--- but alone ---\n"
        << expected.text;
    EXPECT_EQ(got.text, expected.text) << "prompt " << index;
    EXPECT_EQ(got.finish_reason, "length");
    accepted += result.accepted_tokens;
    drafted += result.drafted_tokens;
    cached += result.usage.cached_tokens;
    prompt += result.usage.prompt_tokens;
  }
};

Sums expect_same_together(LocalGenerator& generator) {
  alone();  // not beside the others
  std::vector<std::unique_ptr<Generation>> running;
  for (size_t i = 0; i < kPrompts; ++i) running.push_back(generator.submit(request_of(i)));
  Sums sums;
  for (size_t i = 0; i < kPrompts; ++i) sums.add(i, running[i]->wait());
  return sums;
}

Sums expect_same_alone(LocalGenerator& generator, size_t count = kPrompts) {
  Sums sums;
  for (size_t i = 0; i < count; ++i) sums.add(i, generator.generate(request_of(i)));
  return sums;
}

struct Steps {
  int64_t count = 0;
  int64_t decode_max = 0;   // sequences that wrote in one step
  int64_t prefill_max = 0;  // prompt tokens of one step
};

Steps steps_of(const Profile& profile) {
  EXPECT_EQ(profile.dropped(), 0U);
  Steps steps;
  for (const ProfileEvent& event : profile.events()) {
    if (std::string_view(event.name) != "step") continue;
    ++steps.count;
    steps.decode_max = std::max(steps.decode_max, event.work.decode);
    steps.prefill_max = std::max(steps.prefill_max, event.work.prefill);
  }
  return steps;
}

void the_texts_are_long_and_differ() {
  std::vector<std::vector<TokenId>> texts;
  for (const GeneratedSample& sample : alone()) {
    EXPECT_EQ(sample.ids.size(), static_cast<size_t>(kTokens));
    texts.push_back(sample.ids);
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end());
}

void sixteen_at_once() {
  Profile profile;
  LocalGeneratorOptions options = plain();
  options.sequences_max = 16;
  options.profile = &profile;
  expect_same_together(*generator_of(options));
  const Steps steps = steps_of(profile);
  EXPECT_EQ(steps.decode_max, 16);
  EXPECT_LT(steps.count, static_cast<int64_t>(kPrompts) * kTokens / 4);
}

// Alone every prompt is read in one piece.
void prompts_cut_into_pieces() {
  constexpr int64_t kPiece = 37;
  Profile profile;
  LocalGeneratorOptions options = plain();
  EXPECT_GT(generator_of(options)->count_tokens(prompts()[0]), 3 * kPiece);
  EXPECT_LT(generator_of(options)->count_tokens(prompts()[0]), options.prefill_tokens_max);
  options.prefill_tokens_max = kPiece;
  options.profile = &profile;
  expect_same_together(*generator_of(options));
  EXPECT_LE(steps_of(profile).prefill_max, kPiece);
}

void one_and_three_threads() {
  for (const int threads : {1, 3}) {
    expect_same_alone(*generator_of(plain(), threads), 5);
    expect_same_together(*generator_of(plain(), threads));
  }
}

void guesses_of_a_fixed_length() {
  LocalGeneratorOptions options = plain();
  options.speculation = Speculation::kLookup;
  options.draft_tokens = 5;
  const Sums one = expect_same_alone(*generator_of(options));
  const Sums many = expect_same_together(*generator_of(options));
  for (const Sums& sums : {one, many}) {
    EXPECT_GT(sums.accepted, 300);
    EXPECT_GT(sums.drafted, sums.accepted) << "wrong guesses have to be taken back too";
  }
}

// How many tokens are guessed depends on the clock; nothing else may.
void guesses_where_they_pay() {
  LocalGeneratorOptions options = plain();
  options.speculation = Speculation::kLookup;
  expect_same_alone(*generator_of(options));
}

void prompts_found_in_the_prefix_cache() {
  LocalGeneratorOptions options = plain();
  options.prefix_cache = true;
  const auto generator = generator_of(options);
  const Sums first = expect_same_together(*generator);
  EXPECT_GT(first.cached, 0) << "four prompts begin with the same notice";
  EXPECT_LT(first.cached, first.prompt);
  const Sums again = expect_same_together(*generator);
  EXPECT_GT(again.cached, first.cached);
  EXPECT_LT(generator->stats().prompt_tokens_computed, first.prompt + again.prompt);
}

// As the program runs: guesses, prefix cache and company together.
void everything_at_once() {
  const auto generator = generator_of({.prefill_tokens_max = 100, .draft_tokens = 3}, 3);
  expect_same_together(*generator);
  const Sums again = expect_same_together(*generator);
  EXPECT_GT(again.accepted, 0);
  EXPECT_GT(again.cached, 0);
}

// One test, so that a run of each test in a process of its own computes the texts alone once.
TEST(SmolLm2Identity, GreedyTextsAreTheSameEveryWay) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  const struct {
    const char* name;
    void (*run)();
  } ways[] = {
      {"the texts are long and differ", the_texts_are_long_and_differ},
      {"sixteen at once", sixteen_at_once},
      {"prompts cut into pieces", prompts_cut_into_pieces},
      {"one and three threads", one_and_three_threads},
      {"guesses of a fixed length", guesses_of_a_fixed_length},
      {"guesses where they pay", guesses_where_they_pay},
      {"prompts found in the prefix cache", prompts_found_in_the_prefix_cache},
      {"everything at once", everything_at_once},
  };
  for (const auto& way : ways) {
    SCOPED_TRACE(way.name);
    const auto begin = std::chrono::steady_clock::now();
    way.run();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("    %5.1f s  %s\n", time.count(), way.name);
  }
}

}  // namespace
}  // namespace ondol::testing

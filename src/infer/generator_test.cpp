// What a request gives, whatever runs beside it.
#include "infer/generator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "base/rng.h"
#include "infer/test_support.h"
#include "models/test_forward.h"
#include "text/utf8.h"

namespace ondol::testing {
namespace {

GenerateRequest request_of(int64_t seed, double temperature = 3.0) {
  GenerateRequest request;
  request.prompt = some_ids(5 + seed * 17 % 90, seed);
  request.tokens_max = 20 + seed % 3 * 15;
  request.sampler = {.temperature = temperature, .seed = static_cast<uint64_t>(seed)};
  return request;
}

void expect_same(const GenerateResult& got, const GenerateResult& expected) {
  ASSERT_EQ(got.samples.size(), expected.samples.size());
  for (size_t i = 0; i < got.samples.size(); ++i) {
    EXPECT_EQ(got.samples[i].ids, expected.samples[i].ids) << "sample " << i;
    EXPECT_EQ(got.samples[i].text, expected.samples[i].text);
    EXPECT_EQ(got.samples[i].finish_reason, expected.samples[i].finish_reason);
  }
}

TEST(Generator, ThreadsAndPiecesOfThePromptChangeNoToken) {
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    std::vector<GenerateResult> expected;
    const auto plain = tiny_generator({.precision = precision});
    for (int64_t seed = 0; seed < 4; ++seed) expected.push_back(plain->generate(request_of(seed)));
    for (const int threads : {2, 3}) {
      const auto other = tiny_generator({.precision = precision}, threads);
      for (size_t s = 0; s < 4; ++s) {
        expect_same(other->generate(request_of(static_cast<int64_t>(s))), expected[s]);
      }
    }
    for (const int64_t piece : {1, 7, 64, 512}) {
      const auto other = tiny_generator({.precision = precision, .prefill_tokens_max = piece});
      for (size_t s = 0; s < 4; ++s) {
        expect_same(other->generate(request_of(static_cast<int64_t>(s))), expected[s]);
      }
    }
  }
}

TEST(Generator, CompanyInTheBatchChangesNoToken) {
  const auto alone = tiny_generator();
  const auto shared = tiny_generator({.prefill_tokens_max = 16});
  std::vector<GenerateResult> expected;
  for (int64_t seed = 0; seed < 5; ++seed) expected.push_back(alone->generate(request_of(seed)));
  Rng rng(7);
  for (int round = 0; round < 4; ++round) {
    std::vector<std::unique_ptr<Generation>> running;
    for (int64_t seed = 0; seed < 5; ++seed) {
      running.push_back(shared->submit(request_of(seed)));
      std::this_thread::sleep_for(std::chrono::microseconds(rng.below(3000)));
    }
    for (size_t i = 0; i < running.size(); ++i) expect_same(running[i]->wait(), expected[i]);
  }
}

TEST(Generator, EightThreadsMaySubmit) {
  const auto generator = tiny_generator();
  std::vector<GenerateResult> expected(8), got(8);
  for (size_t i = 0; i < 8; ++i) {
    expected[i] = generator->generate(request_of(static_cast<int64_t>(i)));
  }
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < 8; ++i) {
      threads.emplace_back(
          [&, i] { got[i] = generator->generate(request_of(static_cast<int64_t>(i))); });
    }
  }
  for (size_t i = 0; i < 8; ++i) expect_same(got[i], expected[i]);
}

TEST(Generator, ASampleIsTheSameHoweverManyAreDrawn) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(3);
  request.samples = 6;
  const GenerateResult six = generator->generate(request);
  ASSERT_EQ(six.samples.size(), 6U);
  EXPECT_EQ(six.usage.prompt_tokens, static_cast<int64_t>(some_ids(5 + 3 * 17 % 90, 3).size()));
  expect_same(generator->generate(request), six);
  for (const int64_t n : {1, 3}) {
    request.samples = n;
    GenerateResult first = six;
    first.samples.resize(static_cast<size_t>(n));
    expect_same(generator->generate(request), first);
  }
  for (size_t i = 1; i < 6; ++i) EXPECT_NE(six.samples[i].ids, six.samples[0].ids) << i;
}

TEST(Generator, GreedyIsTheArgmaxOfAPlainForward) {
  ThreadPool pool(1);
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const auto generator = tiny_generator({.precision = precision});
    for (int64_t seed = 0; seed < 3; ++seed) {
      const GenerateResult got = generator->generate(request_of(seed, 0));
      const GenerateRequest request = request_of(seed);
      EXPECT_EQ(got.samples[0].ids, greedy(*tiny_llama(), {pool, best_kernels(), precision},
                                           std::get<std::vector<TokenId>>(request.prompt),
                                           static_cast<size_t>(request.tokens_max)));
    }
  }
}

TEST(Generator, LogprobsAreThoseOfTheSameTextScored) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(1);
  request.logprobs = true;
  request.logprobs_top = 3;
  request.sampler.repetition_penalty = 1.5;  // what the model itself says is not touched
  request.sampler.logit_bias = ascii_only();
  const GenerateResult result = generator->generate(request);
  const GeneratedSample& sample = result.samples[0];
  auto ids = std::get<std::vector<TokenId>>(request.prompt);
  const size_t prompt_tokens = ids.size();
  ids.insert(ids.end(), sample.ids.begin(), sample.ids.end());
  const std::vector<double> scored = generator->token_log_likelihoods(ids);
  ASSERT_EQ(scored.size(), ids.size() - 1);
  ASSERT_EQ(sample.logprobs.size(), sample.ids.size());
  for (size_t i = 0; i < sample.ids.size(); ++i) {
    EXPECT_EQ(sample.logprobs[i].logprob, scored[prompt_tokens - 1 + i]);
    ASSERT_EQ(sample.logprobs[i].top.size(), 3U);
    EXPECT_GE(sample.logprobs[i].top[0].second, sample.logprobs[i].logprob);
    EXPECT_GE(sample.logprobs[i].top[0].second, sample.logprobs[i].top[1].second);
  }
}

TEST(Generator, StopStringsEndTheAnswerAndAreNoPartOfIt) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(2);
  request.tokens_max = 60;
  request.sampler.logit_bias = ascii_only();
  const std::string whole = generator->generate(request).samples[0].text;
  ASSERT_GT(whole.size(), 40U);
  for (const size_t length : {1, 2, 5}) {
    const std::string stop = whole.substr(30, length);
    request.stop = {"never said", stop};
    std::string streamed;
    request.on_text = [&](const StreamEvent& event) {
      streamed += event.text;
      return true;
    };
    const GeneratedSample sample = generator->generate(request).samples[0];
    EXPECT_EQ(sample.text, whole.substr(0, whole.find(stop)));
    EXPECT_EQ(streamed, sample.text);
    EXPECT_EQ(sample.finish_reason, "stop");
  }
}

TEST(Generator, TheEndTokenEndsAndIsNotInTheAnswer) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(2);
  const TokenId end = tiny_llama()->tokenizer->end_of_generation().at(0);
  request.sampler.logit_bias = {{end, 1000.0F}};
  const GenerateResult result = generator->generate(request);
  EXPECT_EQ(result.samples[0].finish_reason, "stop");
  EXPECT_TRUE(result.samples[0].ids.empty());
  EXPECT_EQ(result.samples[0].text, "");
}

TEST(Generator, LengthIsBoundByTheRequestAndByTheContext) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(2);
  request.sampler.logit_bias = ascii_only();
  request.tokens_max = 7;
  GenerateResult result = generator->generate(request);
  EXPECT_EQ(result.samples[0].ids.size(), 7U);
  EXPECT_EQ(result.samples[0].finish_reason, "length");
  EXPECT_EQ(result.usage.completion_tokens, 7);
  request.prompt = some_ids(250);
  request.tokens_max = 100;
  result = generator->generate(request);
  EXPECT_EQ(result.samples[0].ids.size(), 6U);
  EXPECT_EQ(result.samples[0].finish_reason, "length");
}

TEST(Generator, StreamedPiecesAreWholeCharactersAndTheText) {
  const auto generator = tiny_generator();
  for (int64_t seed = 0; seed < 6; ++seed) {
    GenerateRequest request = request_of(seed, 3.0);  // hot: bytes of all kinds
    request.tokens_max = 120;
    request.samples = 3;
    std::vector<std::string> streamed(3);
    request.on_text = [&](const StreamEvent& event) {
      EXPECT_TRUE(text::is_utf8(event.text)) << ::testing::PrintToString(event.text);
      EXPECT_FALSE(event.text.empty());
      streamed.at(static_cast<size_t>(event.sample)) += event.text;
      return true;
    };
    const GenerateResult result = generator->generate(request);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(streamed[i], result.samples[i].text);
  }
}

TEST(Generator, ChatPromptsGoThroughTheTemplate) {
  const auto generator = tiny_generator();
  const Prompt prompt{.messages = {{"user", "hello world", {}}}, .prefill = "a he"};
  EXPECT_EQ(generator->prompt_text(prompt), "hello world<|end|>a he");
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  std::vector<TokenId> expected = tokenizer.encode("hello world", {});
  expected.push_back(tokenizer.find("<|end|>").value());
  for (const TokenId id : tokenizer.encode("a he", {})) expected.push_back(id);
  EXPECT_EQ(generator->encode(prompt), expected);
  EXPECT_EQ(generator->count_tokens(prompt), static_cast<int64_t>(expected.size()));
  // What a user types is never a special token.
  const Prompt typed{.messages = {{"user", "<|end|>", {}}}, .prefill = {}};
  const auto ids = generator->encode(typed);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer.find("<|end|>").value()), 1);
}

// ---- score ----

TEST(GeneratorScore, GivesTheLogitsItJudgedBy) {
  const auto generator = tiny_generator();
  const auto ids = some_ids(150);
  std::vector<double> expected;
  const std::vector<double> scored =
      generator->token_log_likelihoods(ids, [&](std::span<const float> logits) {
        double sum = 0;
        for (const float value : logits) sum += std::exp(static_cast<double>(value));
        expected.push_back(
            static_cast<double>(logits[static_cast<size_t>(ids[expected.size() + 1])]) -
            std::log(sum));
        EXPECT_EQ(static_cast<int64_t>(logits.size()), tiny_llama()->info.vocabulary);
      });
  ASSERT_EQ(scored.size(), 149U);
  ASSERT_EQ(expected.size(), 149U);
  for (size_t i = 0; i < scored.size(); ++i) EXPECT_NEAR(scored[i], expected[i], 1e-5) << i;
}

TEST(GeneratorScore, AnErrorOfTheListenerEndsTheCallAlone) {
  const auto generator = tiny_generator();
  int calls = 0;
  const auto fail = [&](std::span<const float>) {
    if (++calls == 2) throw Error(ErrorCode::kResourceExhausted, "[test] the disk is full");
  };
  expect_error([&] { generator->token_log_likelihoods(some_ids(9), fail); },
               ErrorCode::kResourceExhausted, {"disk"});
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(generator->token_log_likelihoods(some_ids(9)).size(), 8U);
}

double tail_sum(LocalGenerator& generator, const std::vector<TokenId>& ids, size_t from) {
  const std::vector<double> all = generator.token_log_likelihoods(ids);
  return std::accumulate(all.begin() + static_cast<int64_t>(from) - 1, all.end(), 0.0);
}

TEST(GeneratorScore, IsTheSumOverTheContinuation) {
  const auto generator = tiny_generator();
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  const std::string prompt = "say hello to the";
  const std::vector<std::string> continuations = {" world", " he", " a b c", "!"};
  const auto all = generator->score({.prompt = RawText{prompt}, .continuations = continuations});
  ASSERT_EQ(all.size(), continuations.size());
  for (size_t c = 0; c < continuations.size(); ++c) {
    const auto before = tokenizer.encode(prompt, {.add_special = true});
    const auto whole = tokenizer.encode(prompt + continuations[c], {.add_special = true});
    size_t split = 0;
    while (split < before.size() && before[split] == whole[split]) ++split;
    EXPECT_NEAR(all[c].log_likelihood, tail_sum(*generator, whole, split), 1e-9);
    EXPECT_EQ(all[c].tokens, static_cast<int64_t>(whole.size() - split));
    const auto alone =
        generator->score({.prompt = RawText{prompt}, .continuations = {continuations[c]}});
    EXPECT_EQ(alone[0].log_likelihood, all[c].log_likelihood) << continuations[c];
    EXPECT_EQ(alone[0].greedy, all[c].greedy);
  }
}

TEST(GeneratorScore, WorksForIdsMessagesAndNoPromptAtAll) {
  const auto generator = tiny_generator();
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  std::vector<TokenId> ids = some_ids(70);
  const auto tail = tokenizer.encode(" world", {});
  const auto by_ids = generator->score({.prompt = ids, .continuations = {" world"}});
  ids.insert(ids.end(), tail.begin(), tail.end());
  EXPECT_NEAR(by_ids[0].log_likelihood, tail_sum(*generator, ids, 70), 1e-9);

  const Prompt chat{.messages = {{"user", "hello", {}}}, .prefill = "so:"};
  const auto by_chat = generator->score({.prompt = chat, .continuations = {" a", " b"}});
  const auto before = generator->encode(chat);
  Prompt longer = chat;
  longer.prefill += " a";
  EXPECT_NEAR(by_chat[0].log_likelihood,
              tail_sum(*generator, generator->encode(longer), before.size()), 1e-9);

  const auto from_nothing =
      generator->score({.prompt = std::vector<TokenId>{}, .continuations = {"hello"}});
  EXPECT_EQ(from_nothing[0].tokens, static_cast<int64_t>(tokenizer.encode("hello", {}).size()));
  EXPECT_LT(from_nothing[0].log_likelihood, 0);
  EXPECT_TRUE(generator->score({.prompt = RawText{"a"}, .continuations = {}}).empty());
}

TEST(GeneratorScore, AGreedyContinuationSaysSo) {
  const auto generator = tiny_generator();
  GenerateRequest request = request_of(0, 0);
  request.tokens_max = 1;
  const TokenId best = generator->generate(request).samples.at(0).ids.at(0);
  const auto prompt = std::get<std::vector<TokenId>>(request.prompt);
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  int greedy_ones = 0;
  for (TokenId id = 32; id < 127; ++id) {
    const std::string bytes = tokenizer.token_bytes(id);
    if (tokenizer.encode(bytes, {}) != std::vector<TokenId>{id}) continue;
    const bool greedy = generator->score({.prompt = prompt, .continuations = {bytes}})[0].greedy;
    EXPECT_EQ(greedy, id == best);
    greedy_ones += greedy;
  }
  EXPECT_LE(greedy_ones, 1);
}

TEST(GeneratorScore, ErrorsSayWhatIsWrong) {
  const auto generator = tiny_generator();
  const auto score = [&](PromptInput prompt, std::string text) {
    return [&generator, prompt = std::move(prompt), text = std::move(text)] {
      generator->score({.prompt = prompt, .continuations = {text}});
    };
  };
  expect_error(score(RawText{"a"}, ""), ErrorCode::kInvalidArgument, {"adds no token"});
  expect_error(score(some_ids(256), " he"), ErrorCode::kInvalidArgument, {"257", "256"});
  expect_error(score(std::vector<TokenId>{999}, "a"), ErrorCode::kInvalidArgument, {"999"});
  expect_error([&] { generator->token_log_likelihoods(some_ids(257)); },
               ErrorCode::kInvalidArgument, {"257", "256"});
  expect_error(
      [&] {
        generator->token_log_likelihoods(std::vector<TokenId>{1, 288, 2});
      },
      ErrorCode::kInvalidArgument, {"288"});
  expect_error(
      [&] {
        generator->token_log_likelihoods(std::vector<TokenId>{1, 2, -1});
      },
      ErrorCode::kInvalidArgument, {"-1"});
  EXPECT_TRUE(generator->token_log_likelihoods(std::vector<TokenId>{1}).empty());
}

}  // namespace
}  // namespace ondol::testing

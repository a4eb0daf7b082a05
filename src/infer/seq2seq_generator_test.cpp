// The generator of encoder-decoders against Hugging Face's generate() (tools/golden/t5.py) and
// against itself alone.
#include "infer/seq2seq_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

std::shared_ptr<const Model> tiny_t5(const std::string& name) { return load_tiny(name); }

std::unique_ptr<Seq2SeqGenerator> generator_of(const std::string& name, int threads = 1,
                                               Seq2SeqOptions options = {}) {
  return std::make_unique<Seq2SeqGenerator>(tiny_t5(name), std::make_unique<ThreadPool>(threads),
                                            options);
}

GenerateRequest drawn(int64_t samples) {
  GenerateRequest request{.prompt = RawText{"hello world"}, .tokens_max = 12, .samples = samples};
  request.sampler.temperature = 0.9;
  request.sampler.seed = 5;
  return request;
}

class TinySeq2Seq : public ::testing::TestWithParam<const char*> {};

TEST_P(TinySeq2Seq, GreedyTextIsThatOfHuggingFace) {
  const json expected =
      json::parse(read_file(golden_dir() / "models" / GetParam() / "expected.json"));
  for (const Precision precision : {Precision::kExact, Precision::kFast}) {
    const auto generator = generator_of(GetParam(), 2, {.precision = precision});
    const TokenId end = generator->model().encoder_decoder->end_token();
    for (const json& pair : expected["pairs"]) {
      GenerateRequest request;
      request.prompt = pair["source"].get<std::vector<TokenId>>();
      request.tokens_max = 30;
      std::vector<TokenId> want = pair["greedy"];
      const bool ended = want.back() == end;
      if (ended) want.pop_back();
      const GenerateResult result = generator->generate(std::move(request));
      EXPECT_EQ(result.samples[0].ids, want);
      EXPECT_EQ(result.samples[0].finish_reason, ended ? "stop" : "length");
    }
  }
}

TEST_P(TinySeq2Seq, SamplesOfABatchAreThoseOfSmallerBatchesAndOtherThreads) {
  const auto one = generator_of(GetParam()), two = generator_of(GetParam(), 2);
  const GenerateResult four = one->generate(drawn(4)), again = two->generate(drawn(4));
  const GenerateResult first = one->generate(drawn(1));
  EXPECT_EQ(four.samples[0].ids, first.samples[0].ids);
  EXPECT_NE(four.samples[0].ids, four.samples[1].ids);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(four.samples[i].ids, again.samples[i].ids);
  EXPECT_EQ(four.usage.completion_tokens, static_cast<int64_t>([&] {
              size_t sum = 0;
              for (const GeneratedSample& sample : four.samples) sum += sample.ids.size();
              return sum;
            }()));
}

TEST_P(TinySeq2Seq, LogprobsAreThoseOfScoring) {
  const auto generator = generator_of(GetParam());
  GenerateRequest request{.prompt = RawText{"the world"}, .tokens_max = 6, .logprobs = true};
  request.logprobs_top = 2;
  const GeneratedSample sample = generator->generate(std::move(request)).samples[0];
  double sum = 0;
  for (const TokenLogprob& token : sample.logprobs) {
    sum += token.logprob;
    EXPECT_EQ(token.top.size(), 2U);
    EXPECT_EQ(token.top[0].first, token.id) << "greedy";
  }
  const std::string text = generator->model().tokenizer->decode(sample.ids);
  const std::vector<TokenId> ids = generator->model().tokenizer->encode(text, {});
  if (ids != sample.ids) GTEST_SKIP() << "the text has another spelling";
  const Score score = generator->score({RawText{"the world"}, {text, "xyz"}})[0];
  EXPECT_NEAR(score.log_likelihood, sum, 1e-4);
  EXPECT_TRUE(score.greedy);
  EXPECT_EQ(score.tokens, static_cast<int64_t>(sample.ids.size()));
}

INSTANTIATE_TEST_SUITE_P(Files, TinySeq2Seq, ::testing::Values("t5_relu_tied", "t5_gated_untied"),
                         [](const auto& name) { return std::string(name.param); });

TEST(Seq2SeqGenerator, EndsTheSourceAndOneUserMessageIsTheSource) {
  const auto generator = generator_of("t5_gated_untied");
  const TokenId end = generator->model().encoder_decoder->end_token();
  const std::vector<TokenId> ids = generator->encode(RawText{"hello"});
  EXPECT_EQ(ids.back(), end);
  EXPECT_EQ(generator->encode(Prompt{.messages = {{"user", "hello", {}}}}), ids);
}

TEST(Seq2SeqGenerator, StopStringsStreamingAndCancelling) {
  const auto generator = generator_of("t5_gated_untied");
  std::string streamed;
  GenerateRequest request = drawn(1);
  request.on_text = [&](const StreamEvent& event) { return streamed += event.text, true; };
  const GeneratedSample whole = generator->generate(std::move(request)).samples[0];
  EXPECT_EQ(streamed, whole.text);
  GenerateRequest cancelled = drawn(1);
  cancelled.on_text = [](const StreamEvent&) { return false; };
  EXPECT_EQ(generator->generate(std::move(cancelled)).samples[0].finish_reason, "cancelled");
  GenerateRequest limited = drawn(1);
  limited.tokens_max = 3;
  EXPECT_EQ(generator->generate(std::move(limited)).samples[0].ids.size(), 3U);
}

TEST(Seq2SeqGenerator, WhatItCannotDoIsAnErrorInWords) {
  const auto generator = generator_of("t5_gated_untied", 1, {.source_tokens_max = 8});
  const auto words_of = [&](GenerateRequest request) {
    try {
      generator->generate(std::move(request));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(
      has(words_of({.prompt = Prompt{.messages = {{"system", "x", {}}, {"user", "y", {}}}}}),
          "reads one text and has no turns; got 2 messages"));
  EXPECT_TRUE(has(words_of({.prompt = Prompt{.messages = {{"user", "y", {}}}, .prefill = "so"}}),
                  "begun answer"));
  EXPECT_TRUE(has(words_of({.prompt = RawText{"far too long a source"}}), "expected 1 to 8"));
  EXPECT_TRUE(has(words_of({.prompt = RawText{"a"}, .tokens_max = 0}), "max tokens is 0"));
  EXPECT_THROW(Seq2SeqGenerator(tiny_llama(), std::make_unique<ThreadPool>(1), {}), Error);
  try {
    LocalGenerator(tiny_t5("t5_relu_tied"), std::make_unique<ThreadPool>(1), {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_TRUE(has(error.what(), "ondol run"));
  }
}

}  // namespace
}  // namespace ondol::testing

// What a request may not ask for, and how requests end before their time.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "infer/test_support.h"

#if defined(__SANITIZE_THREAD__)
// An error is thrown in the engine thread and read in the one that waits. Whoever drops it last
// deletes it; that count lies in libstdc++, which the sanitizer does not see into.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif

namespace ondol::testing {
namespace {

using std::chrono::milliseconds;

GenerateRequest long_request(int64_t seed = 0) {
  GenerateRequest request;
  request.prompt = some_ids(20, seed);
  request.tokens_max = 200;
  request.sampler = {
      .temperature = 1, .seed = static_cast<uint64_t>(seed), .logit_bias = ascii_only()};
  return request;
}

TEST(GeneratorErrors, NameWhatIsOutOfRange) {
  const auto generator = tiny_generator();
  const struct {
    std::function<void(GenerateRequest&)> change;
    std::vector<std::string> words;
  } rows[] = {
      {[](auto& r) { r.prompt = some_ids(300); }, {"300", "256"}},
      {[](auto& r) { r.prompt = some_ids(256); }, {"256 tokens"}},
      {[](auto& r) { r.prompt = std::vector<TokenId>{}; }, {"empty"}},
      {[](auto& r) { r.prompt = RawText{""}; }, {"empty"}},
      {[](auto& r) {
         r.prompt = std::vector<TokenId>{1, 288};
       },
       {"288"}},
      {[](auto& r) { r.prompt = std::vector<TokenId>{-1}; }, {"-1"}},
      {[](auto& r) { r.tokens_max = 0; }, {"max tokens is 0"}},
      {[](auto& r) { r.samples = 0; }, {"samples is 0", "64"}},
      {[](auto& r) { r.samples = 65; }, {"samples is 65", "64"}},
      {[](auto& r) {
         r.stop = {"a", ""};
       },
       {"stop string is empty"}},
      {[](auto& r) { r.stop.assign(17, "x"); }, {"17", "16"}},
      {[](auto& r) { r.logprobs_top = 21; }, {"21", "20"}},
      {[](auto& r) { r.sampler.temperature = -1; }, {"temperature", "-1"}},
      {[](auto& r) { r.sampler.top_p = 0; }, {"top_p"}},
  };
  for (const auto& row : rows) {
    GenerateRequest request = long_request();
    row.change(request);
    expect_error([&] { generator->submit(request); }, ErrorCode::kInvalidArgument, row.words);
  }
}

TEST(GeneratorErrors, OfTheModelAndItsOptions) {
  const auto bare = load_tiny("llama_tied");
  bare->chat_template.clear();
  LocalGenerator generator(bare, std::make_unique<ThreadPool>(1), {});
  GenerateRequest request = long_request();
  request.prompt = Prompt{.messages = {{"user", "hello", {}}}, .prefill = {}};
  expect_error([&] { generator.submit(request); }, ErrorCode::kUnsupported,
               {"no chat template", "--raw"});
  request.prompt = RawText{"hello"};
  EXPECT_EQ(generator.generate(request).samples.size(), 1U);
  expect_error([] { tiny_generator({.context_tokens_max = 257}); }, ErrorCode::kInvalidArgument,
               {"257", "256"});
  expect_error([] { LocalGenerator(load_tiny("bert"), std::make_unique<ThreadPool>(1), {}); },
               ErrorCode::kUnsupported, {"cannot generate", "bert"});
  const auto narrow = tiny_generator({.context_tokens_max = 30});
  request.prompt = some_ids(30);
  expect_error([&] { narrow->submit(request); }, ErrorCode::kInvalidArgument, {"30 tokens"});
}

TEST(GeneratorErrors, ARequestLargerThanTheMemoryIsRefusedAtOnce) {
  const auto generator = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 3});
  GenerateRequest request = long_request();
  request.samples = 5;
  expect_error([&] { generator->submit(request); }, ErrorCode::kResourceExhausted,
               {"MiB", "fewer samples"});
  request.samples = 1;
  request.tokens_max = 20;
  EXPECT_EQ(generator->generate(request).samples[0].ids.size(), 20U);
}

TEST(Generator, AQueueLongerThanTheMemoryIsWorkedOff) {
  const auto roomy = tiny_generator();
  const auto tight = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 8, .sequences_max = 3});
  std::vector<std::unique_ptr<Generation>> running;
  const auto request_of = [](int64_t i) {
    GenerateRequest request = long_request(i);
    request.tokens_max = 10 + i % 7 * 20;
    request.samples = 1 + i % 2;
    return request;
  };
  for (int64_t i = 0; i < 40; ++i) running.push_back(tight->submit(request_of(i)));
  for (int64_t i = 0; i < 40; ++i) {
    const GenerateResult got = running[static_cast<size_t>(i)]->wait();
    const GenerateResult expected = roomy->generate(request_of(i));
    ASSERT_EQ(got.samples.size(), expected.samples.size());
    for (size_t s = 0; s < got.samples.size(); ++s) {
      EXPECT_EQ(got.samples[s].ids, expected.samples[s].ids);
    }
  }
}

TEST(Generator, ScoresAndRequestsShareTheEngine) {
  const auto generator = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 8});
  const auto expected = generator->score({.prompt = RawText{"a"}, .continuations = {" b"}})[0];
  std::vector<std::unique_ptr<Generation>> running;
  for (int64_t i = 0; i < 10; ++i) running.push_back(generator->submit(long_request(i)));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          const auto got = generator->score({.prompt = RawText{"a"}, .continuations = {" b"}});
          EXPECT_EQ(got[0].log_likelihood, expected.log_likelihood);
        }
      });
    }
  }
  for (auto& generation : running) EXPECT_EQ(generation->wait().samples[0].ids.size(), 200U);
}

TEST(GeneratorCancel, FromAnotherThread) {
  const auto generator = tiny_generator();
  std::latch started(1), cancelled(1);
  std::atomic<bool> first{true};
  GenerateRequest request = long_request();
  request.on_text = [&](const StreamEvent&) {
    if (first.exchange(false)) {
      started.count_down();
      cancelled.wait();
    }
    return true;
  };
  const auto generation = generator->submit(request);
  started.wait();
  generation->cancel();
  cancelled.count_down();
  const GeneratedSample sample = generation->wait().samples.at(0);
  EXPECT_EQ(sample.finish_reason, "cancelled");
  EXPECT_GE(sample.ids.size(), 1U);
  EXPECT_LT(sample.ids.size(), 5U);
}

TEST(GeneratorCancel, ByTheCallbackAndNobodyElseNotices) {
  const auto generator = tiny_generator();
  const auto expected = generator->generate(long_request(1)).samples[0].ids;
  const auto other = generator->submit(long_request(1));
  GenerateRequest request = long_request(2);
  int events = 0;
  request.on_text = [&](const StreamEvent&) { return ++events < 3; };
  const GeneratedSample sample = generator->generate(request).samples[0];
  EXPECT_EQ(sample.finish_reason, "cancelled");
  EXPECT_EQ(events, 3);
  EXPECT_EQ(other->wait().samples[0].ids, expected);
}

TEST(GeneratorCancel, ACallbackThatThrowsFailsItsOwnRequestAlone) {
  const auto generator = tiny_generator();
  const auto expected = generator->generate(long_request(1)).samples[0].ids;
  const auto other = generator->submit(long_request(1));
  GenerateRequest request = long_request(2);
  request.samples = 2;
  request.on_text = [](const StreamEvent&) -> bool {
    throw Error(ErrorCode::kUnavailable, "the listener went away");
  };
  expect_error([&] { generator->generate(request); }, ErrorCode::kUnavailable,
               {"the listener went away"});
  EXPECT_EQ(other->wait().samples[0].ids, expected);
  request.on_text = nullptr;
  request.tokens_max = 5;
  request.on_sample = [](int64_t, const GeneratedSample&) -> bool {
    throw std::runtime_error("no vote");
  };
  EXPECT_THROW(generator->generate(request), std::runtime_error);
  EXPECT_EQ(generator->generate(long_request(1)).samples[0].ids, expected);
}

TEST(GeneratorCancel, OnSampleStopsTheOthers) {
  const auto generator = tiny_generator();
  GenerateRequest request = long_request();
  request.samples = 4;
  // A common letter ends the samples one by one.
  request.stop = {"e", "a", "7"};
  int ended = 0;
  request.on_sample = [&](int64_t sample, const GeneratedSample& result) {
    EXPECT_GE(sample, 0);
    EXPECT_NE(result.finish_reason, "cancelled");
    return ++ended < 2;
  };
  const GenerateResult result = generator->generate(request);
  ASSERT_EQ(result.samples.size(), 4U);
  int by_itself = 0;
  for (const GeneratedSample& sample : result.samples) {
    by_itself += sample.finish_reason != "cancelled";
  }
  EXPECT_EQ(ended, 2);
  EXPECT_GE(by_itself, 2);
}

TEST(GeneratorCancel, BeforeThePromptIsDoneGivesEverySample) {
  const auto generator = tiny_generator({.prefill_tokens_max = 1});
  GenerateRequest blocker = long_request();
  std::latch started(1), submitted(1);
  std::atomic<bool> first{true};
  blocker.on_text = [&](const StreamEvent&) {
    if (first.exchange(false)) {
      started.count_down();
      submitted.wait();
    }
    return true;
  };
  const auto one = generator->submit(blocker);
  started.wait();
  GenerateRequest request = long_request();
  request.samples = 3;
  const auto two = generator->submit(request);
  two->cancel();
  submitted.count_down();
  const GenerateResult result = two->wait();
  ASSERT_EQ(result.samples.size(), 3U);
  for (const auto& sample : result.samples) EXPECT_EQ(sample.finish_reason, "cancelled");
  EXPECT_EQ(one->wait().samples[0].ids.size(), 200U);
}

TEST(GeneratorCancel, AHandleThatGoesAwayCancels) {
  const auto generator = tiny_generator();
  GenerateRequest request = long_request();
  std::atomic<int> events{0};
  request.on_text = [&](const StreamEvent&) {
    ++events;
    std::this_thread::sleep_for(milliseconds(1));
    return true;
  };
  { const auto generation = generator->submit(request); }
  generator->generate(long_request(1));
  EXPECT_LT(events.load(), 150);
}

TEST(GeneratorCancel, DestroyingTheGeneratorEndsWhatRuns) {
  auto generator = tiny_generator({.sequences_max = 3});
  std::latch started(1);
  std::atomic<bool> first{true};
  std::vector<std::unique_ptr<Generation>> running;
  for (int64_t i = 0; i < 8; ++i) {
    GenerateRequest request = long_request(i);
    request.on_text = [&](const StreamEvent&) {
      if (first.exchange(false)) started.count_down();
      std::this_thread::sleep_for(milliseconds(2));
      return true;
    };
    running.push_back(generator->submit(request));
  }
  started.wait();
  generator.reset();
  for (auto& generation : running) {
    expect_error([&] { generation->wait(); }, ErrorCode::kCancelled, {"stopped"});
  }
}

}  // namespace
}  // namespace ondol::testing

// Who runs when, and with which pages: nothing of it may show in a result.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <mutex>
#include <thread>

#include "base/rng.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int64_t kRequests = 300;
#else
constexpr int64_t kRequests = 2000;
#endif

// A request and how it is disturbed.
struct Disturbed {
  GenerateRequest request;
  int64_t events_until_cancel = -1;  // by the callback; -1: never
  bool cancelled_by_handle = false;
};

// Prompts are beginnings of a few texts with an end of their own, so that many begin alike.
Disturbed random_request(uint64_t seed) {
  Rng rng(seed + 1000);
  Disturbed made;
  GenerateRequest& request = made.request;
  std::vector<TokenId> prompt =
      some_ids(static_cast<int64_t>(rng.below(200)), static_cast<int64_t>(rng.below(4)));
  const auto own = some_ids(1 + static_cast<int64_t>(rng.below(30)), static_cast<int64_t>(seed));
  if (rng.below(4) != 0) prompt.insert(prompt.end(), own.begin(), own.end());
  if (prompt.empty()) prompt = own;
  request.prompt = std::move(prompt);
  request.tokens_max = 1 + static_cast<int64_t>(rng.below(rng.below(10) == 0 ? 150 : 12));
  request.priority = static_cast<int>(rng.below(5)) - 2;
  request.sampler.temperature = rng.below(3) == 0 ? 0.0 : 25.0;
  request.sampler.seed = rng.below(1000);
  if (rng.below(5) == 0) request.samples = 2 + static_cast<int64_t>(rng.below(3));
  if (rng.below(4) == 0) request.stop = {"e", "12"};
  if (rng.below(8) == 0) made.events_until_cancel = static_cast<int64_t>(rng.below(6));
  made.cancelled_by_handle = rng.below(12) == 0;
  return made;
}

// What was asked for in full, or a beginning of it where it was cancelled.
void expect_as_alone(const GenerateResult& got, const GenerateResult& alone, bool disturbed) {
  ASSERT_EQ(got.samples.size(), alone.samples.size());
  for (size_t s = 0; s < got.samples.size(); ++s) {
    const GeneratedSample& mine = got.samples[s];
    const GeneratedSample& expected = alone.samples[s];
    if (mine.finish_reason == "cancelled") {
      EXPECT_TRUE(disturbed);
      ASSERT_LE(mine.ids.size(), expected.ids.size());
      EXPECT_TRUE(std::equal(mine.ids.begin(), mine.ids.end(), expected.ids.begin()));
    } else {
      EXPECT_EQ(mine.ids, expected.ids);
      EXPECT_EQ(mine.text, expected.text);
      EXPECT_EQ(mine.finish_reason, expected.finish_reason);
    }
  }
}

void expect_no_page_lost(LocalGenerator& generator) {
  LocalGeneratorStats stats = generator.stats();
  EXPECT_EQ(stats.pages_in_use, stats.pages_cached);
  EXPECT_LE(stats.pages_peak, stats.pages_max);
  generator.clear_prefix_cache();
  stats = generator.stats();
  EXPECT_EQ(stats.pages_in_use, 0);
  EXPECT_EQ(stats.pages_cached, 0);
}

// Submits all, cancels some of them meanwhile, and compares with `alone`.
void expect_all_as_alone(LocalGenerator& generator, std::vector<Disturbed> requests,
                         const std::vector<GenerateResult>& alone) {
  std::vector<std::unique_ptr<Generation>> running;
  std::vector<std::atomic<int64_t>> events(requests.size());
  Rng rng(99);
  for (size_t i = 0; i < requests.size(); ++i) {
    GenerateRequest request = requests[i].request;
    if (const int64_t until = requests[i].events_until_cancel; until >= 0) {
      request.on_text = [&events, i, until](const StreamEvent&) { return events[i]++ < until; };
    }
    running.push_back(generator.submit(std::move(request)));
    const size_t other = rng.below(running.size());
    if (requests[other].cancelled_by_handle) running[other]->cancel();
    if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(rng.below(2000)));
  }
  for (size_t i = 0; i < running.size(); ++i) {
    SCOPED_TRACE("request " + std::to_string(i));
    const bool disturbed = requests[i].cancelled_by_handle || requests[i].events_until_cancel >= 0;
    expect_as_alone(running[i]->wait(), alone[i], disturbed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Scheduler, RandomRequestsGiveWhatTheyGiveAlone) {
  std::vector<Disturbed> requests;
  std::vector<GenerateResult> alone;
  const auto plain = tiny_generator({.prefix_cache = false});
  for (int64_t i = 0; i < kRequests; ++i) {
    requests.push_back(random_request(static_cast<uint64_t>(i)));
    alone.push_back(plain->generate(requests.back().request));
    EXPECT_EQ(alone.back().usage.cached_tokens, 0);
  }
  EXPECT_EQ(plain->stats().pages_in_use, 0);
  const auto tight = tiny_generator(
      {.kv_bytes_max = tiny_page_bytes() * 20, .prefill_tokens_max = 100, .sequences_max = 20}, 2);
  expect_all_as_alone(*tight, requests, alone);
  EXPECT_GT(tight->stats().evictions, 0);
  EXPECT_LT(tight->stats().prompt_tokens_computed, plain->stats().prompt_tokens_computed / 2);
  expect_no_page_lost(*tight);
}

TEST(Scheduler, WithoutAPrefixCacheTheSameInTheSameMemory) {
  std::vector<Disturbed> requests;
  std::vector<GenerateResult> alone;
  const auto plain = tiny_generator();
  for (uint64_t i = 0; i < 200; ++i) {
    requests.push_back(random_request(i + 5000));
    alone.push_back(plain->generate(requests.back().request));
  }
  const auto tight = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 20,
                                     .prefill_tokens_max = 37,
                                     .sequences_max = 20,
                                     .prefix_cache = false});
  expect_all_as_alone(*tight, requests, alone);
  EXPECT_EQ(tight->stats().pages_cached, 0);
  expect_no_page_lost(*tight);
}

TEST(Scheduler, PoolsOfAllSizesAndStepsOfAllSizes) {
  std::vector<Disturbed> requests;
  std::vector<GenerateResult> alone;
  const auto plain = tiny_generator({.prefix_cache = false});
  for (uint64_t i = 0; i < 80; ++i) {
    requests.push_back(random_request(i + 9000));
    alone.push_back(plain->generate(requests.back().request));
  }
  const struct {
    size_t pages, cached;  // 16 pages: the largest request alone
    int64_t prefill, sequences;
  } rows[] = {
      {16, 16, 7, 64}, {16, 2, 64, 5}, {17, 17, 512, 64}, {24, 5, 130, 1}, {200, 200, 33, 64}};
  for (const auto& row : rows) {
    SCOPED_TRACE(std::to_string(row.pages) + " pages, steps of " + std::to_string(row.prefill));
    const auto generator = tiny_generator({.kv_bytes_max = tiny_page_bytes() * row.pages,
                                           .prefill_tokens_max = row.prefill,
                                           .sequences_max = row.sequences,
                                           .prefix_bytes_max = tiny_page_bytes() * row.cached});
    expect_all_as_alone(*generator, requests, alone);
    EXPECT_LE(generator->stats().pages_cached, static_cast<int64_t>(row.cached));
    expect_no_page_lost(*generator);
  }
}

GenerateRequest plain_request(int64_t seed, int64_t prompt_tokens, int64_t tokens) {
  GenerateRequest request;
  request.prompt = some_ids(prompt_tokens, seed);
  request.tokens_max = tokens;
  request.sampler = {
      .temperature = 25, .seed = static_cast<uint64_t>(seed), .logit_bias = ascii_only()};
  return request;
}

TEST(Scheduler, WhoIsPreemptedGoesOnWhereHeStopped) {
  for (const bool cache : {true, false}) {
    const auto roomy = tiny_generator();
    // Each grows from 1 to 4 pages, three to six are admitted at once, and 6 pages there are.
    const auto tight =
        tiny_generator({.kv_bytes_max = tiny_page_bytes() * 6, .prefix_cache = cache});
    std::vector<std::unique_ptr<Generation>> running;
    const auto request_of = [](int64_t i) {
      GenerateRequest request = plain_request(i, 20, 200);
      request.logprobs = true;
      request.sampler.repetition_penalty = 1.3;
      return request;
    };
    for (int64_t i = 0; i < 5; ++i) running.push_back(tight->submit(request_of(i)));
    for (int64_t i = 0; i < 5; ++i) {
      const GenerateResult got = running[static_cast<size_t>(i)]->wait();
      const GenerateResult expected = roomy->generate(request_of(i));
      EXPECT_EQ(got.samples[0].ids, expected.samples[0].ids);
      EXPECT_EQ(got.samples[0].text, expected.samples[0].text);
      ASSERT_EQ(got.samples[0].logprobs.size(), expected.samples[0].logprobs.size());
      for (size_t t = 0; t < 200; ++t) {
        EXPECT_EQ(got.samples[0].logprobs[t].logprob, expected.samples[0].logprobs[t].logprob);
      }
    }
    EXPECT_GT(tight->stats().preemptions, 0);
    EXPECT_LE(tight->stats().pages_peak, 6);
    expect_no_page_lost(*tight);
  }
}

TEST(Scheduler, SamplesOfOneRequestComeBackTogether) {
  const auto roomy = tiny_generator();
  const auto tight = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 12});
  const auto request_of = [](int64_t i) {
    GenerateRequest request = plain_request(i, 70, 120);
    request.samples = 3;  // 1 shared page and 3 x 2 of their own
    return request;
  };
  std::vector<std::unique_ptr<Generation>> running;
  for (int64_t i = 0; i < 6; ++i) running.push_back(tight->submit(request_of(i % 2)));
  for (int64_t i = 0; i < 6; ++i) {
    const GenerateResult got = running[static_cast<size_t>(i)]->wait();
    expect_as_alone(got, roomy->generate(request_of(i % 2)), false);
  }
  EXPECT_GT(tight->stats().preemptions, 0);
  expect_no_page_lost(*tight);
}

// Holds the engine inside a callback until everything is queued.
class Gate {
 public:
  explicit Gate(LocalGenerator& generator) {
    GenerateRequest request = plain_request(77, 5, 3);
    request.priority = kPriorityMax;
    request.on_text = [this](const StreamEvent&) {
      if (!inside_.try_wait()) inside_.count_down();
      open_.wait();
      return true;
    };
    blocker_ = generator.submit(std::move(request));
    inside_.wait();
  }
  void open() {
    open_.count_down();
    blocker_->wait();
  }

 private:
  std::latch inside_{1}, open_{1};
  std::unique_ptr<Generation> blocker_;
};

// The order in which requests, told by `names`, end.
class Finishing {
 public:
  void watch(GenerateRequest& request, std::string name) {
    request.on_sample = [this, name = std::move(name)](int64_t, const GeneratedSample&) {
      std::lock_guard lock(mutex_);
      names_ += name;
      return true;
    };
  }
  std::string names() {
    std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  std::mutex mutex_;
  std::string names_;
};

TEST(Scheduler, HigherPrioritiesFirstAndInOrderWithin) {
  const auto generator = tiny_generator({.sequences_max = 1});
  Finishing finishing;
  std::vector<std::unique_ptr<Generation>> running;
  Gate gate(*generator);
  for (const auto& [name, priority] : std::vector<std::pair<std::string, int>>{
           {"c", 0}, {"e", -3}, {"a", 5}, {"d", 0}, {"b", 5}}) {
    GenerateRequest request = plain_request(running.size(), 20, 4);
    request.priority = priority;
    finishing.watch(request, name);
    running.push_back(generator->submit(std::move(request)));
  }
  gate.open();
  for (auto& generation : running) generation->wait();
  EXPECT_EQ(finishing.names(), "abcde");
}

TEST(Scheduler, AHigherPriorityTakesThePlaceOfALowerOne) {
  const auto generator = tiny_generator({.sequences_max = 1});
  const auto expected = generator->generate(plain_request(1, 90, 150)).samples[0].ids;
  generator->clear_prefix_cache();
  Finishing finishing;
  std::latch begun(1);
  std::atomic<bool> first{true};
  GenerateRequest low = plain_request(1, 90, 150);
  low.priority = -1;
  finishing.watch(low, "low ");
  std::latch queued(1);
  low.on_text = [&](const StreamEvent&) {
    if (first.exchange(false)) {
      begun.count_down();
      queued.wait();
    }
    return true;
  };
  const auto one = generator->submit(low);
  begun.wait();
  GenerateRequest high = plain_request(2, 20, 10);
  finishing.watch(high, "high ");
  const auto two = generator->submit(high);
  queued.count_down();
  two->wait();
  EXPECT_EQ(one->wait().samples[0].ids, expected);
  EXPECT_EQ(finishing.names(), "high low ");
  EXPECT_EQ(generator->stats().preemptions, 1);
  // What it had computed was still there.
  EXPECT_LE(generator->stats().prompt_tokens_computed, 90 + 20 + 90 + 64);
}

TEST(Scheduler, NobodyWaitsForEver) {
  constexpr size_t kAlwaysThere = 20, kHighMax = 400;
  const auto generator = tiny_generator({.sequences_max = 1});
  Finishing finishing;
  std::vector<std::unique_ptr<Generation>> high;
  const auto submit = [&](int priority, const char* name) {
    GenerateRequest request = plain_request(3, 10, 10);
    request.priority = priority;
    finishing.watch(request, name);
    return generator->submit(std::move(request));
  };
  Gate gate(*generator);
  const auto low = submit(-2, "l");
  while (high.size() < kAlwaysThere) high.push_back(submit(2, "h"));
  gate.open();
  // For each that ends another of the higher priority comes: the queue is never empty of them.
  for (size_t i = 0; high.size() < kHighMax && finishing.names().find('l') == std::string::npos;
       ++i) {
    high[i]->wait();
    high.push_back(submit(2, "h"));
  }
  low->wait();
  for (const auto& each : high) each->cancel();
  const size_t before = finishing.names().find('l');
  EXPECT_GE(before, kAlwaysThere);  // those that came together with it go first
  EXPECT_LT(before, kHighMax - kAlwaysThere);
}

TEST(Scheduler, ALongPromptDoesNotHoldUpAShortOne) {
  const auto generator = tiny_generator({.prefill_tokens_max = 16});
  Finishing finishing;
  Gate gate(*generator);
  GenerateRequest large = plain_request(1, 240, 1);
  finishing.watch(large, "large ");
  GenerateRequest small = plain_request(2, 20, 1);
  finishing.watch(small, "small ");
  const auto one = generator->submit(large);
  const auto two = generator->submit(small);
  gate.open();
  one->wait();
  two->wait();
  EXPECT_EQ(finishing.names(), "small large ");
}

TEST(Scheduler, WhoIsCancelledInTheQueueEndsThere) {
  const auto generator = tiny_generator({.sequences_max = 1});
  GenerateRequest slow = plain_request(1, 10, 200);
  std::atomic<int> events{0};
  slow.on_text = [&](const StreamEvent&) {
    ++events;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  };
  const auto running = generator->submit(slow);
  GenerateRequest queued = plain_request(2, 10, 200);
  queued.samples = 2;
  const auto waiting = generator->submit(queued);
  waiting->cancel();
  const GenerateResult result = waiting->wait();
  EXPECT_LT(events, 200);
  ASSERT_EQ(result.samples.size(), 2U);
  EXPECT_EQ(result.samples[1].finish_reason, "cancelled");
  EXPECT_EQ(running->wait().samples[0].ids.size(), 200U);
}

TEST(Scheduler, PrioritiesHaveBounds) {
  const auto generator = tiny_generator();
  GenerateRequest request = plain_request(1, 10, 1);
  request.priority = kPriorityMax + 1;
  expect_error([&] { generator->submit(request); }, ErrorCode::kInvalidArgument,
               {"priority is 101", "100"});
  request.priority = -kPriorityMax;
  EXPECT_EQ(generator->generate(request).samples.size(), 1U);
}

}  // namespace
}  // namespace ondol::testing

// The tree of cached beginnings: what it finds, what it holds, what it gives back.
#include "infer/prefix_cache.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

using infer::Chain;
using infer::pages_for;
using infer::PrefixCache;
using infer::Tokens;

constexpr KvShape kShape{.layers = 1, .kv_heads = 1, .head_width = 2};
const size_t kPageBytes = KvPool(kShape, 0).page_bytes();

struct PoolAndCache {
  explicit PoolAndCache(size_t pages, size_t cached)
      : pool(kShape, pages * kPageBytes), cache(pool, cached * kPageBytes, nullptr) {}
  KvPool pool;
  PrefixCache cache;

  // As a request would: what is known, then the rest; returns the tokens that were known.
  int64_t run(const std::vector<TokenId>& tokens) {
    Chain chain(pool);
    const int64_t won = cache.extend(chain, tokens);
    cache.make_room(pages_for(static_cast<int64_t>(tokens.size())) - chain.pages.size());
    chain.pages.grow_to(static_cast<int64_t>(tokens.size()));
    chain.tokens = static_cast<int64_t>(tokens.size());
    cache.finish(std::move(chain), tokens);
    return won;
  }
};

std::vector<TokenId> joined(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(PrefixCache, FindsTheLongestKnownBeginning) {
  PoolAndCache two(100, 100);
  const auto text = some_ids(200);
  EXPECT_EQ(two.run(text), 0);
  EXPECT_EQ(two.cache.pages(), 4);  // three full ones and 8 tokens
  EXPECT_EQ(two.run(text), 200);
  EXPECT_EQ(two.run({text.begin(), text.begin() + 150}), 150);
  EXPECT_EQ(two.run({text.begin(), text.begin() + 64}), 64);
  EXPECT_EQ(two.run({text.begin(), text.begin() + 20}), 20);
  EXPECT_EQ(two.run({text.begin(), text.begin() + 7}), 0);  // not worth a copy
  const auto other = some_ids(100, 9);
  EXPECT_EQ(two.run(joined({text.begin(), text.begin() + 130}, other)), 130 - 2);
  EXPECT_EQ(two.run(joined({text.begin(), text.begin() + 140}, other)), 140);
  EXPECT_EQ(two.run(other), 0);
  EXPECT_EQ(static_cast<int64_t>(two.pool.pages_in_use()), two.cache.pages());
}

TEST(PrefixCache, ALongerTextReplacesThePartOfItsPage) {
  PoolAndCache two(100, 100);
  const auto text = some_ids(64);
  int64_t known = 0;
  for (const int64_t count : {10, 30, 50, 63}) {
    EXPECT_EQ(two.run({text.begin(), text.begin() + count}), known);
    EXPECT_EQ(two.cache.pages(), 1);
    known = count;
  }
  two.run(text);
  EXPECT_EQ(two.cache.pages(), 1);
  two.run({text.begin(), text.begin() + 40});  // known within a longer one: nothing is added
  EXPECT_EQ(two.cache.pages(), 1);
}

TEST(PrefixCache, TheSamePageComputedTwiceIsHeldOnce) {
  PoolAndCache two(100, 100);
  const auto text = some_ids(128);
  std::vector<Chain> chains;
  for (int i = 0; i < 3; ++i) {
    Chain& chain = chains.emplace_back(two.pool);
    chain.pages.grow_to(128);
    chain.tokens = 128;
  }
  EXPECT_EQ(two.pool.pages_in_use(), 6U);
  for (Chain& chain : chains) two.cache.keep(chain, text);
  EXPECT_EQ(two.pool.pages_in_use(), 2U);
  EXPECT_EQ(two.cache.pages_evictable(), 0);
  EXPECT_EQ(two.cache.pages_shared_now(two.cache.root(""), text), 2);
  EXPECT_FALSE(two.cache.make_room(99));
  chains.clear();
  EXPECT_EQ(two.cache.pages_evictable(), 2);
  EXPECT_EQ(two.cache.pages_shared_now(two.cache.root(""), text), 0);
  EXPECT_TRUE(two.cache.make_room(99));
  EXPECT_EQ(two.cache.pages(), 1);
}

TEST(PrefixCache, TheLongestUnusedGoesFirstAndLeavesBeforeTheirRoots) {
  PoolAndCache two(6, 6);
  const auto a = some_ids(128, 1), b = some_ids(128, 2), c = some_ids(128, 3);
  two.run(a);
  two.run(b);
  two.run(c);
  two.run(a);  // now b is the oldest
  EXPECT_TRUE(two.cache.make_room(1));
  EXPECT_EQ(two.cache.pages_evictable(), 5);
  Chain chain(two.pool);
  EXPECT_EQ(two.cache.extend(chain, b), 64);
  EXPECT_TRUE(two.cache.make_room(2));  // c's leaf; b's root is in use
  EXPECT_TRUE(two.cache.make_room(3));
  Chain whole(two.pool);
  EXPECT_EQ(two.cache.extend(whole, a), 128);
  EXPECT_FALSE(two.cache.make_room(4));
}

TEST(PrefixCache, KeepsToItsBudget) {
  PoolAndCache two(50, 4);
  for (int64_t i = 0; i < 20; ++i) {
    two.run(some_ids(200, i));
    EXPECT_LE(two.cache.pages(), 4);
    EXPECT_EQ(static_cast<int64_t>(two.pool.pages_in_use()), two.cache.pages());
  }
  two.cache.clear();
  EXPECT_EQ(two.pool.pages_in_use(), 0U);
  PoolAndCache off(50, 0);
  off.run(some_ids(200));
  EXPECT_EQ(off.run(some_ids(200)), 0);
  EXPECT_EQ(off.pool.pages_in_use(), 0U);
}

TEST(PrefixCache, AForkStandsAtItsOwnPlaceInTheTree) {
  PoolAndCache two(50, 50);
  const auto text = some_ids(200);
  Chain root(two.pool);
  root.pages.grow_to(200);
  root.tokens = 200;
  two.cache.keep(root, text);
  Chain fork = root.fork(70);
  EXPECT_EQ(fork.node->depth, 1);
  const auto other = joined({text.begin(), text.begin() + 70}, some_ids(90, 8));
  fork.pages.grow_to(160);
  fork.tokens = 160;
  two.cache.finish(std::move(fork), other);
  two.cache.finish(std::move(root), text);
  EXPECT_EQ(two.run(other), 160);
  EXPECT_EQ(two.run(text), 200);
  EXPECT_EQ(static_cast<int64_t>(two.pool.pages_in_use()), two.cache.pages());
}

// Against a plain list of what was put in: as long as nothing was evicted, the cache finds at least
// the whole pages of the best match and never more than truly agrees.
TEST(PrefixCache, RandomTextsAgainstAList) {
  PoolAndCache two(4000, 4000);
  std::vector<std::vector<TokenId>> known;
  Rng rng(3);
  for (int round = 0; round < 400; ++round) {
    std::vector<TokenId> text;
    if (!known.empty() && rng.below(4) != 0) {
      const auto& base = known[rng.below(known.size())];
      text.assign(base.begin(), base.begin() + static_cast<int64_t>(rng.below(base.size() + 1)));
    }
    const auto own = some_ids(static_cast<int64_t>(rng.below(150)), round);
    text.insert(text.end(), own.begin(), own.end());
    if (text.empty()) continue;
    int64_t best = 0;
    for (const auto& other : known) {
      const auto end = std::mismatch(text.begin(), text.end(), other.begin(), other.end()).first;
      best = std::max(best, static_cast<int64_t>(end - text.begin()));
    }
    const int64_t won = two.run(text);
    EXPECT_LE(won, best);
    EXPECT_GE(won, best / kPageTokens * kPageTokens);
    if (best % kPageTokens >= 8) {
      EXPECT_EQ(won, best);
    }
    known.push_back(text);
  }
  EXPECT_EQ(static_cast<int64_t>(two.pool.pages_in_use()), two.cache.pages());
  // No page is in the tree twice: as many pages as different beginnings of whole pages, and tails.
  std::set<std::vector<TokenId>> whole;
  for (const auto& text : known) {
    for (size_t end = kPageTokens; end <= text.size(); end += kPageTokens) {
      whole.insert({text.begin(), text.begin() + static_cast<int64_t>(end)});
    }
  }
  EXPECT_GE(two.cache.pages(), static_cast<int64_t>(whole.size()));
  EXPECT_LE(two.cache.pages(), static_cast<int64_t>(whole.size() + known.size()));
  two.cache.clear();
  EXPECT_EQ(two.pool.pages_in_use(), 0U);
}

// ---- through the generator ----

GenerateRequest ask(std::vector<TokenId> prompt, int64_t tokens = 8) {
  GenerateRequest request;
  request.prompt = std::move(prompt);
  request.tokens_max = tokens;
  request.sampler = {.temperature = 25, .logit_bias = ascii_only()};
  return request;
}

TEST(PrefixCache, CachedTokensAreCountedAndChangeNoResult) {
  const auto with = tiny_generator();
  const auto without = tiny_generator({.prefix_cache = false});
  const auto passages = some_ids(150);
  const auto expect_cached = [&](const std::vector<TokenId>& prompt, int64_t cached) {
    const GenerateResult got = with->generate(ask(prompt));
    const GenerateResult expected = without->generate(ask(prompt));
    EXPECT_EQ(got.samples[0].ids, expected.samples[0].ids);
    EXPECT_EQ(got.usage.prompt_tokens, static_cast<int64_t>(prompt.size()));
    EXPECT_EQ(got.usage.cached_tokens, cached);
    EXPECT_EQ(expected.usage.cached_tokens, 0);
  };
  const auto first = joined(passages, some_ids(20, 1));
  expect_cached(first, 0);
  expect_cached(first, 169);  // the last token of the prompt is always computed
  const auto second = joined(passages, some_ids(21, 2));
  expect_cached(second, 150);
  // A conversation goes on: the answer is known, too, but for its last token.
  auto third = joined(first, without->generate(ask(first)).samples[0].ids);
  expect_cached(joined(third, some_ids(10, 5)), 177);
  with->clear_prefix_cache();
  expect_cached(second, 0);
}

TEST(PrefixCache, PromptsThatBeginAlikeAndComeTogetherAreComputedOnce) {
  const auto with = tiny_generator({.prefill_tokens_max = 64});
  const auto without = tiny_generator({.prefix_cache = false});
  const auto shots = some_ids(192);
  std::vector<std::unique_ptr<Generation>> running;
  const auto prompt_of = [&](int64_t i) { return joined(shots, some_ids(10, i + 1)); };
  for (int64_t i = 0; i < 8; ++i) running.push_back(with->submit(ask(prompt_of(i))));
  for (int64_t i = 0; i < 8; ++i) {
    const GenerateResult expected = without->generate(ask(prompt_of(i)));
    EXPECT_EQ(running[static_cast<size_t>(i)]->wait().samples[0].ids, expected.samples[0].ids);
  }
  EXPECT_LE(with->stats().prompt_tokens_computed, 192 + 8 * 10);
}

TEST(PrefixCache, ScoresShareIt) {
  const auto with = tiny_generator();
  const auto without = tiny_generator({.prefix_cache = false});
  const auto shots = some_ids(140);
  for (int64_t i = 0; i < 5; ++i) {
    const ScoreRequest request{.prompt = joined(shots, some_ids(12, i)),
                               .continuations = {" world", " he", "!"}};
    const auto got = with->score(request);
    const auto expected = without->score(request);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t c = 0; c < got.size(); ++c) {
      EXPECT_EQ(got[c].log_likelihood, expected[c].log_likelihood);
      EXPECT_EQ(got[c].greedy, expected[c].greedy);
    }
  }
  EXPECT_GT(with->stats().pages_cached, 2);
  EXPECT_EQ(without->stats().pages_in_use, 0);
  // Room for one request, filled with other texts before.
  const auto tight = tiny_generator({.kv_bytes_max = tiny_page_bytes() * 7});
  for (int64_t i = 0; i < 5; ++i) {
    const ScoreRequest request{.prompt = some_ids(140, i), .continuations = {" world", " he"}};
    EXPECT_EQ(tight->score(request)[1].log_likelihood, without->score(request)[1].log_likelihood);
    EXPECT_EQ(tight->token_log_likelihoods(some_ids(250, i)).size(), 249U);
  }
}

}  // namespace
}  // namespace ondol::testing

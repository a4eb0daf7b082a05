// Guessing ahead changes no token, whatever is sampled and whoever else is there.
#include <gtest/gtest.h>

#include "base/rng.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

void expect_same(const GenerateResult& got, const GenerateResult& expected, int64_t name) {
  ASSERT_EQ(got.samples.size(), expected.samples.size());
  for (size_t i = 0; i < got.samples.size(); ++i) {
    const GeneratedSample &a = got.samples[i], &b = expected.samples[i];
    EXPECT_EQ(a.ids, b.ids) << "request " << name << " sample " << i;
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.finish_reason, b.finish_reason);
    ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
    for (size_t t = 0; t < a.logprobs.size(); ++t) {
      EXPECT_EQ(a.logprobs[t].logprob, b.logprobs[t].logprob);
      EXPECT_EQ(a.logprobs[t].top, b.logprobs[t].top);
    }
  }
}

// A text that repeats itself, so that there is something to guess from the first token on.
std::vector<TokenId> repetitive_ids(int64_t seed) {
  Rng rng(static_cast<uint64_t>(seed));
  std::vector<TokenId> part, ids;
  for (uint64_t i = 0; i < 4 + rng.below(9); ++i) {
    part.push_back(static_cast<TokenId>(rng.below(256)));
  }
  while (ids.size() < 20 + rng.below(80)) ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

const std::vector<SamplerOptions>& samplers() {
  // Bias towards a few tokens makes drawn texts repeat pairs, too.
  static const std::map<TokenId, float> kFew = {{70, 9}, {71, 9}, {72, 8}, {99, 8}, {3, 7}};
  static const std::vector<SamplerOptions> kAll = {
      {},
      {.repetition_penalty = 1.2},
      {.frequency_penalty = 0.5, .logit_bias = kFew},
      {.temperature = 1.0, .logit_bias = kFew},
      {.temperature = 0.3, .top_k = 3},
      {.temperature = 0.8, .top_p = 0.7, .logit_bias = kFew},
      {.temperature = 1.0, .min_p = 0.1, .presence_penalty = 0.4, .logit_bias = kFew},
  };
  return kAll;
}

GenerateRequest request_of(int64_t seed) {
  GenerateRequest request;
  request.prompt = repetitive_ids(seed);
  request.tokens_max = 10 + seed * 29 % 110;
  request.sampler = samplers()[static_cast<size_t>(seed) % samplers().size()];
  request.sampler.seed = static_cast<uint64_t>(seed);
  request.samples = 1 + seed % 3;
  if (seed % 4 == 1) {
    request.logprobs = true;
    request.logprobs_top = 2;
  }
  return request;
}

constexpr int64_t kRequests = 28;

std::vector<GenerateResult> alone() {
  const auto plain = tiny_generator({.speculation = Speculation::kOff});
  std::vector<GenerateResult> results;
  for (int64_t i = 0; i < kRequests; ++i) {
    results.push_back(plain->generate(request_of(i)));
    EXPECT_EQ(results.back().drafted_tokens, 0);
  }
  return results;
}

TEST(Guesses, ChangeNoToken) {
  const std::vector<GenerateResult> expected = alone();
  for (const int64_t draft : {0, 1, 3, 24}) {
    const auto guessing = tiny_generator({.draft_tokens = draft});
    int64_t drafted = 0, accepted = 0;
    for (int64_t i = 0; i < kRequests; ++i) {
      const GenerateResult got = guessing->generate(request_of(i));
      expect_same(got, expected[static_cast<size_t>(i)], i);
      EXPECT_LE(got.accepted_tokens, got.drafted_tokens);
      drafted += got.drafted_tokens;
      accepted += got.accepted_tokens;
    }
    if (draft == 0) continue;  // what pays depends on the machine
    EXPECT_GT(accepted, 50) << draft;
    EXPECT_GT(drafted, accepted);  // wrong guesses were undone, too
  }
}

TEST(Guesses, ChangeNoTokenInCompany) {
  const std::vector<GenerateResult> expected = alone();
  for (const size_t pages : {12, 60}) {
    for (const int64_t draft : {0, 7}) {
      // Few pages: requests are preempted and come back, between their guesses.
      const auto guessing = tiny_generator({.kv_bytes_max = tiny_page_bytes() * pages,
                                            .prefill_tokens_max = 32,
                                            .draft_tokens = draft},
                                           2);
      std::vector<std::unique_ptr<Generation>> running;
      for (int64_t i = 0; i < kRequests; ++i) running.push_back(guessing->submit(request_of(i)));
      for (size_t i = 0; i < running.size(); ++i) {
        expect_same(running[i]->wait(), expected[i], static_cast<int64_t>(i));
      }
      guessing->clear_prefix_cache();
      EXPECT_EQ(guessing->stats().pages_in_use, 0) << "a page was lost";
    }
  }
}

// The model itself as its draft is always right while nothing but its own logits decides.
TEST(Guesses, ADraftModelGuessesWhereNothingIsToBeLookedUp) {
  const auto plain = tiny_generator({.speculation = Speculation::kOff});
  for (const int64_t draft : {0, 4}) {
    const auto guessing = tiny_generator({.draft_tokens = draft, .draft_model = tiny_llama()});
    for (int64_t seed = 0; seed < 6; ++seed) {
      GenerateRequest request;
      request.prompt = some_ids(40 + seed * 30, seed);  // no pair of it comes twice
      request.tokens_max = 40;
      const GenerateResult got = guessing->generate(request);
      expect_same(got, plain->generate(request), seed);
      if (draft == 0) continue;
      EXPECT_GT(got.drafted_tokens, 20) << seed;
      EXPECT_GT(got.accepted_tokens * 2, got.drafted_tokens) << seed;
    }
  }
}

TEST(Guesses, OfADraftModelChangeNoTokenInCompany) {
  const std::vector<GenerateResult> expected = alone();
  // Itself, mostly right; and one that knows nothing, mostly wrong.
  for (const auto& model :
       {tiny_llama(), std::shared_ptr<const Model>(load_tiny("llama3_untied"))}) {
    for (const auto& [pages, draft] : {std::pair(12U, 5), {60U, 5}, {60U, 0}}) {
      // So few pages that the draft model, too, finds no room at times.
      const auto guessing = tiny_generator({.kv_bytes_max = tiny_page_bytes() * pages,
                                            .prefill_tokens_max = 32,
                                            .draft_tokens = draft,
                                            .draft_model = model});
      std::vector<std::unique_ptr<Generation>> running;
      for (int64_t i = 0; i < kRequests; ++i) running.push_back(guessing->submit(request_of(i)));
      for (size_t i = 0; i < running.size(); ++i) {
        expect_same(running[i]->wait(), expected[i], static_cast<int64_t>(i));
      }
    }
  }
}

TEST(Guesses, ADraftModelMustHaveTheSameTokens) {
  expect_error([] { tiny_generator({.draft_model = load_tiny("bert")}); },
               ErrorCode::kInvalidArgument, {"draft model", "bert", "cannot write"});
  const auto other = load_tiny("llama3_untied");
  tiny_generator({.draft_model = other});
  text::TokenizerConfig config = other->tokenizer->config();
  std::swap(config.pieces[40], config.pieces[41]);
  other->tokenizer = text::make_tokenizer(std::move(config));
  expect_error([&] { tiny_generator({.draft_model = other}); }, ErrorCode::kInvalidArgument,
               {"draft model", "llama3_untied", "other tokens"});
}

TEST(Guesses, StopStringsAndStreamsAreTheSame) {
  const auto plain = tiny_generator({.speculation = Speculation::kOff});
  const auto guessing = tiny_generator({.draft_tokens = 9});
  GenerateRequest request;
  request.sampler.logit_bias = ascii_only();
  request.tokens_max = 100;
  int64_t accepted = 0;
  for (int64_t seed = 0; seed < 8; ++seed) {
    request.prompt = repetitive_ids(seed);
    request.stop.clear();
    const std::string whole = plain->generate(request).samples[0].text;
    for (const size_t at : {11, 35, 60}) {
      request.stop = {whole.substr(at, 3)};
      std::string streamed;
      request.on_text = [&](const StreamEvent& event) {
        streamed += event.text;
        return true;
      };
      const GenerateResult got = guessing->generate(request);
      accepted += got.accepted_tokens;
      EXPECT_EQ(streamed, got.samples[0].text);
      expect_same(got, plain->generate(request), seed);
    }
    request.on_text = nullptr;
  }
  EXPECT_GT(accepted, 20);
}

TEST(Guesses, ACancelledAnswerStopsAtTheSameToken) {
  GenerateRequest request;
  request.prompt = repetitive_ids(1);
  request.sampler.logit_bias = ascii_only();
  request.tokens_max = 100;
  for (const int events_max : {1, 5, 20}) {
    std::vector<size_t> lengths;
    for (const Speculation speculation : {Speculation::kOff, Speculation::kLookup}) {
      const auto generator = tiny_generator({.speculation = speculation, .draft_tokens = 9});
      int events = 0;
      request.on_text = [&](const StreamEvent&) { return ++events < events_max; };
      const GenerateResult got = generator->generate(request);
      EXPECT_EQ(got.samples[0].finish_reason, "cancelled");
      lengths.push_back(got.samples[0].ids.size());
    }
    EXPECT_EQ(lengths[0], lengths[1]);
  }
}

// Whoever ends first decides about the others there, so guesses must not.
TEST(Guesses, AreNotMadeWhereTheOrderOfSamplesCounts) {
  const auto guessing = tiny_generator({.draft_tokens = 9});
  GenerateRequest request = request_of(2);
  request.samples = 3;
  request.on_sample = [](int64_t, const GeneratedSample&) { return true; };
  EXPECT_EQ(guessing->generate(request).drafted_tokens, 0);
  request.samples = 1;
  request.sampler = {};
  EXPECT_GT(guessing->generate(request).drafted_tokens, 0);
}

TEST(Guesses, ANumberOfDraftTokensHasBounds) {
  for (const int64_t tokens : {-1, 25}) {
    expect_error([&] { tiny_generator({.draft_tokens = tokens}); }, ErrorCode::kInvalidArgument,
                 {"draft", std::to_string(tokens), "24"});
  }
}

}  // namespace
}  // namespace ondol::testing

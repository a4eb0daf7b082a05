// Only allowed tokens come, and they are those that the whole distribution would give.
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "infer/test_support.h"

namespace ondol::testing {
namespace {

const text::Tokenizer& tokenizer() { return *tiny_llama()->tokenizer; }
TokenId end_token() { return tokenizer().end_of_generation().at(0); }

// The same tokens at every place.
class FixedMask final : public TokenMask {
 public:
  explicit FixedMask(std::vector<TokenId> ids) : ids_(std::move(ids)) {}
  std::unique_ptr<TokenMask> clone() const override { return std::make_unique<FixedMask>(*this); }
  void allowed(TokenSet& set) const override {
    for (const TokenId id : ids_) set.insert(id);
  }
  void accept(TokenId) override {}

 private:
  std::vector<TokenId> ids_;
};

// One of some strings, in whatever tokens; then the end.
class ChoiceMask final : public TokenMask {
 public:
  explicit ChoiceMask(std::set<std::string> choices) : choices_(std::move(choices)) {}
  std::unique_ptr<TokenMask> clone() const override { return std::make_unique<ChoiceMask>(*this); }
  void allowed(TokenSet& set) const override {
    for (TokenId id = 0; id < static_cast<TokenId>(tokenizer().vocab_size()); ++id) {
      const std::string bytes = tokenizer().token_bytes(id);
      if (!bytes.empty() && begins(said_ + bytes)) set.insert(id);
    }
    if (choices_.contains(said_)) set.insert(end_token());
  }
  void accept(TokenId id) override { said_ += tokenizer().token_bytes(id); }

 private:
  bool begins(const std::string& text) const {
    const auto next = choices_.lower_bound(text);
    return next != choices_.end() && next->starts_with(text);
  }
  std::set<std::string> choices_;
  std::string said_;
};

// Some ids in this order and no others, then nothing at all or the end.
class OrderMask final : public TokenMask {
 public:
  OrderMask(std::vector<TokenId> ids, bool ends) : ids_(std::move(ids)), ends_(ends) {}
  std::unique_ptr<TokenMask> clone() const override { return std::make_unique<OrderMask>(*this); }
  void allowed(TokenSet& set) const override {
    if (at_ < ids_.size()) set.insert(ids_[at_]);
    if (at_ == ids_.size() && ends_) set.insert(end_token());
  }
  void accept(TokenId id) override {
    if (at_ >= ids_.size() || id != ids_[at_]) throw Error(ErrorCode::kInternal, "not allowed");
    ++at_;
  }

 private:
  std::vector<TokenId> ids_;
  bool ends_;
  size_t at_ = 0;
};

GenerateRequest request_with(std::shared_ptr<const TokenMask> mask, double temperature,
                             uint64_t seed = 0) {
  GenerateRequest request;
  request.prompt = some_ids(30, static_cast<int64_t>(seed));
  request.tokens_max = 40;
  request.sampler = {.temperature = temperature, .seed = seed};
  request.mask = std::move(mask);
  return request;
}

std::vector<std::unique_ptr<LocalGenerator>> generators() {
  std::vector<std::unique_ptr<LocalGenerator>> all;
  all.push_back(tiny_generator({.speculation = Speculation::kOff}));
  all.push_back(tiny_generator({}, 2));
  all.push_back(tiny_generator({.draft_tokens = 5}));
  return all;
}

// Few rows of the head, many of them, one: the oracle has all logits and a bias that forbids.
TEST(Mask, DrawsWhatTheSameTokensOfTheWholeDistributionGive) {
  std::vector<std::vector<TokenId>> sets = {{48, 49, 50, 51, 52, 53, 54, 55, 56, 57}, {77}, {}};
  for (TokenId id = 0; id < 256; id += 3) sets.back().push_back(id);
  const auto all = generators();
  for (const auto& ids : sets) {
    GenerateRequest biased = request_with(nullptr, 0);
    for (TokenId id = 0; id < 288; ++id) {
      if (std::count(ids.begin(), ids.end(), id) == 0) {
        biased.sampler.logit_bias[id] = -std::numeric_limits<float>::infinity();
      }
    }
    for (const double temperature : {0.0, 2.0}) {
      for (const bool logprobs : {false, true}) {
        GenerateRequest masked = request_with(std::make_shared<FixedMask>(ids), temperature);
        biased.sampler.temperature = temperature;
        masked.samples = biased.samples = 3;
        masked.logprobs = biased.logprobs = logprobs;
        const GenerateResult expected = all[0]->generate(biased);
        for (const auto& generator : all) {
          const GenerateResult got = generator->generate(masked);
          for (size_t s = 0; s < 3; ++s) {
            EXPECT_EQ(got.samples[s].ids, expected.samples[s].ids);
            ASSERT_EQ(got.samples[s].logprobs.size(), logprobs ? 40U : 0U);
            for (size_t t = 0; t < got.samples[s].logprobs.size(); ++t) {
              EXPECT_EQ(got.samples[s].logprobs[t].logprob,
                        expected.samples[s].logprobs[t].logprob);
            }
          }
        }
      }
    }
  }
}

TEST(Mask, AnAnswerIsOneOfTheChoices) {
  const std::set<std::string> choices = {"yes", "no", "perhaps", "perhaps not", "0123456789"};
  std::set<std::string> seen;
  for (const auto& generator : generators()) {
    std::vector<std::unique_ptr<Generation>> running;
    for (uint64_t seed = 0; seed < 30; ++seed) {
      running.push_back(
          generator->submit(request_with(std::make_shared<ChoiceMask>(choices), 3, seed)));
    }
    for (const auto& generation : running) {
      const GeneratedSample sample = generation->wait().samples[0];
      EXPECT_TRUE(choices.contains(sample.text)) << sample.text;
      EXPECT_EQ(sample.finish_reason, "stop");
      seen.insert(sample.text);
    }
  }
  EXPECT_GE(seen.size(), 3U);
}

TEST(Mask, ChoicesAreTheSameWithAndWithoutGuesses) {
  const std::set<std::string> choices = {"aaaa bbbb aaaa bbbb", "aaaa bbbb aaaa cccc", "aaaa"};
  const auto all = generators();
  for (uint64_t seed = 0; seed < 12; ++seed) {
    GenerateRequest request = request_with(std::make_shared<ChoiceMask>(choices), 2, seed);
    request.prompt = RawText{"aaaa bbbb aaaa bbbb aaaa bbbb"};
    const GenerateResult expected = all[0]->generate(request);
    for (const auto& generator : all) {
      EXPECT_EQ(generator->generate(request).samples[0].ids, expected.samples[0].ids);
    }
  }
}

// Text that has to come so is computed in one piece, and drawing it takes no random number.
TEST(Mask, TheOnlyTokensAllowedComeAtOnce) {
  const std::vector<TokenId> order = some_ids(30, 5);
  const auto all = generators();
  for (const auto& generator : all) {
    const GenerateResult got =
        generator->generate(request_with(std::make_shared<OrderMask>(order, true), 1));
    EXPECT_EQ(got.samples[0].ids, order);
    EXPECT_EQ(got.samples[0].finish_reason, "stop");
    const bool off = generator == all.front();
    EXPECT_EQ(got.accepted_tokens, got.drafted_tokens);
    EXPECT_EQ(got.drafted_tokens > 20, !off);
  }
  GenerateRequest longer = request_with(std::make_shared<OrderMask>(order, true), 1);
  longer.tokens_max = 9;
  for (const auto& generator : all) {
    const GenerateResult got = generator->generate(longer);
    EXPECT_EQ(got.samples[0].ids, std::vector<TokenId>(order.begin(), order.begin() + 9));
    EXPECT_EQ(got.samples[0].finish_reason, "length");
  }
}

TEST(Mask, AnEmptySetIsAnErrorOfItsRequestAlone) {
  const std::vector<TokenId> order = some_ids(6, 5);
  for (const auto& generator : generators()) {
    const GenerateResult expected = generator->generate(request_with(nullptr, 1));
    const auto company = generator->submit(request_with(nullptr, 1));
    expect_error(
        [&] { generator->generate(request_with(std::make_shared<OrderMask>(order, false), 1)); },
        ErrorCode::kInvalidArgument, {"no token is allowed", "after 6 tokens"});
    expect_error(
        [&] {
          generator->generate(
              request_with(std::make_shared<ChoiceMask>(std::set<std::string>{}), 1));
        },
        ErrorCode::kInvalidArgument, {"no token is allowed", "after 0 tokens"});
    expect_error(
        [&] {
          generator->generate(
              request_with(std::make_shared<FixedMask>(std::vector<TokenId>{5, 288}), 1));
        },
        ErrorCode::kInvalidArgument, {"288", "0 to 287"});
    EXPECT_EQ(company->wait().samples[0].ids, expected.samples[0].ids);
    generator->clear_prefix_cache();
    EXPECT_EQ(generator->stats().pages_in_use, 0);
  }
}

}  // namespace
}  // namespace ondol::testing

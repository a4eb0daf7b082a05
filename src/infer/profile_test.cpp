// What a profile sees of a tiny model at work.
#include "base/profile.h"

#include <map>
#include <set>

#include "infer/test_support.h"

namespace ondol {
namespace {

using testing::some_ids;
using testing::tiny_generator;
using testing::tiny_llama;

std::vector<ProfileEvent> events_of_a_run(int64_t prompt_tokens, int64_t new_tokens) {
  Profile profile;
  {
    const auto generator = tiny_generator({.speculation = Speculation::kOff, .profile = &profile});
    GenerateRequest request{.prompt = some_ids(prompt_tokens), .tokens_max = new_tokens};
    for (const TokenId id : tiny_llama()->tokenizer->end_of_generation()) {
      request.sampler.logit_bias[id] = -1e9F;
    }
    const GenerateResult result = generator->generate(std::move(request));
    EXPECT_EQ(static_cast<int64_t>(result.samples.at(0).ids.size()), new_tokens);
  }
  EXPECT_EQ(profile.dropped(), 0U);
  return profile.events();
}

TEST(EngineProfile, HoldsEveryStepWithItsTokens) {
  std::vector<ProfileWork> steps;
  int64_t tokenized = 0;
  for (const ProfileEvent& event : events_of_a_run(20, 4)) {
    if (std::string_view(event.name) == "step") steps.push_back(event.work);
    if (std::string_view(event.name) == "tokenize") ++tokenized;
  }
  EXPECT_GE(tokenized, 1);
  // The prompt, whose logits give the first token, then a step for each further one.
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].prefill, 20);
  EXPECT_EQ(steps[0].decode, 0);
  for (size_t i = 1; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].prefill, 0) << i;
    EXPECT_EQ(steps[i].decode, 1) << i;
  }
}

TEST(EngineProfile, EveryLayerHasTheOpsOfItsArchitecture) {
  std::map<std::string, int64_t> calls;
  std::map<std::string, std::set<int64_t>> layers;
  int64_t head_rows = 0;
  for (const ProfileEvent& event : events_of_a_run(20, 1)) {
    ++calls[event.name];
    if (event.work.layer >= 0) layers[event.name].insert(event.work.layer);
    if (std::string_view(event.name) == "linear") {
      EXPECT_FALSE(event.work.type.empty());
      EXPECT_GT(event.work.bytes, 0);
      EXPECT_EQ(event.work.operations,
                2 * event.work.tokens * event.work.rows * event.work.columns);
      if (event.work.layer < 0) head_rows = event.work.rows;
    }
  }
  const int64_t count = tiny_llama()->info.layers;
  std::set<int64_t> all;
  for (int64_t layer = 0; layer < count; ++layer) all.insert(layer);
  EXPECT_EQ(calls["layer"], count);
  EXPECT_EQ(calls["embed"], 1);
  EXPECT_EQ(calls["attention"], count);
  for (const char* op : {"layer", "linear", "attention"}) EXPECT_EQ(layers[op], all) << op;
  EXPECT_EQ(head_rows, tiny_llama()->info.vocabulary);
}

TEST(EngineProfile, TimesOfTheOpsAreWithinTheirStep) {
  int64_t steps = 0, inside = 0;
  for (const ProfileEvent& event : events_of_a_run(64, 8)) {
    const std::string_view name = event.name;
    if (name == "step") steps += event.duration;
    if (name == "forward" || name == "head" || name == "sample") inside += event.duration;
  }
  EXPECT_GT(inside, 0);
  EXPECT_LE(inside, steps);
}

TEST(EngineProfile, AnOpThatFailsIsAnErrorAsWithoutProfile) {
  Profile profile;
  ThreadPool pool(1);
  const ops::Context context{pool, best_kernels(), Precision::kFast, ops::Form::kFused, &profile};
  const KvShape shape = tiny_llama()->decoder->kv_shape();
  KvPool kv(shape, KvPool(shape, 0).page_bytes());
  const std::vector<KvPool::PageId> pages = {kv.allocate()};
  const std::vector<TokenId> beyond = {1 << 20};
  const SequenceBatch batch{{{0, 1, 0, pages}}, &kv};
  EXPECT_THROW(tiny_llama()->decoder->forward(context, beyond, batch), Error);
  kv.release(pages[0]);
}

TEST(EngineProfile, ChangesNoToken) {
  Profile profile;
  const GenerateRequest request{.prompt = some_ids(30), .tokens_max = 12};
  const auto with = tiny_generator({.profile = &profile})->generate(request);
  const auto without = tiny_generator()->generate(request);
  EXPECT_EQ(with.samples.at(0).ids, without.samples.at(0).ids);
}

}  // namespace
}  // namespace ondol

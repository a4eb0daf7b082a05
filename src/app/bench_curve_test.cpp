#include <gtest/gtest.h>

#include "app/bench.h"
#include "app/test_support.h"

namespace ondol::app {
namespace {

class Silent final : public ProgressSink {
 public:
  void update(std::string_view, uint64_t, uint64_t) override { ++updates; }
  void notice(std::string_view) override {}
  int updates = 0;
};

Model tiny(const std::string& name, ThreadPool& pool) {
  return load_model(ondol::testing::golden_dir() / "models" / name, pool);
}

TEST(StepCurve, HasAPointForEachSizeInOrder) {
  ThreadPool pool(1);
  Silent progress;
  Profile profile;
  const std::vector<CurvePoint> curve = step_curve(
      tiny("llama_tied", pool), pool,
      {.tokens = {1, 3, 16}, .depth = 70, .repetitions = 3, .profile = &profile}, progress);
  ASSERT_EQ(curve.size(), 3U);
  const int64_t expected[] = {1, 3, 16};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(curve[i].tokens, expected[i]);
    EXPECT_GT(curve[i].min, 0);
    EXPECT_LE(curve[i].min, curve[i].median);
    EXPECT_LE(curve[i].median, curve[i].max);
  }
  EXPECT_GT(progress.updates, 0);
  int64_t forwards = 0, tokens = 0;
  for (const ProfileEvent& event : profile.events()) {
    if (std::string_view(event.name) != "forward") continue;
    ++forwards;
    tokens += event.work.tokens;
  }
  EXPECT_EQ(forwards, 1 + 4 * 3);  // the cache is filled, then one warm-up and three turns
  EXPECT_EQ(tokens, 70 + 4 * (1 + 3 + 16));
}

int64_t attention_bytes(KvType kv_type) {
  ThreadPool pool(1);
  Silent progress;
  Profile profile;
  step_curve(
      tiny("llama_tied", pool), pool,
      {.tokens = {1}, .depth = 128, .repetitions = 1, .kv_type = kv_type, .profile = &profile},
      progress);
  int64_t bytes = 0;
  for (const ProfileEvent& event : profile.events()) {
    if (std::string_view(event.name) == "attention") bytes += event.work.bytes;
  }
  return bytes;
}

TEST(StepCurve, KeepsKeysAndValuesAsAsked) {
  EXPECT_GT(attention_bytes(KvType::kI8), 0);
  EXPECT_GT(attention_bytes(KvType::kF32), 2 * attention_bytes(KvType::kI8));
}

TEST(StepCurve, SaysWhatCannotBeMeasured) {
  ThreadPool pool(1);
  Silent progress;
  EXPECT_THROW(step_curve(tiny("bert", pool), pool, {}, progress), Error);
  EXPECT_THROW(step_curve(tiny("llama_tied", pool), pool, {.depth = 250}, progress), Error);
}

}  // namespace
}  // namespace ondol::app

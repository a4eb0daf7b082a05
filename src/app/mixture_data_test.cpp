// examples/mixture.toml over the real sets: it can be trained on, and what is held out is in none
// of its rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "app/mixture_file.h"
#include "support/paths.h"
#include "train/mixture.h"

namespace ondol::app::testing {
namespace {

std::string source_of(const train::Row& row) {
  return std::get<train::Seq2SeqRow>(row.data).source;
}

TEST(ExampleMixture, IsWhatItSays) {
  for (const char* set : {"gsm8k", "mawps", "aqua", "openbookqa", "social_i_qa", "winogrande",
                          "boolq", "t0_p3", "bbh_cot", "piqa", "multiarith"}) {
    ONDOL_NEED_DATA(set);
  }
  const train::Mixture mixture = read_mixture(
      ondol::testing::source_dir() / "examples" / "mixture.toml", ondol::testing::data_dir());
  const train::Mixed mixed = train::mix(mixture, {.validation_share = 0.05});
  EXPECT_EQ(mixed.learn.data.rows.size(), 600U);
  std::map<std::string, train::MixCounts> tasks;
  for (const train::MixCounts& task : mixed.counts) tasks[task.name] = task;
  ASSERT_EQ(tasks.size(), 11U);
  for (const auto& [name, task] : tasks) {
    EXPECT_GT(task.held_out ? task.pool : task.mixed, 0) << name;
    EXPECT_TRUE(std::ranges::all_of(task.by_template, [](int64_t n) { return n > 0; })) << name;
  }
  // MAWPS holds problems of MultiArith (the set's own README says so).
  EXPECT_GT(tasks["mawps"].left_out, 0);
  EXPECT_GT(tasks["gsm8k"].reasoning, tasks["gsm8k"].mixed / 2);
  EXPECT_EQ(tasks["bbh"].reasoning, tasks["bbh"].mixed);
  EXPECT_EQ(tasks["t0_p3"].by_shots.size(), 1U);
  ASSERT_EQ(mixed.held_out.size(), 2U);
  for (const train::HeldOut& task : mixed.held_out) {
    EXPECT_EQ(task.rows.data.rows.size(), 60U);
    for (const train::Row& held : task.rows.data.rows) {
      // The question itself: what stands before the options or the request.
      const std::string asked = source_of(held).substr(0, source_of(held).find('\n'));
      if (asked.size() < 30) continue;
      for (const train::Row& row : mixed.learn.data.rows) {
        ASSERT_EQ(source_of(row).find(asked), std::string::npos) << asked;
      }
    }
  }
}

}  // namespace
}  // namespace ondol::app::testing

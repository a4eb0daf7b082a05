// Schedules against transformers' (tools/golden/optimizers.py).
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"

namespace ondol::train {
namespace {

TEST(Schedule, FactorsAreThoseOfTransformers) {
  const auto golden = nlohmann::json::parse(read_file(testing::golden_dir() / "optimizers.json"));
  size_t compared = 0;
  for (const auto& row : golden["schedules"]) {
    ScheduleConfig config;
    config.lr_scheduler_type = row["name"];
    config.warmup_steps = row["warmup_steps"];
    const auto& extra = row["extra"];
    config.min_lr_rate = extra.value("min_lr_rate", extra.value("min_lr_ratio", 0.0));
    config.num_decay_steps = extra.value("num_decay_steps", 0.0);
    config.decay_type = extra.value("decay_type", "cosine");
    const int64_t total = row["total"];
    const Schedule schedule(config, total);
    for (int64_t step = 0; step <= total; ++step, ++compared) {
      ASSERT_NEAR(schedule.factor(step), row["factors"][static_cast<size_t>(step)].get<double>(),
                  1e-12)
          << row["name"] << " step " << step;
    }
    if (config.lr_scheduler_type != "inverse_sqrt" && config.warmup_steps <= 10) {
      EXPECT_EQ(schedule.factor(total), schedule.factor(total + 5));
    }
  }
  EXPECT_GT(compared, 200U);
}

TEST(Schedule, SharesAreStepsRoundedUp) {
  for (const double warmup : {3.0, 0.3, 0.21, 3.9}) {
    const Schedule schedule({.lr_scheduler_type = "linear", .warmup_steps = warmup}, 10);
    EXPECT_DOUBLE_EQ(schedule.factor(1), 1.0 / 3) << warmup;
    EXPECT_EQ(schedule.factor(3), 1) << warmup;
  }
  // "constant" has no warm-up, as in transformers.
  EXPECT_EQ(Schedule({.lr_scheduler_type = "constant", .warmup_steps = 5}, 10).factor(0), 1);
  EXPECT_EQ(Schedule({.lr_scheduler_type = "wsd"}, 100).factor(90), 1);
  EXPECT_LT(Schedule({.lr_scheduler_type = "wsd"}, 100).factor(91), 1);
  EXPECT_EQ(Schedule({}, 0).factor(0), 1);
}

std::string refusal(const ScheduleConfig& config, int64_t total) {
  try {
    const Schedule schedule(config, total);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Schedule, RefusesWhatCannotBe) {
  EXPECT_NE(refusal({.lr_scheduler_type = "cosin"}, 9).find("'cosine'"), std::string::npos);
  EXPECT_NE(refusal({.decay_type = "sqrt"}, 9).find("'1-sqrt'"), std::string::npos);
  EXPECT_NE(refusal({.warmup_steps = -1}, 9).find("warmup_steps"), std::string::npos);
  EXPECT_NE(refusal({.warmup_steps = NAN}, 9).find("warmup_steps"), std::string::npos);
  EXPECT_NE(refusal({.min_lr_rate = 1.5}, 9).find("min_lr_rate"), std::string::npos);
  EXPECT_NE(refusal({}, -1).find("-1"), std::string::npos);
  EXPECT_NE(refusal({.lr_scheduler_type = "wsd", .warmup_steps = 6, .num_decay_steps = 5}, 10)
                .find("do not fit"),
            std::string::npos);
}

}  // namespace
}  // namespace ondol::train

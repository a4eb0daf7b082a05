#include "app/machine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "app/home.h"
#include "app/test_support.h"
#include "base/files.h"

namespace ondol::app {
namespace {

MachineSpeed some_speed(double read_one) {
  return {.read_one = read_one,
          .read_all = 30.5,
          .int8_one = 400,
          .int8_all = 790,
          .f32_one = 110,
          .f32_all = 215,
          .barrier_microseconds = 0.7,
          .threads_best = 2,
          .seconds = 0.5};
}

TEST(Machine, SiblingsAreOneCore) {
  EXPECT_EQ(count_cores({"0,2", "1,3", "0,2", "1,3"}), 2);
  EXPECT_EQ(count_cores({"0", "1", "2"}), 3);
  EXPECT_EQ(count_cores({"0-1", "", ""}), 3);  // what the system does not say counts alone
  EXPECT_EQ(count_cores({}), 0);
}

TEST(Machine, CandidatesAscendWithinWhatIsAllowed) {
  const MachineKey key = this_machine();
  EXPECT_GE(key.cores, 1);
  EXPECT_LE(key.cores, key.cpus);
  EXPECT_FALSE(key.cpu.empty());
  const std::vector<int> counts = thread_candidates(key);
  ASSERT_FALSE(counts.empty());
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_GE(counts[i], i == 0 ? 1 : counts[i - 1] + 1);
    EXPECT_LE(counts[i], key.cpus);
  }
}

TEST(Machine, MeasuresEverything) {
  const MachineSpeed speed = measure_machine();
  for (const double value :
       {speed.read_one, speed.read_all, speed.int8_one, speed.int8_all, speed.f32_one,
        speed.f32_all, speed.barrier_microseconds, speed.seconds}) {
    EXPECT_TRUE(std::isfinite(value));
    EXPECT_GT(value, 0);
  }
  const std::vector<int> counts = thread_candidates(this_machine());
  EXPECT_NE(std::find(counts.begin(), counts.end(), speed.threads_best), counts.end());
}

class MachineFile : public ::testing::Test {
 protected:
  testing::TempFolder folder_;
  const std::filesystem::path file_ = Home{folder_.path()}.machine_file();
  const MachineKey key_ = {.cpu = "Example 9000",
                           .features = {"avx2", "fma"},
                           .kernels = "avx2",
                           .cpus = 4,
                           .cores = 2,
                           .version = "1"};
};

TEST_F(MachineFile, IsFoundAgainForTheSameMachineOnly) {
  EXPECT_EQ(stored_speed(file_, key_), std::nullopt);
  store_speed(file_, key_, some_speed(11));
  const std::optional<MachineSpeed> stored = stored_speed(file_, key_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(speed_json(*stored), speed_json(some_speed(11)));

  std::vector<MachineKey> others(6, key_);
  others[0].cpu = "Example 9001";
  others[1].features.pop_back();
  others[2].kernels = "ref";
  others[3].cpus = 8;
  others[4].cores = 4;
  others[5].version = "2";
  for (const MachineKey& other : others) EXPECT_EQ(stored_speed(file_, other), std::nullopt);
  store_speed(file_, others[0], some_speed(22));
  store_speed(file_, key_, some_speed(33));  // replaces, keeps the other
  EXPECT_EQ(stored_speed(file_, key_)->read_one, 33);
  EXPECT_EQ(stored_speed(file_, others[0])->read_one, 22);
}

TEST_F(MachineFile, WhatCannotBeUnderstoodIsReplaced) {
  store_speed(file_, key_, some_speed(11));
  const std::string good = read_file(file_);
  std::string negative = good, word = good, format = good;
  negative.replace(negative.find("30.5"), 4, "-30.5");
  word.replace(word.find("30.5"), 4, "\"30\"");
  format.replace(format.find("\"format\": 1"), 11, "\"format\": 9");
  for (const std::string& content :
       {std::string(), std::string("{"), std::string("[1, 2]"), good.substr(0, good.size() / 2),
        std::string(R"({"format": 1, "machines": [3, null, {"machine": 1}]})"), negative, word,
        format}) {
    write_file_atomic(file_, content);
    EXPECT_EQ(stored_speed(file_, key_), std::nullopt) << content;
    store_speed(file_, key_, some_speed(44));
    ASSERT_TRUE(stored_speed(file_, key_)) << content;
    EXPECT_EQ(stored_speed(file_, key_)->read_one, 44) << content;
  }
}

TEST_F(MachineFile, StaysSmall) {
  for (int i = 0; i < 70; ++i) {
    MachineKey key = key_;
    key.cpu += std::to_string(i);
    store_speed(file_, key, some_speed(i + 1));
  }
  MachineKey oldest = key_, newest = key_;
  oldest.cpu += "0";
  newest.cpu += "69";
  EXPECT_EQ(stored_speed(file_, oldest), std::nullopt);
  EXPECT_EQ(stored_speed(file_, newest)->read_one, 70);
}

}  // namespace
}  // namespace ondol::app

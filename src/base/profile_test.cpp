#include "base/profile.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace ondol {
namespace {

using Json = nlohmann::json;
using std::chrono::microseconds;

ProfileWork no_work() { return {}; }

const ProfileRow& row_of(const std::vector<ProfileRow>& rows, const std::string& name) {
  for (const ProfileRow& row : rows) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row '" << name << "'";
  static const ProfileRow kNone;
  return kNone;
}

// A step of 100 us that holds a layer of 80, which holds two ops of 30 and 40.
void record_step(Profile& profile, microseconds from) {
  const auto at = [&](int64_t us) { return profile.begin() + from + microseconds(us); };
  const ProfileWork linear{
      .type = "q4_1", .tokens = 4, .rows = 64, .columns = 32, .bytes = 60000, .operations = 90000};
  profile.record("linear", at(10), at(40), linear);
  profile.record("attention", at(45), at(85), {.tokens = 4});
  profile.record("layer", at(10), at(90), {.tokens = 4, .layer = 7});
  profile.record("step", at(0), at(100), {.tokens = 4, .prefill = 3, .decode = 1});
}

TEST(Profile, EventsNestAndTheirOwnTimesSumToTheWhole) {
  Profile profile;
  record_step(profile, microseconds(0));
  record_step(profile, microseconds(100));  // touches the first: no time between
  const std::vector<ProfileEvent> events = profile.events();
  ASSERT_EQ(events.size(), 8U);
  const std::vector<std::string> order = {"step", "layer", "linear", "attention"};
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(events[i].name, order[i % 4]) << i;
  EXPECT_EQ(events[0].work.layer, -1);
  EXPECT_EQ(events[2].work.layer, 7);  // of the layer it lies in
  EXPECT_EQ(events[7].work.layer, 7);

  const std::vector<ProfileRow> rows = profile.rows();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].name, "attention");  // most time of its own
  EXPECT_EQ(row_of(rows, "attention").self_nanoseconds, 80000);
  EXPECT_EQ(row_of(rows, "linear").self_nanoseconds, 60000);
  EXPECT_EQ(row_of(rows, "layer").self_nanoseconds, 20000);
  EXPECT_EQ(row_of(rows, "layer").nanoseconds, 160000);
  EXPECT_EQ(row_of(rows, "step").self_nanoseconds, 40000);
  const ProfileRow& linear = row_of(rows, "linear");
  EXPECT_EQ(linear.what, "q4_1 64x32");
  EXPECT_EQ(linear.tokens, "2-16");
  EXPECT_EQ(linear.calls, 2);
  EXPECT_EQ(linear.bytes, 120000);
  EXPECT_EQ(linear.operations, 180000);
}

TEST(Profile, TraceIsTheTraceEventFormat) {
  Profile profile;
  record_step(profile, microseconds(1000));
  std::thread([&] { const ProfileScope scope(&profile, "tokenize", no_work); }).join();
  const Json trace = Json::parse(profile.trace_json());
  EXPECT_EQ(trace.at("otherData").at("events_dropped"), 0);
  std::map<std::string, Json> by_name;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") == "X") by_name[event.at("name")] = event;
  }
  ASSERT_EQ(by_name.size(), 5U);
  EXPECT_DOUBLE_EQ(by_name["step"].at("ts").get<double>(), 1000.0);
  EXPECT_DOUBLE_EQ(by_name["step"].at("dur").get<double>(), 100.0);
  EXPECT_EQ(by_name["step"].at("args"), Json({{"tokens", 4}, {"prefill", 3}, {"decode", 1}}));
  EXPECT_EQ(by_name["linear"].at("args"), Json({{"type", "q4_1"},
                                                {"tokens", 4},
                                                {"rows", 64},
                                                {"columns", 32},
                                                {"bytes", 60000},
                                                {"operations", 90000},
                                                {"layer", 7}}));
  EXPECT_EQ(by_name["layer"].at("tid"), by_name["step"].at("tid"));
  EXPECT_NE(by_name["tokenize"].at("tid"), by_name["step"].at("tid"));
  EXPECT_TRUE(by_name["tokenize"].at("args").empty());
  for (const auto& [name, event] : by_name) EXPECT_TRUE(event.contains("pid")) << name;
}

TEST(Profile, WhatDoesNotFitIsCountedAndSaid) {
  Profile profile(3);
  for (int i = 0; i < 10; ++i) const ProfileScope scope(&profile, "op", no_work);
  EXPECT_EQ(profile.events().size(), 3U);
  EXPECT_EQ(profile.dropped(), 7U);
  EXPECT_EQ(Json::parse(profile.trace_json()).at("otherData").at("events_dropped"), 7);
  EXPECT_NE(profile.table().find("7 events did not fit"), std::string::npos);
  EXPECT_EQ(Profile(3).table().find("did not fit"), std::string::npos);
}

TEST(Profile, ThreadsRecordSideBySideWhileOneReads) {
  Profile profile(4000);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          const ProfileScope outer(&profile, "outer", no_work);
          const ProfileScope inner(&profile, "inner", no_work);
        }
      });
    }
    for (int i = 0; i < 20; ++i) {
      for (const ProfileEvent& event : profile.events()) ASSERT_NE(event.name, nullptr);
    }
  }
  EXPECT_EQ(profile.events().size(), 4000U);
  EXPECT_EQ(profile.dropped(), 4000U);
}

TEST(Profile, WithoutOneNothingIsAsked) {
  bool asked = false;
  {
    const ProfileScope scope(nullptr, "op", [&] {
      asked = true;
      return ProfileWork{};
    });
  }
  EXPECT_FALSE(asked);
}

TEST(Profile, TableFitsEightyColumns) {
  Profile profile;
  record_step(profile, microseconds(0));
  const ProfileWork large{.type = "q4_1",
                          .tokens = 512,
                          .rows = 49152,
                          .columns = 576,
                          .bytes = 18000000,
                          .operations = 28991029248};
  profile.record("linear", profile.begin(), profile.begin() + std::chrono::seconds(90), large);
  std::istringstream table(profile.table());
  std::string line;
  int lines = 0;
  while (std::getline(table, line)) {
    EXPECT_LE(line.size(), 80U) << line;
    ++lines;
  }
  EXPECT_EQ(lines, 6);  // a heading and five kinds
  EXPECT_NE(profile.table().find("49152x576"), std::string::npos);
}

}  // namespace
}  // namespace ondol

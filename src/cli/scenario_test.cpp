// The scenarios of tests/cli that need nothing but the program.
#include "support/scenario.h"

#include <gtest/gtest.h>

namespace ondol::cli {
namespace {

class Scenario : public ::testing::TestWithParam<testing::ScenarioFile> {};

TEST_P(Scenario, Holds) {
  for (const std::string& failure : testing::ScenarioRunner(GetParam()).run()) {
    ADD_FAILURE() << failure;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Scenario, ::testing::ValuesIn(testing::scenario_files(false)),
                         [](const auto& row) { return testing::scenario_name(row.param); });

}  // namespace
}  // namespace ondol::cli

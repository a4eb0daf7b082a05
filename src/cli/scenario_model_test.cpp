// The scenarios of tests/cli that need the two real models.
#include <gtest/gtest.h>

#include "support/scenario.h"

namespace ondol::cli {
namespace {

class ModelScenario : public ::testing::TestWithParam<testing::ScenarioFile> {};

TEST_P(ModelScenario, Holds) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  ONDOL_NEED_MODEL(testing::minilm_dir());
  for (const std::string& failure : testing::ScenarioRunner(GetParam()).run()) {
    ADD_FAILURE() << failure;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, ModelScenario, ::testing::ValuesIn(testing::scenario_files(true)),
                         [](const auto& row) { return testing::scenario_name(row.param); });

}  // namespace
}  // namespace ondol::cli

#include "base/process.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace ondol {
namespace {

TEST(Process, GivesOutputAndExitCode) {
  const ProcessResult result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"}, {});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "out\nerr\n");
  EXPECT_FALSE(result.timed_out);
}

TEST(Process, ArgumentsAreNotReadByAShell) {
  EXPECT_EQ(run_process({"printf", "%s", "$(echo no); 'x'"}, {}).output, "$(echo no); 'x'");
}

TEST(Process, EndsWhatTakesTooLongWithItsChildren) {
  const ProcessResult result =
      run_process({"sh", "-c", "sleep 60 & sleep 60"}, {.seconds_max = 0.3});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + 9);
}

TEST(Process, KeepsTheEndOfLongOutput) {
  const ProcessResult result =
      run_process({"sh", "-c", "yes a | head -c 100000; printf END"}, {.output_bytes_max = 1000});
  EXPECT_EQ(result.output.size(), 1000u);
  EXPECT_TRUE(result.output.ends_with("END"));
}

TEST(Process, AMissingProgramIsAnError) {
  EXPECT_THROW(run_process({"no-such-program-anywhere"}, {}), Error);
}

}  // namespace
}  // namespace ondol

// The program under mpirun: two processes train what one trains; one set of files; whatever ends
// one ends both.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "support/paths.h"
#include "train/run_folder.h"

namespace ondol::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// Open MPI as root, on one machine, more processes than cores, without what containers forbid.
const Words kMpi = {"env",
                    "OMPI_ALLOW_RUN_AS_ROOT=1",
                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                    "ASAN_OPTIONS=detect_leaks=0",  // of Open MPI itself
                    "OMPI_MCA_plm=isolated",
                    "OMPI_MCA_btl=self,vader",
                    "OMPI_MCA_btl_vader_single_copy_mechanism=none",
                    "OMPI_MCA_rmaps_base_oversubscribe=1",
                    "OMPI_MCA_hwloc_base_binding_policy=none",
                    "mpirun",
                    "-n",
                    "2"};

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Why there is nothing to test; empty: there is.
std::string missing() {
  if (!fs::exists(fs::path(ONDOL_PROGRAM).parent_path() / "ondol_mpi.so")) {
    return "built without MPI (libopenmpi-dev)";
  }
  try {
    if (run_process({"mpirun", "--version"}, {}).exit_code == 0) return "";
  } catch (const Error&) {  // NOLINT: not there
  }
  return "no mpirun (openmpi-bin)";
}

class Mpi : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string what = missing(); !what.empty()) {
      if (testing::require_all()) FAIL() << what;
      GTEST_SKIP() << what;
    }
    std::string name = (fs::temp_directory_path() / "ondol_mpi.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    std::ofstream rows(folder / "rows.jsonl"), text(folder / "text.txt");
    for (int i = 0; i < 40; ++i) {
      rows << R"({"prompt": "count )" << i << R"( then", "completion": " next )" << i + 1
           << "\"}\n";
    }
    for (int i = 0; i < 300; ++i) text << "the " << i % 7 << " and the " << i % 5 << "\n";
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder.empty()) fs::remove_all(folder, ignored);
  }

  Words sft(const std::string& run, const Words& more = {}, int64_t steps = 6) const {
    const fs::path model = testing::golden_dir() / "models" / "llama_tied";
    return Words{ONDOL_PROGRAM,
                 "train",
                 "sft",
                 "-t",
                 "1",
                 "--model",
                 model.string(),
                 "--dataset",
                 (folder / "rows.jsonl").string(),
                 "--output-dir",
                 (folder / run).string(),
                 "--validation-split",
                 "0.2",
                 "--max-length",
                 "64",
                 "--max-steps",
                 std::to_string(steps),
                 "--logging-steps",
                 "1",
                 "--eval-steps",
                 "3"} +
           more;
  }
  Words pretrain(const std::string& run, const Words& more = {}) const {
    return Words{ONDOL_PROGRAM,
                 "train",
                 "pretrain",
                 "-t",
                 "1",
                 "--dataset",
                 (folder / "text.txt").string(),
                 "--output-dir",
                 (folder / run).string(),
                 "--hidden-size",
                 "32",
                 "--num-hidden-layers",
                 "2",
                 "--max-length",
                 "64",
                 "--max-steps",
                 "6",
                 "--logging-steps",
                 "1",
                 "--weight-form",
                 "f32"} +
           more;
  }
  static ProcessResult succeed(const Words& words) {
    const ProcessResult result = run_process(words, {.seconds_max = 120});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result;
  }
  train::Checkpoint last(const std::string& run) const {
    const auto found = train::newest_checkpoint(folder / run);
    return train::load_checkpoint(found ? found->folder : folder / run);
  }

  // Losses, validations and weights: the largest relative difference.
  double difference(const std::string& a, const std::string& b) const {
    const train::Checkpoint x = last(a), y = last(b);
    double worst = x.state.log_history.size() == y.state.log_history.size() ? 0 : HUGE_VAL;
    for (size_t i = 0; worst < 1 && i < x.state.log_history.size(); ++i) {
      for (size_t v = 0; v < x.state.log_history[i].values.size(); ++v) {
        const auto& [name, value] = x.state.log_history[i].values[v];
        if (name != "loss" && name != "eval_loss") continue;
        worst = std::max(worst, std::abs(y.state.log_history[i].values[v].second - value) / value);
      }
    }
    double squares = 0, between = 0;
    for (size_t t = 0; t < x.weights.size(); ++t) {
      for (int64_t i = 0; i < x.weights[t].second.size(); ++i) {
        const double value = x.weights[t].second.data()[i];
        squares += value * value;
        between += std::pow(value - y.weights[t].second.data()[i], 2);
      }
    }
    return std::max(worst, std::sqrt(between / squares));
  }

  // Runs two processes and sends one of them, `rank`, a signal when there is a checkpoint.
  ProcessResult interrupted(const std::string& run, const std::string& rank, int signal) const {
    const std::string script =
        "echo $$ > '" + (folder / "pid").string() + "'$OMPI_COMM_WORLD_RANK; exec \"$@\"";
    ProcessOptions options{.seconds_max = 100};
    bool sent = false;
    options.on_tick = [&] {
      if (sent || !train::newest_checkpoint(folder / run)) return true;
      sent = true;
      return ::kill(std::stoi(read_file(folder / ("pid" + rank))), signal) == 0;
    };
    const Words often = {"--save-steps", "5", "--save-total-limit", "0"};
    const ProcessResult result =
        run_process(kMpi + Words{"sh", "-c", script, "sh"} + sft(run, often, 100000), options);
    EXPECT_TRUE(sent);
    EXPECT_FALSE(result.timed_out) << result.output;
    return result;
  }

  fs::path folder;
};

TEST_F(Mpi, TwoProcessesAreOneWithTwiceTheBatch) {
  const Words exact = {"--precision", "exact"};
  succeed(sft("one", exact + Words{"--per-device-train-batch-size", "4"}));
  succeed(kMpi + sft("two", exact + Words{"--per-device-train-batch-size", "2"}));
  EXPECT_LT(difference("one", "two"), 1e-6);
  succeed(pretrain("one-new", exact + Words{"--per-device-train-batch-size", "4"}));
  succeed(kMpi + pretrain("two-new", exact + Words{"--per-device-train-batch-size", "2"}));
  EXPECT_LT(difference("one-new", "two-new"), 1e-6);
}

TEST_F(Mpi, TwoProcessesGiveTheBitsOfTheirBatchesInTurnAndOneSetOfFiles) {
  succeed(sft("one", {"--gradient-accumulation-steps", "2"}));
  const ProcessResult result = succeed(kMpi + sft("two"));
  EXPECT_EQ(difference("one", "two"), 0);
  for (const char* file : {"adapter_model.safetensors", "optimizer.safetensors", "place.txt"}) {
    EXPECT_EQ(read_file(folder / "one" / "checkpoint-6" / file),
              read_file(folder / "two" / "checkpoint-6" / file));
  }
  int events = 0;
  for (const auto& entry : fs::directory_iterator(folder / "two")) {
    events += entry.path().filename().string().starts_with("events.");
  }
  EXPECT_EQ(events, 1);
  const size_t first = result.output.find("best validation loss");  // of the summary
  EXPECT_NE(first, std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("best validation loss", first + 1), std::string::npos);
}

TEST_F(Mpi, InterruptedAtOneBothStopWithACheckpointThatOneProcessContinues) {
  const ProcessResult result = interrupted("run", "1", SIGINT);
  EXPECT_EQ(result.exit_code, 130) << result.output;
  const int64_t step = train::newest_checkpoint(folder / "run")->step;
  ASSERT_GE(step, 1);
  succeed(sft("run", {"--resume", "--gradient-accumulation-steps", "2"}, step + 3));
  EXPECT_EQ(last("run").state.global_step, step + 3);
}

TEST_F(Mpi, KilledOneEndsTheOtherAndTheLastCheckpointIsGood) {
  const ProcessResult result = interrupted("run", "1", SIGKILL);
  EXPECT_NE(result.exit_code, 0);
  const auto found = train::newest_checkpoint(folder / "run");
  ASSERT_TRUE(found);
  EXPECT_EQ(train::checkpoint_fault(found->folder), "");
  succeed(kMpi + sft("run", {"--resume"}, found->step + 2));
  EXPECT_EQ(last("run").state.global_step, found->step + 2);
}

TEST_F(Mpi, ErrorsEndAllWithOneMessage) {
  const auto refused = [&](const Words& words, const std::string& part) {
    const ProcessResult result = run_process(words, {.seconds_max = 60});
    EXPECT_NE(result.exit_code, 0);
    EXPECT_FALSE(result.timed_out);
    const size_t at = result.output.find(part);
    EXPECT_NE(at, std::string::npos) << result.output;
    EXPECT_EQ(result.output.find(part, at + 1), std::string::npos) << result.output;
  };
  refused(kMpi + sft("run", {"--validation-dataset", (folder / "nothing.jsonl").string()}),
          "nothing.jsonl");
  refused(kMpi + sft("run", {"--search"}), "--search runs in one process");
  refused(kMpi + Words{ONDOL_PROGRAM, "train", "tokenizer", "--dataset",
                       (folder / "text.txt").string(), "--output-dir", (folder / "run").string()},
          "tokenizer runs in one process");
  // The launcher of another MPI: each would be alone.
  refused(Words{"env", "PMI_SIZE=2", "PMI_RANK=0"} + sft("other"), "but joined 1");
  EXPECT_FALSE(fs::exists(folder / "other"));
  // A program that was built without MPI.
  fs::copy_file(ONDOL_PROGRAM, folder / "ondol");
  Words words = sft("other");
  words[0] = (folder / "ondol").string();
  refused(Words{"env", "OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=0"} + words,
          "built without MPI");
  EXPECT_FALSE(fs::exists(folder / "other"));
}

}  // namespace
}  // namespace ondol::cli

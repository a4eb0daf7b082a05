// Checkpoints: whole or not at all, also through kill -9 and a full disk.
#include "train/checkpoint.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/files.h"
#include "support/child.h"
#include "train/run_test_support.h"

namespace ondol::train::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kFolderVariable = "ONDOL_TEST_CHECKPOINT_FOLDER";

Checkpoint checkpoint_of(int64_t step, int64_t floats = 1000) {
  Checkpoint checkpoint;
  checkpoint.state.global_step = step;
  checkpoint.state.epoch = 0.1 * static_cast<double>(step);
  for (int64_t i = 1; i <= step && i < 50; ++i) {
    checkpoint.state.log_history.push_back({i, 0.1, {{"loss", 1.0 / 3 / static_cast<double>(i)}}});
  }
  checkpoint.weights_file = "adapter_model.safetensors";
  const auto stream = static_cast<uint64_t>(step);
  checkpoint.weights = {{"a.lora_A.weight", random_tensor({floats / 10, 10}, stream)},
                        {"a.lora_B.weight", random_tensor({7}, stream + 1)}};
  Tensor count = Tensor::zeros(DType::kI64, {1});
  *count.data<int64_t>() = step;
  Tensor codes = Tensor::zeros(DType::kI8, {3});
  codes.data<int8_t>()[1] = -5;
  checkpoint.optimizer = {{"step", count}, {"a.exp_avg.codes", codes}};
  checkpoint.texts = {{"adapter_config.json", "{}"},
                      {"parts/config.json", "{1}"},
                      {"rng.json", std::to_string(step)}};
  return checkpoint;
}

bool same_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  size_t found = 0;
  for (const auto& [name, tensor] : a) {
    for (const auto& [other, with] : b) found += name == other && same_bytes(tensor, with) ? 1 : 0;
  }
  return found == a.size() && a.size() == b.size();
}

void expect_same(const Checkpoint& got, const Checkpoint& want) {
  EXPECT_EQ(to_json(got.state), to_json(want.state));
  EXPECT_EQ(got.weights_file, want.weights_file);
  EXPECT_TRUE(same_tensors(got.weights, want.weights));
  EXPECT_TRUE(same_tensors(got.optimizer, want.optimizer));
  EXPECT_EQ(got.texts, want.texts);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Checkpoint, ComesBackToTheBit) {
  const TemporaryFolder run;
  EXPECT_FALSE(newest_checkpoint(run.path()));
  EXPECT_FALSE(newest_checkpoint(run.path() / "none"));
  for (const int64_t step : {3, 20, 100}) save_checkpoint(run.path(), checkpoint_of(step));
  const auto found = newest_checkpoint(run.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 100);
  EXPECT_EQ(found->folder.filename(), "checkpoint-100");
  expect_same(load_checkpoint(found->folder), checkpoint_of(100));
  EXPECT_EQ(names_in(found->folder),
            (std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors",
                                      "manifest.json", "optimizer.safetensors", "parts", "rng.json",
                                      "trainer_state.json"}));
  // Saved again, the same step has what was saved last.
  Checkpoint again = checkpoint_of(100);
  again.texts["rng.json"] = "other";
  save_checkpoint(run.path(), again);
  expect_same(load_checkpoint(found->folder), again);
  EXPECT_EQ(names_in(run.path()),
            (std::vector<std::string>{"checkpoint-100", "checkpoint-20", "checkpoint-3"}));
}

TEST(Checkpoint, TheBestAndTheNewestStay) {
  const TemporaryFolder run;
  for (const int64_t step : {2, 4, 6, 8, 10}) {
    Checkpoint checkpoint = checkpoint_of(step);
    checkpoint.state.best_global_step = step < 4 ? 2 : 4;
    save_checkpoint(run.path(), checkpoint, {.keep = 2});
    EXPECT_EQ(fs::read_symlink(run.path() / "best"), step < 4 ? "checkpoint-2" : "checkpoint-4");
    EXPECT_TRUE(fs::exists(run.path() / "best" / "manifest.json"));
  }
  EXPECT_EQ(names_in(run.path()),
            (std::vector<std::string>{"best", "checkpoint-10", "checkpoint-4"}));
  Checkpoint last = checkpoint_of(12);
  last.state.best_global_step = 4;
  save_checkpoint(run.path(), last, {.keep = 1});
  EXPECT_EQ(names_in(run.path()),
            (std::vector<std::string>{"best", "checkpoint-12", "checkpoint-4"}));
}

// Whatever is wrong with the newest, the one before it is taken and the fault is said.
TEST(Checkpoint, TornOnesAreIgnored) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"manifest.json", "did not end"},
      {"trainer_state.json", "trainer_state.json is missing"},
      {"adapter_model.safetensors", "adapter_model.safetensors is missing"},
      {"rng.json", "rng.json is missing"}};
  for (const auto& [file, says] : faults) {
    const TemporaryFolder run;
    save_checkpoint(run.path(), checkpoint_of(5));
    const fs::path newer = save_checkpoint(run.path(), checkpoint_of(9));
    fs::remove(newer / file);
    std::vector<std::string> torn;
    EXPECT_EQ(newest_checkpoint(run.path(), &torn)->step, 5);
    ASSERT_EQ(torn.size(), 1U);
    EXPECT_NE(torn[0].find("checkpoint-9: "), std::string::npos);
    EXPECT_NE(torn[0].find(says), std::string::npos) << torn[0];
    EXPECT_NE(refusal(ErrorCode::kCorruptData, [&] { load_checkpoint(newer); }).find(says),
              std::string::npos);
  }
  const TemporaryFolder run;
  save_checkpoint(run.path(), checkpoint_of(5));
  const fs::path newer = save_checkpoint(run.path(), checkpoint_of(9));
  for (const std::string& listed : names_in(newer)) {
    const std::string name = listed == "parts" ? "parts/config.json" : listed;
    const std::string good = read_file(newer / name);
    for (const bool cut : {false, true}) {
      std::string bad = good;
      if (cut) bad.resize(bad.size() / 2);
      if (!cut) bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
      write_file_atomic(newer / name, bad);
      EXPECT_EQ(newest_checkpoint(run.path())->step, 5) << name << " cut " << cut;
    }
    write_file_atomic(newer / name, good);
    EXPECT_EQ(newest_checkpoint(run.path())->step, 9);
  }
}

TEST(Checkpoint, ManifestsOfStrangersAreRefused) {
  const TemporaryFolder run;
  const fs::path folder = save_checkpoint(run.path(), checkpoint_of(9));
  const std::string files =
      R"("step":9,"weights":"trainer_state.json","files":{"trainer_state.json":{"size":1},)";
  for (const std::string& bad :
       {std::string("[]"), std::string("{}"), std::string("nonsense"),
        std::string(R"({"format":"other","version":1})"),
        std::string(R"({"format":"ondol-checkpoint","version":2})"),
        std::string(R"({"format":"ondol-checkpoint","version":1,"step":8})"),
        std::string(R"({"format":"ondol-checkpoint","version":1,"step":9,"files":7})"),
        R"({"format":"ondol-checkpoint","version":1,)" + files + R"("../x":{}}})",
        R"({"format":"ondol-checkpoint","version":1,)" + files + R"("/etc/hostname":{}}})"}) {
    write_file_atomic(folder / "manifest.json", bad);
    EXPECT_NE(checkpoint_fault(folder), "") << bad;
    EXPECT_FALSE(newest_checkpoint(run.path())) << bad;
  }
}

TEST(Checkpoint, NamesThatLeaveTheFolderAreRefused) {
  const TemporaryFolder run;
  for (const std::string name : {"../x", "a/../b", "a/b/c", "a/.b", "/a", "a/", ".hidden", "",
                                 "manifest.json", "trainer_state.json"}) {
    Checkpoint checkpoint = checkpoint_of(1);
    checkpoint.texts[name] = "x";
    EXPECT_NE(
        refusal(ErrorCode::kInvalidArgument, [&] { save_checkpoint(run.path(), checkpoint); }), "")
        << name;
  }
  EXPECT_TRUE(names_in(run.path()).empty());  // and nothing half done stays
}

TEST(Checkpoint, FoldersOfOthersStayAsTheyAre) {
  const TemporaryFolder run;
  for (const char* name : {"checkpoint-x", "checkpoint-", "checkpoint-5b", "checkpoint--3"}) {
    fs::create_directory(run.path() / name);
  }
  write_file_atomic(run.path() / "checkpoint-7", "a file");
  for (const int64_t step : {1, 2, 3})
    save_checkpoint(run.path(), checkpoint_of(step), {.keep = 1});
  EXPECT_EQ(names_in(run.path()).size(), 6U);
  EXPECT_NE(
      refusal(ErrorCode::kResourceExhausted, [&] { save_checkpoint(run.path(), checkpoint_of(7)); })
          .find("checkpoint-7"),
      std::string::npos);
  EXPECT_EQ(newest_checkpoint(run.path())->step, 3);
}

// No file of this process can grow beyond `bytes` while this lives: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    previous_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, previous_);
  }

 private:
  rlimit before_{};
  void (*previous_)(int) = nullptr;
};

TEST(Checkpoint, AFullDiskLosesNothing) {
  const TemporaryFolder run;
  save_checkpoint(run.path(), checkpoint_of(5), {.keep = 1});
  for (const rlim_t room : {0UL, 20UL, 1000UL, 4000UL}) {
    {
      const FullDisk full(room);
      const std::string said = refusal(ErrorCode::kResourceExhausted, [&] {
        save_checkpoint(run.path(), checkpoint_of(9), {.keep = 1});
      });
      EXPECT_NE(said.find("cannot write"), std::string::npos) << said;
    }
    EXPECT_EQ(names_in(run.path()), std::vector<std::string>{"checkpoint-5"}) << room;
    expect_same(load_checkpoint(newest_checkpoint(run.path())->folder), checkpoint_of(5));
  }
  save_checkpoint(run.path(), checkpoint_of(9), {.keep = 1});
  EXPECT_EQ(names_in(run.path()), std::vector<std::string>{"checkpoint-9"});
}

constexpr int64_t kChildFloats = 200'000;

// What the child below runs: one save after the other, until it is killed.
TEST(CheckpointChild, DISABLED_SavesUntilItIsKilled) {
  const char* folder = std::getenv(kFolderVariable);
  ASSERT_NE(folder, nullptr);
  const auto before = newest_checkpoint(folder);
  for (int64_t step = before ? before->step + 1 : 1; step < 1'000'000; ++step) {
    Checkpoint checkpoint = checkpoint_of(step, kChildFloats);
    checkpoint.state.best_global_step = step - step % 3;
    save_checkpoint(folder, checkpoint, {.keep = 2});
    // The same step once more now and then, as a stop right after a save does.
    if (step % 4 == 0) save_checkpoint(folder, checkpoint, {.keep = 2});
  }
}

pid_t spawn_child(const fs::path& folder) {
  return ondol::testing::spawn_test_child("CheckpointChild.*",
                                          std::string(kFolderVariable) + "=" + folder.string());
}

// Waits until something is true, at most 20 seconds.
template <class Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

int unfinished_in(const fs::path& folder) {
  int count = 0;
  for (const std::string& name : names_in(folder))
    count += name.starts_with(".checkpoint-") ? 1 : 0;
  return count;
}

TEST(Checkpoint, SurvivesKillMinusNine) {
  const TemporaryFolder run;
  Rng rng(11);
  int64_t before = 0;
  int unfinished = 0;
  for (int round = 0; round < 12; ++round) {
    const pid_t child = spawn_child(run.path());
    ASSERT_GT(child, 0);
    // After something was saved: every other round as soon as a save is seen under way, so that
    // some are cut short on any disk; else at any moment.
    EXPECT_TRUE(comes_true([&] {
      const auto found = newest_checkpoint(run.path());
      return found && found->step > before;
    }));
    if (round % 2 == 0) {
      EXPECT_TRUE(comes_true([&] { return unfinished_in(run.path()) > 0; }));
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(rng.below(30'000)));
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    std::vector<std::string> torn;
    const auto found = newest_checkpoint(run.path(), &torn);
    ASSERT_TRUE(found);
    EXPECT_TRUE(torn.empty()) << torn[0];  // what has the name is whole
    EXPECT_GT(found->step, before);
    before = found->step;
    Checkpoint want = checkpoint_of(before, kChildFloats);
    want.state.best_global_step = before - before % 3;
    expect_same(load_checkpoint(found->folder), want);
    unfinished += unfinished_in(run.path());
    sweep_unfinished(run.path());
    EXPECT_EQ(unfinished_in(run.path()), 0);
  }
  EXPECT_GT(unfinished, 0);  // some were hit in the middle of a save
}

}  // namespace
}  // namespace ondol::train::testing

// Several processes of a training run, played by threads: what they make together is what one makes
// alone. (The program under mpirun: cli/mpi_test.cpp.)
#include "app/processes.h"

#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <cstring>
#include <thread>

#include "app/train_test_support.h"
#include "base/files.h"
#include "train/checkpoint.h"

namespace ondol::app::testing {
namespace {

// What the threads of a group hand to one another.
struct Table {
  explicit Table(int size) : meet(size), at(static_cast<size_t>(size)) {}
  std::barrier<> meet;
  std::vector<std::byte*> at;
};

class ThreadCommunicator final : public train::Communicator {
 public:
  ThreadCommunicator(Table& table, int rank) : table_(table), rank_(rank) {}
  int size() const override { return static_cast<int>(table_.at.size()); }
  int rank() const override { return rank_; }
  int on_this_machine() const override { return size(); }
  int on_these_cores() const override { return size(); }
  void sum(std::span<float> values, int ranks) override {
    std::vector<float> sums;
    with_all(std::as_writable_bytes(values), [&] {
      sums.assign(at<float>(0), at<float>(0) + values.size());
      for (int r = 1; r < ranks; ++r) {
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += at<float>(r)[i];
      }
    });
    std::ranges::copy(sums, values.begin());
  }
  void sum(std::span<double> values) override {
    std::vector<double> sums(values.size());
    with_all(std::as_writable_bytes(values), [&] {
      for (int r = 0; r < size(); ++r) {
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += at<double>(r)[i];
      }
    });
    std::ranges::copy(sums, values.begin());
  }
  void broadcast(std::span<std::byte> bytes) override {
    with_all(bytes, [&] {
      if (rank_ > 0) std::memcpy(bytes.data(), at<std::byte>(0), bytes.size());
    });
  }
  void finish() override { finished = true; }
  bool finished = false;

 private:
  template <class T>
  const T* at(int r) const {
    return reinterpret_cast<const T*>(table_.at[static_cast<size_t>(r)]);
  }
  template <class Body>
  void with_all(std::span<std::byte> mine, const Body& body) {
    table_.at[static_cast<size_t>(rank_)] = mine.data();
    table_.meet.arrive_and_wait();
    body();
    table_.meet.arrive_and_wait();
  }
  Table& table_;
  int rank_;
};

// Calls body(communicator) in as many threads; what each threw, by rank.
template <class Body>
std::vector<std::string> together(int size, const Body& body) {
  Table table(size);
  std::vector<std::string> errors(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadCommunicator communicator(table, rank);
      try {
        body(communicator);
      } catch (const Error& error) {
        errors[static_cast<size_t>(rank)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

class Processes : public ::testing::Test {
 protected:
  Processes() {
    fields = short_run(folder.path());
    fields.lora_r = 2;
    fields.packing = false;
    fields.per_device_train_batch_size = 5;  // 32 rows: seven batches an epoch
    fields.num_train_epochs = 2;
    fields.max_steps = -1;
  }

  TrainSummary run(const TrainFields& f, const TrainJob& job) const {
    Session session({folder.path() / "home"}, {.threads = 1});
    return train_run(method, f, session, job);
  }
  std::vector<std::string> run_together(int size, const TrainFields& f, TrainJob job = {},
                                        ProgressSink* of_last = nullptr) const {
    return together(size, [&](ThreadCommunicator& communicator) {
      TrainJob own = job;
      own.processes = &communicator;
      if (communicator.rank() > 0) own.on_metrics = nullptr;
      if (communicator.rank() == size - 1) own.progress = of_last;
      run(f, own);
      EXPECT_TRUE(communicator.finished);
    });
  }
  TrainFields in(const std::string& name, int64_t accumulation) const {
    TrainFields f = fields;
    f.output_dir = (folder.path() / name).string();
    f.gradient_accumulation_steps = accumulation;
    return f;
  }
  static void expect_same(const TrainFields& a, const TrainFields& b, const char* weights) {
    const auto found = train::newest_checkpoint(a.output_dir);
    ASSERT_TRUE(found);
    const fs::path name = found->folder.filename();
    for (const char* file : {weights, "optimizer.safetensors"}) {
      EXPECT_EQ(read_file(found->folder / file), read_file(fs::path(b.output_dir) / name / file))
          << file << " of " << name;
    }
  }
  // Loss and validation of every logged step.
  static std::vector<double> losses(const TrainFields& f) {
    std::vector<double> all;
    for (const train::LogEntry& entry : train::RunFolder(f.output_dir).metrics()) {
      for (const auto& [name, value] : entry.values) {
        if (name == "loss" || name == "eval_loss" || name == "grad_norm") all.push_back(value);
      }
    }
    return all;
  }

  TempFolder folder;
  TrainFields fields;
  std::string_view method = "sft";
};

TEST_F(Processes, ThreeWithOneBatchEachAreOneWithThree) {
  fields.neftune_noise_alpha = 5;  // drawn by the number of a batch, whoever has it
  fields.lora_dropout = 0.1;
  const TrainFields alone = in("alone", 3), group = in("group", 1);
  const TrainSummary one = run(alone, {});
  EXPECT_EQ(one.total_steps, 6);  // seven batches: two of the three have none in the last step
  EXPECT_EQ(run_together(3, group), std::vector<std::string>(3));
  expect_same(alone, group, "adapter_model.safetensors");
  EXPECT_GT(losses(alone).size(), 10U);
  EXPECT_EQ(losses(alone), losses(group));
}

TEST_F(Processes, TwoWithHalfOfABatchAreOneWithTheWhole) {
  method = "pretrain";
  std::ofstream text(folder.path() / "text.txt");
  for (int i = 0; i < 300; ++i) text << "the " << i % 7 << " and the " << i % 5 << "\n";
  text.close();
  fields.dataset = {(folder.path() / "text.txt").string()};
  fields.hidden_size = 32;
  fields.num_hidden_layers = 2;
  fields.weight_form = "f32";
  TrainFields alone = in("alone", 2), group = in("group", 2);
  alone.per_device_train_batch_size = 4;
  group.per_device_train_batch_size = 2;
  const auto exactly = [&](const TrainFields& f, const TrainJob& job) {
    Session session({folder.path() / "home"}, {.threads = 1, .precision = Precision::kExact});
    train_run(method, f, session, job);
  };
  exactly(alone, {});
  const auto errors = together(
      2, [&](ThreadCommunicator& communicator) { exactly(group, {.processes = &communicator}); });
  EXPECT_EQ(errors, std::vector<std::string>(2));
  const std::vector<double> a = losses(alone), b = losses(group);
  ASSERT_EQ(a.size(), b.size());
  ASSERT_GT(a.size(), 10U);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6 * a[i]) << i;
}

TEST_F(Processes, AStopAtOneEndsAllAndAnotherNumberGoesOn) {
  fields.num_train_epochs = 3;
  for (const char* optim : {"adamw_torch", "adamw_8bit"}) {
    fields.optim = optim;
    const std::string name = optim;
    const TrainFields whole = in(name + "-whole", 2);
    run(whole, {});
    StopAfter stop(4);
    for (const std::string& error : run_together(2, in(name + "-stopped", 1), {}, &stop)) {
      EXPECT_NE(error.find("stopped"), std::string::npos);
    }
    const TrainFields alone = in(name + "-stopped", 2);
    EXPECT_EQ(train::newest_checkpoint(alone.output_dir)->step, 4);
    run(alone, {.resume = true});
    expect_same(whole, alone, "adapter_model.safetensors");

    StopAfter again(5);
    const TrainFields other = in(name + "-other", 2);
    EXPECT_THROW(run(other, {.progress = &again}), Error);
    EXPECT_EQ(run_together(2, in(name + "-other", 1), {.resume = true}),
              std::vector<std::string>(2));
    expect_same(whole, other, "adapter_model.safetensors");
    EXPECT_EQ(losses(whole), losses(other));
  }
}

TEST_F(Processes, GoingOnWithAnotherGlobalBatchIsRefused) {
  StopAfter stop(2);
  EXPECT_THROW(run(in("run", 2), {.progress = &stop}), Error);
  try {
    run(in("run", 3), {.resume = true});
    FAIL() << "went on";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("10 packs a step; got 15"), std::string::npos) << text;
  }
}

TEST_F(Processes, AllStopWhenTheyWouldTrainDifferentThings) {
  const auto errors = together(2, [&](ThreadCommunicator& communicator) {
    TrainFields f = in("run", 1);
    if (communicator.rank() == 1) f.learning_rate *= 2;
    run(f, {.processes = &communicator});
  });
  for (const std::string& error : errors) {
    EXPECT_NE(error.find("the processes differ"), std::string::npos) << error;
  }
  const auto drifted = together(2, [&](ThreadCommunicator& communicator) {
    std::vector<train::Parameter> parameters(1);
    parameters[0].value = Tensor::zeros(DType::kF32, {3});
    expect_same_parameters(communicator, parameters);
    parameters[0].value.data()[2] = communicator.rank() == 0 ? 1.0F : std::nextafter(1.0F, 2.0F);
    expect_same_parameters(communicator, parameters);
  });
  for (const std::string& error : drifted) {
    EXPECT_NE(error.find("no longer hold the same"), std::string::npos) << error;
  }
}

TEST_F(Processes, SumsOfManySizesArriveWhereTheyBelong) {
  const auto errors = together(3, [&](ThreadCommunicator& communicator) {
    std::vector<Tensor> tensors;
    for (const int64_t size : {int64_t{1}, int64_t{3} << 20, int64_t{7}, int64_t{1} << 20}) {
      tensors.push_back(Tensor::zeros(DType::kF32, {size}));
      float* values = tensors.back().data();
      for (int64_t i = 0; i < size; ++i) {
        values[i] = static_cast<float>(i % 1000 + 10 * communicator.rank());
      }
    }
    train::sum_gradients(communicator, tensors, 2);
    for (const Tensor& tensor : tensors) {
      int64_t wrong = 0;
      for (int64_t i = 0; i < tensor.size(); ++i) {
        wrong += tensor.data()[i] != static_cast<float>(2 * (i % 1000) + 10);
      }
      EXPECT_EQ(wrong, 0) << tensor.size();
    }
    EXPECT_TRUE(train::any_of(communicator, communicator.rank() == 2));
    EXPECT_FALSE(train::any_of(communicator, false));
    EXPECT_EQ(train::broadcast_text(communicator, communicator.rank() == 0 ? "all" : "mine"),
              "all");
    EXPECT_TRUE(train::same_text(communicator, "a"));
    EXPECT_FALSE(train::same_text(communicator, communicator.rank() == 1 ? "a" : "b"));
  });
  EXPECT_EQ(errors, std::vector<std::string>(3));
}

TEST(LaunchOfEnvironment, IsWhatTheLauncherSaysOrAlone) {
  const auto of = [](const char* size, const char* rank) {
    ::setenv("OMPI_COMM_WORLD_SIZE", size, 1);
    ::setenv("OMPI_COMM_WORLD_RANK", rank, 1);
    const Launch launch = launch_of_environment();
    ::unsetenv("OMPI_COMM_WORLD_SIZE");
    ::unsetenv("OMPI_COMM_WORLD_RANK");
    return std::pair(launch.size, launch.rank);
  };
  EXPECT_EQ(of("4", "3"), std::pair(4, 3));
  EXPECT_EQ(of("1", "0"), std::pair(1, 0));
  EXPECT_EQ(of("much", "0"), std::pair(1, 0));
  ::setenv("PMI_SIZE", "2", 1);
  ::setenv("PMI_RANK", "1", 1);
  EXPECT_EQ(launch_of_environment().rank, 1);
  ::unsetenv("PMI_SIZE");
  ::unsetenv("PMI_RANK");
  EXPECT_EQ(launch_of_environment().size, 1);
}

TEST(LaunchOfEnvironment, WithoutTheLibraryThereIsAClearError) {
  TempFolder empty;
  EXPECT_FALSE(train::has_communicator(empty.path()));
  for (const bool torn : {false, true}) {
    if (torn) write_file_atomic(empty.path() / "ondol_mpi.so", "no library");
    try {
      train::load_communicator(empty.path());
      FAIL() << "loaded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      const std::string text = error.what();
      EXPECT_NE(text.find(torn ? "cannot load" : "built without MPI"), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace ondol::app::testing

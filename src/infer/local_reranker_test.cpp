// The cross-encoder against Hugging Face (tests/golden/models/bert_reranker), and folders that are
// none.
#include "infer/local_reranker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/files.h"
#include "infer/test_support.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"

namespace ondol {
namespace {

using nlohmann::json;

constexpr double kTolerance = 2e-5;  // absolute, on scores of about 1

json expected() {
  return json::parse(
      read_file(testing::golden_dir() / "models" / "bert_reranker" / "expected.json"));
}

LocalReranker reranker(LocalRerankerOptions options = {.precision = Precision::kExact}) {
  return {testing::load_tiny("bert_reranker"), std::make_unique<ThreadPool>(2), options};
}

TEST(LocalReranker, ScoresAreThoseOfHuggingFace) {
  LocalReranker local = reranker();
  for (const json& row : expected()["pairs"]) {
    const std::vector<std::string> passages = row["passages"];
    const std::vector<double> want = row["scores"];
    const auto got = local.scores(row["question"], passages);
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_NEAR(got[i], want[i], kTolerance) << passages[i].substr(0, 40);
    }
  }
}

TEST(LocalReranker, PairsAreCutAsTheReferenceCutsThem) {
  const CrossEncoder cross(testing::load_tiny("bert_reranker"));
  for (const json& row : expected()["pairs"]) {
    for (size_t i = 0; i < row["passages"].size(); ++i) {
      EXPECT_EQ(cross.pair(row["question"], row["passages"][i]).ids.size(),
                row["tokens"][i].get<size_t>());
    }
  }
  std::string longest;
  for (int i = 0; i < 400; ++i) longest += "the ";
  const TokenPair both = cross.pair(longest, longest);
  EXPECT_EQ(both.ids.size(), 160u);
  EXPECT_EQ(std::ranges::count(both.types, 1), 160 / 2 - 1);  // half of the room, and [SEP]
  EXPECT_EQ(cross.pair("", "").ids.size(), 3u);
}

TEST(LocalReranker, BatchesAndThreadsChangeNoBit) {
  const json row = expected()["pairs"][0];
  const std::vector<std::string> passages = row["passages"];
  LocalReranker one = reranker();
  const auto want = one.scores(row["question"], passages);
  LocalReranker small = reranker({.precision = Precision::kExact, .batch_tokens_max = 1});
  EXPECT_EQ(small.scores(row["question"], passages), want);
  std::vector<std::thread> threads;
  std::vector<std::vector<double>> got(4);
  for (auto& scores : got) {
    threads.emplace_back([&] { scores = one.scores(row["question"], passages); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& scores : got) EXPECT_EQ(scores, want);
  EXPECT_TRUE(one.scores("x", {}).empty());
  EXPECT_NE(one.id(), reranker({.precision = Precision::kFast}).id());
}

// A copy of the folder with its tensors changed.
class HostileReranker : public ::testing::Test {
 protected:
  HostileReranker() {
    std::filesystem::remove_all(folder);
    std::filesystem::copy(testing::golden_dir() / "models" / "bert_reranker", folder,
                          std::filesystem::copy_options::recursive);
  }
  ~HostileReranker() override { std::filesystem::remove_all(folder); }

  // Every tensor but `name`, which is left out, or put in with other values.
  void change(const std::string& name, const Shape& shape, float value) {
    io::SafetensorsWriter writer;
    std::vector<float> values(static_cast<size_t>(element_count(shape)), value);
    {
      const auto file = io::SafetensorsFile::open(folder / "model.safetensors");
      bool found = false;
      for (const io::TensorInfo& tensor : file.tensors()) {
        found = found || tensor.name == name;
        if (tensor.name != name) {
          writer.add_tensor(tensor.name, tensor.dtype, tensor.shape, tensor.bytes);
        } else if (!shape.empty()) {
          writer.add_tensor(name, DType::kF32, shape, std::as_bytes(std::span(values)));
        }
      }
      ASSERT_TRUE(found) << name;
      changed = writer.build();
    }
    write_file_atomic(folder / "model.safetensors", changed);
  }
  void expect(ErrorCode code, const std::vector<std::string>& words) const {
    testing::expect_error(
        [&] {
          ThreadPool pool(1);
          CrossEncoder cross(std::make_shared<const Model>(load_model(folder, pool)));
        },
        code, words);
  }

  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("ondol_reranker_" + std::to_string(::getpid()));
  std::string changed;
};

TEST_F(HostileReranker, MissingWeightsAreNamed) {
  for (const char* name : {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight",
                           "bert.pooler.dense.bias"}) {
    change(name, {}, 0);
    const std::string part =
        std::string(name).substr(std::string(name).find("pooler") != std::string::npos ? 5 : 0);
    expect(ErrorCode::kCorruptData, {part});
    std::filesystem::copy_file(
        testing::golden_dir() / "models" / "bert_reranker" / "model.safetensors",
        folder / "model.safetensors", std::filesystem::copy_options::overwrite_existing);
  }
}

TEST_F(HostileReranker, TwoLabelsAreNoScore) {
  change("classifier.weight", {2, 64}, 0.5F);
  expect(ErrorCode::kUnsupported, {"2 labels", "rerank = \"model\""});
}

TEST_F(HostileReranker, OtherShapesAreRefused) {
  change("classifier.weight", {1, 63}, 0.5F);
  expect(ErrorCode::kCorruptData, {"classifier.weight", "63"});
}

TEST_F(HostileReranker, ASquareThatIsNoneIsRefused) {
  change("bert.pooler.dense.weight", {64, 32}, 0.5F);
  expect(ErrorCode::kCorruptData, {"pooler.dense.weight"});
}

TEST_F(HostileReranker, ValuesThatAreNoNumbersAreRefused) {
  change("classifier.bias", {1}, std::numeric_limits<float>::quiet_NaN());
  expect(ErrorCode::kCorruptData, {"classifier.bias", "finite"});
}

TEST(LocalRerankers, OtherModelsAreNoCrossEncoders) {
  testing::expect_error([] { CrossEncoder cross(testing::load_tiny("bert")); },
                        ErrorCode::kCorruptData, {"classifier.weight"});
  testing::expect_error([] { CrossEncoder cross(testing::load_tiny("llama_tied")); },
                        ErrorCode::kUnsupported, {"scores no pairs", "llama"});
}

}  // namespace
}  // namespace ondol

#include "io/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.h"
#include "io/safetensors_writer.h"
#include "io/shard_index.h"

namespace ondol::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto kCorrupt = ErrorCode::kCorruptData;

// A folder that goes away with the test.
class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest()
      : folder_(fs::path(::testing::TempDir()) / ("ondol_folder_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~ModelFolderTest() override { fs::remove_all(folder_); }

  void put(const std::string& file, std::string_view content) {
    write_file_atomic(folder_ / file, content);
  }
  // A file of f32 tensors, each with one value.
  void put_weights(const std::string& file, const std::vector<std::string>& names) {
    SafetensorsWriter writer;
    for (const std::string& name : names) {
      writer.add_tensor(name, DType::kF32, {1}, std::as_bytes(std::span(&kValue, 1)));
    }
    writer.write(folder_ / file);
  }
  void expect_refused(ErrorCode code, const std::string& part) {
    try {
      ModelFolder::open(folder_);
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(part));
      EXPECT_THAT(error.what(), HasSubstr(folder_.string()));
    }
  }

  static constexpr float kValue = 1.5f;
  fs::path folder_;
};

TEST_F(ModelFolderTest, OneFile) {
  put("config.json", "{}");
  put("tokenizer.json", "tok");
  put("1_Pooling/config.json", "pool");
  put("chat_template.jinja", "{{ x }}");
  put_weights("model.safetensors", {"b", "a"});
  const ModelFolder folder = ModelFolder::open(folder_);
  EXPECT_EQ(folder.name(), folder_.string());
  EXPECT_EQ(folder.texts().config, "{}");
  EXPECT_EQ(folder.texts().tokenizer, "tok");
  EXPECT_EQ(folder.texts().pooling, "pool");
  EXPECT_EQ(folder.texts().chat_template, "{{ x }}");
  EXPECT_EQ(folder.texts().modules, std::nullopt);
  EXPECT_THAT(folder.files(),
              ElementsAre(folder_ / "config.json", folder_ / "tokenizer.json",
                          folder_ / "chat_template.jinja", folder_ / "1_Pooling/config.json",
                          folder_ / "model.safetensors"));
  EXPECT_THAT(folder.read_f32("a"), ElementsAre(1.5f));
  folder.drop(folder.require_tensor("b", {1}));
  EXPECT_EQ(folder.find_tensor("c"), nullptr);
  EXPECT_THROW(folder.require_tensor("c"), Error);
}

TEST_F(ModelFolderTest, Shards) {
  put("config.json", "{}");
  put_weights("m-1.safetensors", {"a", "b"});
  put_weights("m-2.safetensors", {"c"});
  put("model.safetensors.index.json",
      R"({"weight_map":{"c":"m-2.safetensors","a":"m-1.safetensors","b":"m-1.safetensors"}})");
  const ModelFolder folder = ModelFolder::open(folder_);
  ASSERT_EQ(folder.tensors().size(), 3u);
  EXPECT_EQ(folder.tensors()[2].name, "c");
  EXPECT_THAT(folder.read_f32("c"), ElementsAre(1.5f));
  folder.drop(folder.require_tensor("c"));
  EXPECT_EQ(folder.files().size(), 4u);
}

TEST_F(ModelFolderTest, UnreadableTensorsKeepTheirReason) {
  put("config.json", "{}");
  const std::string header = R"({"mask":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})";
  const uint64_t size = header.size();
  put("model.safetensors",
      std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(1, '\1'));
  const ModelFolder folder = ModelFolder::open(folder_);
  try {
    folder.require_tensor("mask");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("tensor 'mask' has type BOOL"));
  }
}

TEST_F(ModelFolderTest, MissingParts) {
  expect_refused(ErrorCode::kNotFound, "has no config.json");
  put("config.json", "{}");
  expect_refused(ErrorCode::kNotFound, "has no weights");
  put("model.safetensors.index.json", R"({"weight_map":{"a":"gone.safetensors"}})");
  expect_refused(ErrorCode::kNotFound, "gone.safetensors");
  fs::remove_all(folder_);
  expect_refused(ErrorCode::kNotFound, "is no folder");
}

TEST_F(ModelFolderTest, IndexAndShardsDisagree) {
  put("config.json", "{}");
  put_weights("m-1.safetensors", {"a"});
  put_weights("m-2.safetensors", {"b"});
  const std::string index = "model.safetensors.index.json";
  put(index, R"({"weight_map":{"a":"m-1.safetensors","z":"m-2.safetensors"}})");
  expect_refused(kCorrupt, "names 'm-2.safetensors' for tensor 'z', which is not in that file");
  put(index, R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})");
  expect_refused(kCorrupt, "names 'm-2.safetensors' for tensor 'a'");
  put_weights("m-2.safetensors", {"a", "b"});
  put(index, R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  expect_refused(kCorrupt, "tensor 'a' stands in two files");
}

TEST(ShardIndex, RefusesWhatCouldLeaveTheFolder) {
  const std::vector<std::string> names = {
      "../m.safetensors",
      "/etc/m.safetensors",
      "a/m.safetensors",
      "..\\\\m.safetensors",
      ".hidden.safetensors",
      ".safetensors",
      "m.bin",
      "C:m.safetensors",
      "m\\u0000.safetensors",
      "",
  };
  for (const std::string& name : names) {
    try {
      parse_shard_index(R"({"weight_map":{"t":")" + name + R"("}})", "i.json");
      ADD_FAILURE() << "accepted " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), kCorrupt);
      EXPECT_THAT(error.what(), HasSubstr("'i.json': file of 't' in weight_map; got '"));
    }
  }
}

TEST(ShardIndex, RefusesOtherShapes) {
  const std::string deep =
      R"({"weight_map":{"t":)" + std::string(200000, '[') + std::string(200000, ']') + "}}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the index is no JSON object"},
      {"[1]", "the index is no JSON object"},
      {"{\"weight_map\":", "the index is no JSON object"},
      {"{}", "weight_map; expected an object"},
      {R"({"weight_map":[]})", "weight_map; expected an object"},
      {R"({"weight_map":{}})", "weight_map; expected an object from 1"},
      {R"({"weight_map":{"t":1}})", "file of 't' in weight_map; got number"},
      {deep, "file of 't' in weight_map; got array"},
  };
  for (const auto& [text, message] : cases) {
    try {
      parse_shard_index(text, "i.json");
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), kCorrupt);
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
  EXPECT_EQ(parse_shard_index(R"({"weight_map":{"t":"m.safetensors"}})", "i").at("t"),
            "m.safetensors");
}

}  // namespace
}  // namespace ondol::io

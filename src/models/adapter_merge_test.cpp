// Adapters made part of their base, in both formats.
#include "models/adapter_merge.h"

#include "io/gguf.h"
#include "io/safetensors.h"
#include "models/adapter_test_support.h"

namespace ondol::testing {
namespace {

namespace fs = std::filesystem;

class Merging : public AdapterFiles {
 protected:
  fs::path base(const char* name) { return golden_dir() / "models" / name; }
  // Largest difference of a logit between the merged model and the unmerged adapter.
  float difference(const Model& model, const Adapter& adapter, const fs::path& merged) {
    Ids ids;
    for (int i = 0; i < 60; ++i) ids.push_back(static_cast<text::TokenId>(i * 37 % 256));
    const Model other = load_model(merged, pool);
    const Tensor a = logits(model, ids, &adapter), b = logits(other, ids, nullptr);
    const auto count = static_cast<size_t>(a.size());
    EXPECT_GT(largest_difference({a.data(), count}, {logits(model, ids, nullptr).data(), count}),
              1.0F);  // the adapter does something
    return largest_difference({a.data(), count}, {b.data(), count});
  }
};

TEST_F(Merging, GivesTheUnmergedLogits) {
  for (const char* name : {"plain", "rslora", "dora"}) {
    const LoadedAdapter in_folder = load_adapter(golden_adapter(name), folder_model);
    const LoadedAdapter in_file = load_adapter(golden_adapter(name), gguf_model);
    const fs::path folder = scratch / (std::string(name) + "_folder");
    const fs::path file = scratch / (std::string(name) + ".gguf");
    const MergeResult r = merge_adapter(base("llama_tied"), folder_model, in_folder, folder, {});
    EXPECT_EQ(r.matrices, in_folder.matrices());
    EXPECT_EQ(r.types, (std::map<std::string, int64_t>{{"f32", r.matrices}}));
    EXPECT_TRUE(r.widened.empty());
    EXPECT_LT(difference(folder_model, in_folder.adapter, folder), 1e-4F);
    merge_adapter(base("llama_tied_f32_gguf") / "model.gguf", gguf_model, in_file, file, {});
    EXPECT_LT(difference(gguf_model, in_file.adapter, file), 1e-4F);
  }
}

TEST_F(Merging, WritesTheTypeThatWasAsked) {
  const fs::path file = base("llama_tied_q8_gguf") / "model.gguf";
  const Model model = load_model(file, pool);
  const LoadedAdapter adapter = load_adapter(golden_adapter("plain"), model);
  float last = 0;
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
    const fs::path out = scratch / "out.gguf";
    const MergeResult r = merge_adapter(file, model, adapter, out, type);
    EXPECT_EQ(r.types.at(std::string(dtype_info(type).name)), 14);
    const float now = difference(model, adapter.adapter, out);
    EXPECT_GE(now, last * 0.5F) << dtype_info(type).name;  // coarser types differ more
    EXPECT_LT(now, type == DType::kF32 ? 1e-4F : 5.0F);
    last = now;
  }
  EXPECT_EQ(merge_adapter(file, model, adapter, scratch / "same.gguf", {}).types.at("q8_0"), 14);
}

TEST_F(Merging, CopiesEverythingElse) {
  const fs::path file = base("llama_tied_q8_gguf") / "model.gguf";
  const Model model = load_model(file, pool);
  const LoadedAdapter adapter = load_adapter(golden_adapter("rslora"), model);
  merge_adapter(file, model, adapter, scratch / "out.gguf", DType::kF16);
  const io::GgufFile before = io::GgufFile::open(file);
  const io::GgufFile after = io::GgufFile::open(scratch / "out.gguf");
  EXPECT_EQ(before.metadata().keys(), after.metadata().keys());
  for (const std::string& key : before.metadata().keys()) {
    EXPECT_EQ(before.metadata().describe(key), after.metadata().describe(key));
  }
  EXPECT_EQ(before.metadata().require_strings("tokenizer.ggml.tokens"),
            after.metadata().require_strings("tokenizer.ggml.tokens"));
  int64_t changed = 0;
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  for (const io::TensorInfo& tensor : before.tensors()) {
    const io::TensorInfo& other = after.require_tensor(tensor.name, tensor.shape);
    const bool same = other.dtype == tensor.dtype && std::ranges::equal(other.bytes, tensor.bytes);
    changed += !same;
  }
  EXPECT_EQ(changed, 6);

  const LoadedAdapter in_folder = load_adapter(golden_adapter("rslora"), folder_model);
  merge_adapter(base("llama_tied"), folder_model, in_folder, scratch / "out", {});
  for (const char* text : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    EXPECT_EQ(read_file(scratch / "out" / text), read_file(base("llama_tied") / text));
  }
}

TEST_F(Merging, RefusesWhatItCannotDo) {
  const LoadedAdapter adapter = load_adapter(golden_adapter("plain"), folder_model);
  const fs::path from = base("llama_tied");
  const auto refused = [&](const fs::path& out, std::optional<DType> type, ErrorCode code,
                           const char* part) {
    try {
      merge_adapter(from, folder_model, adapter, out, type);
      ADD_FAILURE() << "merged into " << out;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), ::testing::HasSubstr(part));
    }
  };
  refused(from, {}, ErrorCode::kInvalidArgument, "stays as it is");
  refused(scratch, {}, ErrorCode::kInvalidArgument, "exists");
  refused(scratch / "a.gguf", {}, ErrorCode::kInvalidArgument, "expected a folder");
  refused(scratch / "a", DType::kQ8_0, ErrorCode::kUnsupported, "no blocks");
  refused(scratch / "a", DType::kQ4_0, ErrorCode::kUnsupported, "expected same");
  EXPECT_FALSE(fs::exists(scratch / "a"));
}

}  // namespace
}  // namespace ondol::testing

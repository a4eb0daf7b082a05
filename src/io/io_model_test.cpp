// The real files that the quickstart uses, opened by the readers.
#include <gtest/gtest.h>

#include <map>

#include "io/gguf.h"
#include "io/model_folder.h"
#include "support/paths.h"

namespace ondol::io {
namespace {

TEST(RealModels, SmolLm2Gguf) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const GgufFile file = GgufFile::open(testing::smollm2_gguf());
  const GgufMetadata& meta = file.metadata();
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(meta.require_string("general.architecture"), "llama");
  EXPECT_EQ(meta.require_u64("llama.block_count"), 30u);
  EXPECT_EQ(meta.require_u64("llama.embedding_length"), 576u);
  EXPECT_EQ(meta.require_f64("llama.rope.freq_base"), 100000.0);
  EXPECT_EQ(meta.require_string("tokenizer.ggml.pre"), "smollm");
  const auto tokens = meta.require_string_views("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.size(), 49152u);
  EXPECT_EQ(tokens[1], "<|im_start|>");
  EXPECT_EQ(meta.require_ints("tokenizer.ggml.token_type").size(), tokens.size());

  std::map<DType, int> types;
  for (const TensorInfo& tensor : file.tensors()) ++types[tensor.dtype];
  EXPECT_EQ(file.tensors().size(), 272u);
  EXPECT_EQ(types[DType::kF32], 61);
  const TensorInfo& embedding = file.require_tensor("token_embd.weight", {49152, 576});
  EXPECT_TRUE(is_quantized(embedding.dtype));
  const std::vector<float> norm = file.read_f32("output_norm.weight");
  ASSERT_EQ(norm.size(), 576u);
  file.drop(embedding);
  EXPECT_EQ(embedding.bytes.size(), 49152u * dtype_bytes(embedding.dtype, 576));
}

TEST(RealModels, MiniLmFolder) {
  ONDOL_NEED_MODEL(testing::minilm_dir());
  const ModelFolder folder = ModelFolder::open(testing::minilm_dir());
  EXPECT_NE(folder.texts().config.find("\"hidden_size\": 384"), std::string::npos);
  EXPECT_TRUE(folder.texts().tokenizer);
  EXPECT_TRUE(folder.texts().modules);
  EXPECT_TRUE(folder.texts().pooling);
  EXPECT_TRUE(folder.texts().sentence_bert_config);
  EXPECT_FALSE(folder.texts().chat_template);
  EXPECT_EQ(folder.require_tensor("embeddings.word_embeddings.weight", {30522, 384}).dtype,
            DType::kF32);
  EXPECT_EQ(folder.read_f32("encoder.layer.5.output.LayerNorm.bias").size(), 384u);
}

}  // namespace
}  // namespace ondol::io

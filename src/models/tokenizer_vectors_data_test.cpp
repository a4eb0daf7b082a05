// Vocabularies in GGUF against llama.cpp's test vectors.
#include <gtest/gtest.h>

#include "io/gguf.h"
#include "models/tokenizer_gguf.h"
#include "support/json_lines.h"
#include "support/paths.h"

namespace ondol::models {
namespace {

void expect_vectors(const std::string& name, const text::TokenizerConfig& config) {
  const auto tokenizer = text::make_tokenizer(config);
  const auto rows =
      testing::read_json_lines(testing::data_dir() / "tokenizer_vectors" / (name + ".jsonl"));
  ASSERT_EQ(rows.size(), 46U);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto ids = tokenizer->encode(text, {});
    EXPECT_EQ(ids, row["ids"].get<std::vector<text::TokenId>>()) << row["text"];
    if (config.model == text::TokenizerModel::kByteBpe) {
      EXPECT_EQ(tokenizer->decode(ids), text);
    }
  }
}

io::GgufFile vocabulary(const std::string& name) {
  return io::GgufFile::open(testing::data_dir() / "tokenizer_vectors" /
                            ("ggml-vocab-" + name + ".gguf"));
}

TEST(TokenizerVectors, Gpt2) {
  ONDOL_NEED_DATA("tokenizer_vectors");
  expect_vectors("gpt-2", tokenizer_config(vocabulary("gpt-2").metadata(), "gpt-2"));
}

TEST(TokenizerVectors, BertBge) {
  ONDOL_NEED_DATA("tokenizer_vectors");
  const io::GgufFile file = vocabulary("bert-bge");
  text::TokenizerConfig config = tokenizer_config(file.metadata(), "bert-bge");
  expect_vectors("bert-bge", config);
  // The pieces as the file stores them, with marked word starts, give the same.
  config.pieces = file.metadata().require_strings("tokenizer.ggml.tokens");
  expect_vectors("bert-bge", config);
}

}  // namespace
}  // namespace ondol::models

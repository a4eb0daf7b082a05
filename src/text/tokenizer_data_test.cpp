// Llama 3.2's vocabulary against llama.cpp's test vectors.
#include <gtest/gtest.h>

#include <sstream>

#include "base/files.h"
#include "support/json_lines.h"
#include "support/paths.h"
#include "text/tokenizer.h"

namespace ondol::text {
namespace {

std::filesystem::path vectors_dir() { return testing::data_dir() / "tokenizer_vectors"; }

TEST(TokenizerVectors, Llama3) {
  ONDOL_NEED_DATA("tokenizer_vectors");
  TokenizerConfig config;
  config.pre_tokenizer = "llama-bpe";
  config.ignore_merges = true;
  const auto vocab = nlohmann::json::parse(read_file(vectors_dir() / "llama3.2" / "encoder.json"));
  config.pieces.resize(vocab.size());
  for (const auto& [piece, id] : vocab.items()) config.pieces.at(id.get<size_t>()) = piece;
  std::istringstream merges(read_file(vectors_dir() / "llama3.2" / "vocab.bpe"));
  for (std::string line; std::getline(merges, line);) {
    if (!line.empty() && !line.starts_with("#version")) config.merges.push_back(line);
  }
  const auto tokenizer = make_tokenizer(std::move(config));
  const auto rows = testing::read_json_lines(vectors_dir() / "llama-bpe.jsonl");
  ASSERT_EQ(rows.size(), 46U);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto ids = tokenizer->encode(text, {});
    EXPECT_EQ(ids, row["ids"].get<std::vector<TokenId>>()) << row["text"];
    EXPECT_EQ(tokenizer->decode(ids), text);
  }
}

TEST(TokenizerVectors, CutDownLlama3FileIsRead) {
  ONDOL_NEED_DATA("tokenizer_vectors");
  const TokenizerConfig config =
      parse_tokenizer_json(read_file(vectors_dir() / "mini_llama.tokenizer.json"), "");
  EXPECT_EQ(config.pre_tokenizer, "llama-bpe");
  EXPECT_EQ(config.pieces.size(), 128002U);
  const auto tokenizer = make_tokenizer(config);
  const std::vector<TextSpan> spans = {{"<|begin_of_text|>", true}, {"hello world", false}};
  const auto ids = tokenizer->encode(spans, {});
  EXPECT_EQ(ids.front(), 128000);
  EXPECT_EQ(tokenizer->decode(ids), "hello world");
}

}  // namespace
}  // namespace ondol::text

// What is written is read again as it was.
#include "text/tokenizer_json_write.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"

namespace ondol::text {
namespace {

void expect_same(const TokenizerConfig& a, const TokenizerConfig& b) {
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_EQ(a.types, b.types);
  EXPECT_EQ(a.merges, b.merges);
  EXPECT_EQ(a.pre_tokenizer, b.pre_tokenizer);
  EXPECT_EQ(a.ignore_merges, b.ignore_merges);
  EXPECT_EQ(a.normalize_nfc, b.normalize_nfc);
  EXPECT_EQ(a.lowercase, b.lowercase);
  EXPECT_EQ(a.strip_accents, b.strip_accents);
  EXPECT_EQ(a.bos, b.bos);
  EXPECT_EQ(a.eos, b.eos);
  EXPECT_EQ(a.unk, b.unk);
  EXPECT_EQ(a.pad, b.pad);
  EXPECT_EQ(a.cls, b.cls);
  EXPECT_EQ(a.sep, b.sep);
  EXPECT_EQ(a.mask, b.mask);
  EXPECT_EQ(a.add_bos, b.add_bos);
  EXPECT_EQ(a.add_eos, b.add_eos);
  ASSERT_EQ(a.strips.size(), b.strips.size());
  for (size_t i = 0; i < a.strips.size(); ++i) EXPECT_EQ(a.strips[i].left, b.strips[i].left);
}

TokenizerConfig again(const TokenizerConfig& config) {
  return parse_tokenizer_json(tokenizer_json(config), tokenizer_config_json(config, 256, ""));
}

TEST(TokenizerJsonWrite, ReadsBackAsItWas) {
  for (const char* name : {"llama_tied", "bert"}) {
    const auto folder = ondol::testing::golden_dir() / "models" / name;
    const TokenizerConfig config = parse_tokenizer_json(
        read_file(folder / "tokenizer.json"), read_file(folder / "tokenizer_config.json"));
    expect_same(config, again(config));
  }
}

TEST(TokenizerJsonWrite, EverySplitAndFlag) {
  const auto folder = ondol::testing::golden_dir() / "models" / "llama_tied";
  TokenizerConfig config = parse_tokenizer_json(read_file(folder / "tokenizer.json"),
                                                read_file(folder / "tokenizer_config.json"));
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    config.pre_tokenizer = pre;
    config.add_bos = !config.add_bos;
    config.add_eos = config.pre_tokenizer == "qwen2";
    config.normalize_nfc = config.pre_tokenizer == "qwen2";
    config.ignore_merges = config.pre_tokenizer == "llama-bpe";
    config.types[200] = TokenType::kUserDefined;
    config.strips = {{.id = static_cast<TokenId>(config.pieces.size() - 1), .left = true}};
    expect_same(config, again(config));
  }
  config.pre_tokenizer = "another";
  EXPECT_THROW(tokenizer_json(config), Error);
}

}  // namespace
}  // namespace ondol::text

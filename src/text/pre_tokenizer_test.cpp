#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "support/json_lines.h"
#include "support/paths.h"

namespace ondol::text {
namespace {

std::vector<std::string> pieces(const std::string& name, std::string_view text) {
  const PreTokenizer pre = pre_tokenizer_by_name(name);
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = next_piece(pre, text, at);
    EXPECT_GT(end, at) << name << " stands still";
    EXPECT_LE(end, text.size());
    if (end <= at) break;
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

TEST(PreTokenizer, CutsAsWrittenOutByHand) {
  struct Row {
    const char* pre;
    const char* text;
    std::vector<std::string> pieces;
  };
  const Row rows[] = {
      {"gpt-2", "I'll go  now", {"I", "'ll", " go", " ", " now"}},
      {"gpt-2", "I'LL", {"I", "'", "LL"}},
      {"gpt-2", "12 345", {"12", " 345"}},
      {"gpt-2", "a  1", {"a", " ", " 1"}},
      {"smollm", "a  1", {"a", "  ", "1"}},  // the number ends the text that the space sees
      {"smollm", "12 345", {"1", "2", " ", "3", "4", "5"}},
      {"smollm", "!1", {"!", "1"}},
      {"smollm", "x\xC2\xB2", {"x", "\xC2\xB2"}},  // superscript two is a number
      {"llama-bpe", "I'LL 12345", {"I", "'LL", " ", "123", "45"}},
      {"llama-bpe", "(word)\n\n x", {"(word", ")\n\n", " x"}},
      {"llama-bpe", "a \n \n b", {"a", " \n \n", " b"}},
      {"llama-bpe", "\tx", {"\tx"}},
      {"llama-bpe", "'\xC5\xBF", {"'\xC5\xBF"}},  // long s folds to s
      {"qwen2", "2026", {"2", "0", "2", "6"}},
      {"qwen2", "end.\r\n", {"end", ".\r\n"}},
      {"qwen2", "\xC2\xA0x", {"\xC2\xA0x"}},
      {"gpt-2", "\xC2\xA0x", {"\xC2\xA0", "x"}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(pieces(row.pre, row.text), row.pieces) << row.pre << ": " << row.text;
  }
}

TEST(PreTokenizer, EqualsHuggingFace) {
  const auto rows = testing::read_golden_rows(testing::golden_dir() / "tokenizer_pieces.jsonl");
  ASSERT_GT(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
      std::vector<size_t> lengths;
      for (const std::string& piece : pieces(name, text)) lengths.push_back(piece.size());
      EXPECT_EQ(lengths, row[name].get<std::vector<size_t>>()) << name << ": " << row["text"];
    }
  }
}

TEST(PreTokenizer, CoversAnyBytes) {
  Rng rng(7, 0);
  for (int round = 0; round < 300; ++round) {
    std::string text(1 + rng.next_u64() % 64, '\0');
    // Mostly bytes that begin or go on with characters, so that broken ones are common.
    for (char& c : text) c = static_cast<char>(rng.next_u64() % 3 == 0 ? ' ' : rng.next_u64());
    for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
      std::string joined;
      for (const std::string& piece : pieces(name, text)) joined += piece;
      ASSERT_EQ(joined, text) << name;
    }
  }
}

TEST(PreTokenizer, RefusesUnknownNames) {
  for (const char* name : {"", "default", "gpt2", "LLAMA-BPE", "tekken"}) {
    try {
      pre_tokenizer_by_name(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("gpt-2, smollm, llama-bpe, qwen2"));
      EXPECT_THAT(error.what(), ::testing::HasSubstr("'" + std::string(name) + "'"));
    }
  }
}

}  // namespace
}  // namespace ondol::text

// MiniLM's own tokenizer.json against ids from Hugging Face.
#include <gtest/gtest.h>

#include "base/files.h"
#include "support/json_lines.h"
#include "support/paths.h"
#include "text/tokenizer.h"

namespace ondol::text {
namespace {

TEST(MiniLm, IdsEqualHuggingFace) {
  ONDOL_NEED_MODEL(testing::minilm_dir());
  const auto tokenizer = make_tokenizer(
      parse_tokenizer_json(read_file(testing::minilm_dir() / "tokenizer.json"),
                           read_file(testing::minilm_dir() / "tokenizer_config.json")));
  EXPECT_EQ(tokenizer->vocab_size(), 30522U);
  EXPECT_EQ(tokenizer->config().tokens_max, 128U);
  EXPECT_TRUE(tokenizer->end_of_generation().empty());
  const auto rows = testing::read_golden_rows(testing::golden_dir() / "tokenizer_minilm.jsonl");
  ASSERT_GT(rows.size(), 200U);
  for (const auto& row : rows) {
    const TextSpan span{row["text"].get<std::string>(), row.value("trusted", false)};
    const EncodeOptions options{.add_special = row.value("add_special", false)};
    EXPECT_EQ(tokenizer->encode(std::span(&span, 1), options),
              row["ids"].get<std::vector<TokenId>>())
        << row["text"];
  }
}

}  // namespace
}  // namespace ondol::text

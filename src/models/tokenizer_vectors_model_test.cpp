// SmolLM2's vocabulary in GGUF against ids from Hugging Face.
#include <gtest/gtest.h>

#include "io/gguf.h"
#include "models/tokenizer_gguf.h"
#include "support/json_lines.h"
#include "support/paths.h"

namespace ondol::models {
namespace {

TEST(Smollm2Tokenizer, IdsEqualHuggingFace) {
  ONDOL_NEED_MODEL(testing::smollm2_gguf());
  const io::GgufFile file = io::GgufFile::open(testing::smollm2_gguf());
  const auto tokenizer = text::make_tokenizer(tokenizer_config(file.metadata(), "smollm2"));
  EXPECT_EQ(tokenizer->vocab_size(), 49152U);
  EXPECT_EQ(tokenizer->end_of_generation(), (std::vector<text::TokenId>{0, 2}));
  const auto rows = testing::read_golden_rows(testing::golden_dir() / "tokenizer_smollm2.jsonl");
  ASSERT_GT(rows.size(), 200U);
  for (const auto& row : rows) {
    const text::TextSpan span{row["text"].get<std::string>(), row.value("trusted", false)};
    size_t dropped = 0;
    const auto ids = tokenizer->encode(std::span(&span, 1), {.bytes_dropped = &dropped});
    EXPECT_EQ(ids, row["ids"].get<std::vector<text::TokenId>>()) << row["text"];
    if (dropped == 0) {
      EXPECT_EQ(tokenizer->decode(ids, true), span.text);
    }
  }
}

}  // namespace
}  // namespace ondol::models

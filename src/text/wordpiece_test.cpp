#include "text/wordpiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "support/json_lines.h"
#include "support/paths.h"
#include "text/tokenizer_toy.h"

namespace ondol::text {
namespace {

using ::testing::ElementsAre;

TEST(WordPiece, BothStoredFormsGiveTheSame) {
  for (const bool marked : {false, true}) {
    const auto tokenizer = make_tokenizer(toy_wordpiece(marked));
    const auto ids = [&](std::string_view text) { return tokenizer->encode(text, {}); };
    EXPECT_THAT(ids(""), ElementsAre());
    EXPECT_THAT(ids(" \t\n"), ElementsAre());
    EXPECT_THAT(ids("unaffable"), ElementsAre(5, 6, 7));
    EXPECT_THAT(ids("UNAFFABLE, the!"), ElementsAre(5, 6, 7, 10, 9, 11));
    EXPECT_THAT(ids("unx the"), ElementsAre(1, 9));  // one unknown token for the whole word
    EXPECT_THAT(ids("aff"), ElementsAre(1));         // "##aff" never begins a word
    EXPECT_THAT(ids("Caf\xC3\xA9"), ElementsAre(12));
    EXPECT_THAT(ids("a\xE6\x9D\xB1\xE6\x9D\xB1"), ElementsAre(15, 13, 13));
    EXPECT_THAT(ids("a!a"), ElementsAre(15, 11, 15));
    EXPECT_THAT(ids("t\xFFhe\xEF\xBF\xBD"), ElementsAre(9));  // no UTF-8, U+FFFD: dropped
    EXPECT_THAT(ids("[CLS]"), ElementsAre(1, 1, 1));
    EXPECT_THAT(tokenizer->encode("the", {.add_special = true}), ElementsAre(2, 9, 3));
    const std::vector<TextSpan> trusted = {{"the [MASK]", true}, {"[MASK]", false}};
    EXPECT_THAT(tokenizer->encode(trusted, {}), ElementsAre(9, 4, 1, 1, 1));
  }
}

TEST(WordPiece, DecodeJoinsWords) {
  for (const bool marked : {false, true}) {
    const auto tokenizer = make_tokenizer(toy_wordpiece(marked));
    const std::vector<TokenId> ids = {2, 5, 6, 7, 10, 9, 1, 3};
    EXPECT_EQ(tokenizer->decode(ids), "unaffable , the");
    EXPECT_EQ(tokenizer->decode(ids, true), "[CLS] unaffable , the [UNK] [SEP]");
    EXPECT_EQ(tokenizer->token_bytes(5), " un");
    EXPECT_EQ(tokenizer->token_bytes(6), "aff");
    EXPECT_EQ(tokenizer->token_bytes(2), "");
  }
}

TEST(WordPiece, LongWordsAreUnknown) {
  TokenizerConfig config = toy_wordpiece();
  config.word_chars_max = 3;
  const auto tokenizer = make_tokenizer(config);
  EXPECT_THAT(tokenizer->encode("una", {}), ElementsAre(5, 8));
  EXPECT_THAT(tokenizer->encode("unaa", {}), ElementsAre(1));
}

TEST(WordPiece, WordsEqualHuggingFace) {
  const auto rows = testing::read_golden_rows(testing::golden_dir() / "tokenizer_words.jsonl");
  ASSERT_GT(rows.size(), 200U);
  TokenizerConfig uncased, cased;
  cased.lowercase = cased.strip_accents = false;
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    EXPECT_EQ(bert_words(text, uncased), row["uncased"].get<std::vector<std::string>>())
        << row["text"];
    EXPECT_EQ(bert_words(text, cased), row["cased"].get<std::vector<std::string>>()) << row["text"];
  }
}

TEST(WordPiece, StepsCanBeTurnedOff) {
  TokenizerConfig config;
  config.clean_text = config.split_cjk = config.strip_accents = config.lowercase = false;
  EXPECT_THAT(bert_words("A\xC3\x89\x01 \xE6\x9D\xB1\xE6\x9D\xB1", config),
              ElementsAre("A\xC3\x89\x01", "\xE6\x9D\xB1\xE6\x9D\xB1"));
  config.lowercase = true;  // capital I with a dot: two code points
  EXPECT_THAT(bert_words("\xC4\xB0", config), ElementsAre("i\xCC\x87"));
}

TEST(WordPiece, NeedsAnUnknownToken) {
  TokenizerConfig config = toy_wordpiece();
  config.unk.reset();
  try {
    make_tokenizer(config);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("unknown token"));
  }
}

TEST(WordPiece, AnyBytesGiveTextTokensOnly) {
  for (const bool marked : {false, true}) {
    const auto tokenizer = make_tokenizer(toy_wordpiece(marked));
    Rng rng(5, 0);
    for (int round = 0; round < 500; ++round) {
      std::string text(rng.next_u64() % 80, '\0');
      for (char& c : text) c = static_cast<char>(rng.next_u64());
      for (const TokenId id : tokenizer->encode(text, {})) {
        ASSERT_TRUE(id == 1 || !tokenizer->is_control(id)) << id;
      }
    }
  }
}

}  // namespace
}  // namespace ondol::text

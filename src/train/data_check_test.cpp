// The report before training: what it counts, and that it finds what would go wrong silently.
#include "train/data_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/tokenizer_toy.h"
#include "train/test_support.h"

namespace ondol::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const text::Tokenizer& toy() {
  static const auto kToy = text::make_tokenizer(text::toy_bpe());
  return *kToy;
}

DataCheck check(const std::string& train, const std::string& validation,
                const RenderOptions* render, const DataCheckOptions& options = {}) {
  const TempFile file("t.jsonl", train);
  const TempFile other("v.jsonl", validation);
  const std::filesystem::path path = file.path();
  const std::filesystem::path second = other.path();
  std::optional<Renderer> renderer;
  if (render) renderer.emplace(toy(), "", *render);
  return check_data(std::span(&path, 1), std::span(&second, validation.empty() ? 0 : 1),
                    renderer ? &*renderer : nullptr, options);
}

std::string pair(const std::string& prompt, const std::string& completion) {
  return "{\"prompt\": \"" + prompt + "\", \"completion\": \"" + completion + "\"}\n";
}

TEST(LengthStats, ByNearestRankAndRoundBars) {
  const std::vector<int64_t> lengths = {1, 2, 3, 4, 100};
  const LengthStats stats = length_stats(lengths);
  EXPECT_EQ(stats.p50, 3);
  EXPECT_EQ(stats.p95, 100);
  EXPECT_EQ(stats.max, 100);
  EXPECT_EQ(stats.mean, 22);
  EXPECT_EQ(stats.bar_width, 10);
  EXPECT_THAT(stats.bars, ElementsAre(4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(length_stats(std::vector<int64_t>{7}).p95, 7);
  const LengthStats narrow = length_stats(std::vector<int64_t>{1001, 1003, 1024});
  EXPECT_EQ(narrow.bars_from, 1000);
  EXPECT_EQ(narrow.bar_width, 5);
  EXPECT_THAT(narrow.bars, ElementsAre(2, 0, 0, 0, 1));
  EXPECT_THAT(length_stats({}).bars, IsEmpty());
}

TEST(CheckData, CountsTokensCutsAndMasks) {
  const RenderOptions render{.max_length = 6};
  // 2+2+1, 3+4+1 (cut by 2), 6+1+1 (nothing learned is left)
  const DataCheck report =
      check(pair("ab", "cd") + pair("abc", "defg") + pair("abcdef", "g"), "", &render);
  EXPECT_TRUE(report.in_tokens);
  EXPECT_EQ(report.rows, 3);
  EXPECT_EQ(report.lengths.max, 8);
  EXPECT_EQ(report.lengths.count, 3);
  EXPECT_EQ(report.counts.examples, 2);
  EXPECT_EQ(report.counts.tokens, 5 + 6);
  EXPECT_EQ(report.counts.learned, 3 + 3);
  EXPECT_EQ(report.counts.truncated, 1);
  EXPECT_EQ(report.counts.tokens_cut, 2);
  EXPECT_EQ(report.counts.empty, 1);
  EXPECT_FALSE(report.good());
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].line, 3U);
  EXPECT_THAT(report.problems[0].message, HasSubstr("cut the whole answer away"));
  ASSERT_TRUE(report.sample);
  ASSERT_THAT(report.sample->stretches, SizeIs(2));
  EXPECT_EQ(report.sample->stretches[0].text, "ab");
  EXPECT_EQ(report.sample->stretches[1].text, "cd<|im_end|>");
  EXPECT_TRUE(report.sample->stretches[1].learned);
}

TEST(CheckData, DropsEmptyRowsWhenAsked) {
  const RenderOptions render{.max_length = 6};
  const DataCheck report = check(pair("ab", "cd") + pair("abcdef", "g"), "", &render,
                                 {.drop_empty = true, .sample_row = 1});
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.counts.dropped, 1);
  ASSERT_TRUE(report.sample);
  EXPECT_THAT(report.sample->where, testing::EndsWith("t.jsonl:2"));
  EXPECT_THAT(report.sample->stretches, SizeIs(1));
}

TEST(CheckData, FindsRepeatsAndWhatValidationShares) {
  const DataCheck report =
      check(pair("a b", "c") + pair("x", "y") + pair("A  B", "C") + pair("\xEF\xBD\x81 b", "d"),
            pair("a b", "c") + pair("x", "other") + pair("new", "y"), nullptr);
  EXPECT_EQ(report.duplicates.rows, 1);
  ASSERT_THAT(report.duplicates.first, SizeIs(1));
  EXPECT_THAT(report.duplicates.first[0], HasSubstr("t.jsonl:3 = "));
  EXPECT_THAT(report.duplicates.first[0], testing::EndsWith("t.jsonl:1"));
  ASSERT_TRUE(report.overlap);
  EXPECT_EQ(report.overlap->rows, 3);
  EXPECT_EQ(report.overlap->same.rows, 1);
  EXPECT_EQ(report.overlap->same_prompt.rows, 2);
  EXPECT_FALSE(report.in_tokens);
  EXPECT_FALSE(report.sample);
  EXPECT_TRUE(report.good());
}

TEST(CheckData, CollectsFaultsOfAllKindsAndOfValidation) {
  const RenderOptions render;
  const DataCheck report = check(pair("a", "b") + "nonsense\n" + pair("say hel", "lo"),
                                 pair("a", "b") + pair("c", ""), &render);
  ASSERT_THAT(report.problems, SizeIs(3));
  EXPECT_THAT(report.problems[0].message, HasSubstr("not JSON"));
  EXPECT_THAT(report.problems[1].message, HasSubstr("begins inside a token"));
  EXPECT_THAT(report.problems[2].file, HasSubstr("v.jsonl"));
  EXPECT_EQ(report.rows, 2);
}

TEST(CheckData, CountsRowsOfLabelsWithoutAMask) {
  const RenderOptions render{.max_length = 4};
  const DataCheck report = check(
      "{\"text\": \"abcdef\", \"label\": 1}\n{\"text\": \"ab\", \"label\": 0}\n", "", &render);
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.counts.examples, 2);
  EXPECT_EQ(report.counts.truncated, 1);
  EXPECT_EQ(report.counts.learned, 0);
  EXPECT_EQ(report.lengths.max, 6);
}

TEST(CheckData, AFileThatIsNotThereIsAnError) {
  const std::filesystem::path none = "/nowhere/rows.jsonl";
  EXPECT_THROW(check_data(std::span(&none, 1), {}, nullptr, {}), Error);
}

}  // namespace
}  // namespace ondol::train

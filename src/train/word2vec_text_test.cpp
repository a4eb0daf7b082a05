#include "train/word2vec_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "train/test_support.h"

namespace ondol::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

WordCorpus read(const std::string& text, WordCorpusConfig config = {.min_count = 1}) {
  const TempFile file("text.txt", text);
  const std::filesystem::path files[] = {file.path()};
  SilentProgress silent;
  return read_words(files, config, silent);
}

// The sentences as words again, a blank between words, a bar between sentences.
std::string written(const WordCorpus& corpus) {
  std::string out;
  for (size_t s = 0; s < corpus.sentences(); ++s) {
    if (s > 0) out += "|";
    for (const uint32_t id : corpus.sentence(s)) out += corpus.words[id] + " ";
  }
  return out;
}

std::string message_of(const std::string& text, WordCorpusConfig config = {.min_count = 1}) {
  try {
    read(text, config);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(WordCorpus, WordsAreLettersAndDigitsInLowerCase) {
  EXPECT_EQ(written(read("The CAT's mp3, 2nd--time!\r\n\n  Ärger ÉTÉ\n")),
            "the cat s mp3 2nd time |ärger été ");
  EXPECT_EQ(written(read("온돌은 따뜻하다. Привет, МИР\n")), "온돌은 따뜻하다 привет мир ");
  // Composed and decomposed spellings are one word; marks stay inside words.
  EXPECT_EQ(written(read("caf\u00E9 cafe\u0301 ol\u00E9\n")), "café café olé ");
  EXPECT_EQ(written(read("\xEF\xBB\xBF"
                         "first line")),
            "first line ");
}

TEST(WordCorpus, TokensAreTakenAsTheyAre) {
  WordCorpusConfig config{.split_at_spaces = true, .min_count = 1};
  EXPECT_EQ(written(read("The CAT's\tmp3,  x\u00A0y\n_ é\n", config)), "The CAT's mp3, x y |_ é ");
}

TEST(WordCorpus, VocabularyIsMostFrequentFirst) {
  const WordCorpus corpus = read("b a c a\nb a d\n");
  EXPECT_THAT(corpus.words, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(corpus.counts, ElementsAre(3, 2, 1, 1));
  EXPECT_EQ(corpus.words_read, 7U);
  EXPECT_EQ(corpus.lines, 2U);
}

TEST(WordCorpus, RareWordsGoBeforeWindowsAreLaid) {
  const WordCorpus corpus = read("b x a\ny\na z b\n", {.min_count = 2});
  EXPECT_EQ(written(corpus), "b a |a b ");
  EXPECT_EQ(corpus.words_read, 7U);
  EXPECT_EQ(corpus.words_distinct, 5U);
  EXPECT_EQ(written(read("b a c a b a\n", {.min_count = 1, .max_final_vocab = 2})), "b a a b a ");
}

TEST(WordCorpus, LongLinesAreCutAndCounted) {
  const WordCorpus corpus = read("a b c d e\nf g\n", {.min_count = 1, .max_sentence_words = 2});
  EXPECT_EQ(written(corpus), "a b |c d |e |f g ");
  EXPECT_EQ(corpus.lines, 2U);
  EXPECT_EQ(corpus.lines_cut, 1U);
}

// Files are read a megabyte at a time: no word or line may suffer from it.
TEST(WordCorpus, PiecesJoin) {
  std::string text;
  std::string expected;
  for (size_t i = 0; text.size() < (size_t{5} << 19); ++i) {
    const std::string word = "wörd" + std::to_string(i % 7919);
    text += word + (i % 9 == 8 ? "\n" : " ");
    expected += word + " ";
    if (i % 9 == 8) expected += "|";
  }
  std::string got = written(read(text));
  if (expected.ends_with('|')) expected.pop_back();
  EXPECT_TRUE(got == expected);
}

TEST(WordCorpus, SeveralFilesAreOneTextAndDoNotRunIntoEachOther) {
  const TempFile a("a.txt", "x y"), b("b.txt", "y z\n");
  const std::filesystem::path files[] = {a.path(), b.path()};
  SilentProgress silent;
  EXPECT_EQ(written(read_words(files, {.min_count = 1}, silent)), "x y |y z ");
}

TEST(WordCorpus, SaysWhatIsWrong) {
  EXPECT_THAT(message_of("fine line\nbad \xFF here\n"), HasSubstr("text.txt:2: the text is not"));
  EXPECT_THAT(message_of("fine line\nbad \xFF here\n"), HasSubstr("0xFF"));
  EXPECT_THAT(message_of("cut \xE2\x82"), HasSubstr("not UTF-8"));
  EXPECT_THAT(message_of(""), HasSubstr("hold no word"));
  EXPECT_THAT(message_of("a b\n", {.min_count = 1, .max_sentence_words = 1}),
              HasSubstr("max_sentence_words is 1"));
  EXPECT_THAT(message_of(std::string(70000, 'x') + " a\n"), HasSubstr("a word has 70000 bytes"));
  EXPECT_THAT(message_of(std::string(size_t{18} << 20, '-')), HasSubstr("without a space"));
  SilentProgress silent;
  EXPECT_THROW(read_words({}, {}, silent), Error);
  const std::filesystem::path missing[] = {"/nonexistent/words.txt"};
  EXPECT_THROW(read_words(missing, {}, silent), Error);
  const std::filesystem::path folder[] = {"/tmp"};
  EXPECT_THROW(read_words(folder, {}, silent), Error);
}

}  // namespace
}  // namespace ondol::train

#include "ground/chunker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;

int64_t count_words(const std::string& text) {
  int64_t count = 0;
  bool in_word = false;
  for (const char c : text) {
    count += c != ' ' && c != '\n' && !in_word;
    in_word = c != ' ' && c != '\n';
  }
  return count;
}

std::vector<std::string> texts(const std::vector<TextChunk>& chunks) {
  std::vector<std::string> out;
  for (const TextChunk& chunk : chunks) out.push_back(chunk.text);
  return out;
}

std::vector<TextChunk> chunk(const std::string& name, const std::string& bytes,
                             const ChunkOptions& options, const TokenCounter& count = {}) {
  return chunk_document(read_document(name, bytes), options, count);
}

TEST(Chunker, WholeSentencesUpToTheTarget) {
  const std::string text = "One two three. Four five six. Seven eight nine. Ten.";
  EXPECT_THAT(texts(chunk("a.txt", text, {.words_target = 6})),
              ElementsAre("One two three. Four five six.", "Seven eight nine. Ten."));
  EXPECT_THAT(texts(chunk("a.txt", text, {.words_target = 6, .sentence_overlap = 1})),
              ElementsAre("One two three. Four five six.", "Four five six. Seven eight nine.",
                          "Seven eight nine. Ten."));
  EXPECT_THAT(texts(chunk("a.txt", text, {.words_target = 1})),
              ElementsAre("One two three.", "Four five six.", "Seven eight nine.", "Ten."));
  EXPECT_TRUE(chunk("a.txt", " \n ", {}).empty());
}

TEST(Chunker, NeverAcrossHeadings) {
  const auto chunks = chunk("a.md", "# T\nIntro.\n## A\nOne.\n## B\nTwo.\n", {});
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].heading, "T");
  EXPECT_EQ(chunks[2].heading, "T > B");
  EXPECT_EQ(chunks[2].line, 6);
  EXPECT_EQ(chunks[2].ordinal, 2);
}

TEST(Chunker, TablesStayWholeWhenTheyFit) {
  const std::string table = "k,v\na,1\nb,2\nc,3\nd,4\n";
  EXPECT_EQ(chunk("a.csv", table, {}).size(), 1u);
  // A row is four words: two rows a chunk.
  EXPECT_THAT(texts(chunk("a.csv", table, {.words_target = 9})),
              ElementsAre("k: a; v: 1\nk: b; v: 2", "k: c; v: 3\nk: d; v: 4"));
  // The table fits a chunk but not the rest of the one before it.
  EXPECT_THAT(
      texts(chunk("a.md", "One two three.\n\n|k|v|\n|-|-|\n|a|1|\n|b|2|\n", {.words_target = 9})),
      ElementsAre("One two three.", "k: a; v: 1\nk: b; v: 2"));
}

TEST(Chunker, OnlyWhatIsTooLongIsCutAndNothingIsLost) {
  std::string sentence;
  for (int i = 0; i < 1000; ++i) sentence += "word" + std::to_string(i) + " ";
  const auto chunks =
      chunk("a.txt", sentence, {.tokens_target = 64, .tokens_max = 100}, count_words);
  std::string joined;
  for (const TextChunk& c : chunks) {
    EXPECT_LE(count_words(indexed_text("a", c.heading, c.text)), 100);
    joined += c.text + " ";
  }
  EXPECT_EQ(joined, sentence);
  // One word of 5,000 letters, counted as 5,000 tokens.
  const auto letters = [](const std::string& text) { return static_cast<int64_t>(text.size()); };
  const std::string word(5000, 'x');
  std::string all;
  for (const TextChunk& c : chunk("a.txt", word, {.tokens_max = 100}, letters)) {
    EXPECT_LE(c.text.size(), 100u);
    all += c.text;
  }
  EXPECT_EQ(all, word);
}

TEST(Chunker, TextsAreSlicesOfTheDocument) {
  const std::string source =
      "# 온돌 안내\n온돌은 따뜻하다. 겨울에 쓴다! 😀 emoji here. "
      "Another sentence, quite long for a test.\n\n| 이름 | 값 |\n|--|--|\n| 방 | 3 |\n";
  const Document document = read_document("a.md", source);
  const auto chunks = chunk_document(document, {.words_target = 4}, {});
  EXPECT_GT(chunks.size(), 3u);
  for (const TextChunk& c : chunks) {
    size_t from = 0;
    for (int64_t i = 0; i < c.char_from; ++i) text::next_code_point(document.text, from);
    size_t to = from;
    for (int64_t i = c.char_from; i < c.char_to; ++i) text::next_code_point(document.text, to);
    EXPECT_EQ(document.text.substr(from, to - from), c.text);
  }
}

TEST(Chunker, TheTitleIsNotSaidTwice) {
  EXPECT_EQ(indexed_text("T", "T > A", "x"), "T > A\nx");
  EXPECT_EQ(indexed_text("T", "T", "x"), "T\nx");
  EXPECT_EQ(indexed_text("T", "Table", "x"), "T > Table\nx");
  EXPECT_EQ(indexed_text("", "", "x"), "x");
  EXPECT_EQ(indexed_text("T", "A", ""), "T > A");
}

TEST(Chunker, SizesOutOfRangeAreRefused) {
  EXPECT_THROW(chunk("a.txt", "x", {.words_target = 0}), Error);
  EXPECT_THROW(chunk("a.txt", "x", {.sentence_overlap = -1}), Error);
}

}  // namespace
}  // namespace ondol::ground

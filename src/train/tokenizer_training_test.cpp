#include "train/tokenizer_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "support/json_lines.h"
#include "support/paths.h"
#include "text/tokenizer_json_write.h"
#include "train/bpe_training.h"
#include "train/run_test_support.h"
#include "train/unigram_lattice.h"
#include "train/unigram_training.h"

namespace ondol::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TextLines lines_of(const std::vector<std::string>& texts) {
  TextLines out;
  for (const std::string& text : texts) out.add(text);
  return out;
}

std::vector<std::string> small_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) {
    texts.push_back("The cat sat on the mat, and the other cats sat there.\n  Lower, lowest!\n");
    texts.push_back(
        "\xEC\x98\xA8\xEB\x8F\x8C\xEC\x9D\x80 \xEB\x94\xB0\xEB\x9C\xBB\xED\x95\x98\xEB"
        "\x8B\xA4. " +
        std::to_string(i * 37) + "\n");
  }
  return texts;
}

TrainedTokenizer trained(const TokenizerTraining& settings, const std::vector<std::string>& texts,
                         int threads = 1) {
  ThreadPool pool(threads);
  SilentProgress silent;
  return train_tokenizer(settings, lines_of(texts), pool, silent);
}

TEST(MergeLearning, MostFrequentFirstAndLowerIdsAmongEquals) {
  // "abab" 3 times, "bc" 4 times, "ca" once: ab 6, bc 4, ba 3, ca 1.
  MergeProblem problem;
  problem.tokens = {"a", "b", "c"};
  problem.symbols = {0, 1, 0, 1, 1, 2, 2, 0};
  problem.ends = {4, 6, 8};
  problem.counts = {3, 4, 1};
  problem.vocab_size = 7;
  SilentProgress silent;
  const Merges merges = learn_merges(problem, silent);
  // After ab: bc 4, (ab)(ab) 3, then ca 1.
  EXPECT_THAT(merges.tokens, ElementsAre("a", "b", "c", "ab", "bc", "abab", "ca"));
  EXPECT_THAT(merges.merges,
              ElementsAre(std::pair(0, 1), std::pair(1, 2), std::pair(3, 3), std::pair(2, 0)));
  problem.min_frequency = 4;
  EXPECT_EQ(learn_merges(problem, silent).tokens.size(), 5U);
  problem.counts = {1, 1, 1};  // ab 2; then bc, ca and (ab)(ab) once each, ids decide
  problem.min_frequency = 0;
  EXPECT_THAT(learn_merges(problem, silent).tokens,
              ElementsAre("a", "b", "c", "ab", "bc", "ca", "abab"));
}

TEST(MergeLearning, RunsOfOneSymbolAndPrefixes) {
  MergeProblem problem;
  problem.tokens = {"a", "##a"};
  problem.symbols = {0, 1, 1, 1, 1};
  problem.ends = {5};
  problem.counts = {2};
  problem.prefix = "##";
  problem.vocab_size = 10;
  SilentProgress silent;
  // ##a ##a stands three times (overlapping), a ##a once.
  EXPECT_THAT(learn_merges(problem, silent).tokens,
              ElementsAre("a", "##a", "##aa", "aaa", "aaaaa"));
  problem.tokens = {"##aa", "a", "##a"};  // a special token is spelled so: never merged into
  problem.special_count = 1;
  problem.symbols = {1, 2, 2, 2, 2};
  for (const std::string& token : learn_merges(problem, silent).tokens) {
    EXPECT_NE(token, "aaaaa###");
  }
  EXPECT_THAT(learn_merges(problem, silent).tokens,
              ElementsAre("##aa", "a", "##a", "aa", "aaa", "aaaa", "aaaaa"));
}

// All ways to write `word`, by recursion.
void each_way(const UnigramModel& model, const std::string& word, size_t at, double score,
              std::vector<int32_t>& path,
              const std::function<void(double, const std::vector<int32_t>&)>& take) {
  if (at == word.size()) return take(score, path);
  for (size_t id = 0; id < model.size(); ++id) {
    const ScoredPiece& piece = model.pieces()[id];
    if (word.compare(at, piece.piece.size(), piece.piece) != 0) continue;
    path.push_back(static_cast<int32_t>(id));
    each_way(model, word, at + piece.piece.size(), score + piece.score, path, take);
    path.pop_back();
  }
}

TEST(UnigramLattice, EqualsTheSumOverAllWays) {
  const UnigramModel model(
      {{"a", -2}, {"b", -3}, {"ab", -4}, {"ba", -4.5}, {"aba", -5}, {"bab", -9}});
  const std::string word = "ababbaab";
  double total = 0, best = -1e9;
  std::vector<double> wanted(model.size());
  std::vector<int32_t> path, best_path;
  each_way(model, word, 0, 0, path, [&](double score, const std::vector<int32_t>& way) {
    total += std::exp(score);
    for (const int32_t id : way) wanted[static_cast<size_t>(id)] += 3 * std::exp(score);
    if (score > best) best = score, best_path = way;
  });
  UnigramLattice lattice(model);
  std::vector<double> expected(model.size());
  EXPECT_NEAR(lattice.expect(word, 3, expected), std::log(total), 1e-12);
  for (size_t id = 0; id < model.size(); ++id) {
    EXPECT_NEAR(expected[id], wanted[id] / total, 1e-12) << id;
  }
  std::vector<int32_t> ids;
  EXPECT_DOUBLE_EQ(lattice.best(word, ids), best);
  EXPECT_EQ(ids, best_path);
  EXPECT_DOUBLE_EQ(lattice.best("ab", ids, 2), -5);
  EXPECT_THAT(ids, ElementsAre(0, 1));
  lattice.best("a?b", ids);
  EXPECT_THAT(ids, ElementsAre(0, -1, 1));
}

TEST(UnigramLattice, LongWordsDoNotUnderflow) {
  const UnigramModel model({{"a", -700.0}, {"b", -1}});
  UnigramLattice lattice(model);
  std::vector<double> expected(2);
  EXPECT_NEAR(lattice.expect(std::string(5000, 'a'), 1, expected), -3.5e6, 1e-3);
  EXPECT_NEAR(expected[0], 5000, 1e-6);
}

TEST(UnigramSeeds, AreTheRepeatsWithTheirCounts) {
  const WordCounts words = {{"abab", 2}, {"abc", 3}, {"cabc", 1}};
  std::map<std::string, double> weights;
  double sum = 0;
  for (const ScoredPiece& seed :
       seed_pieces(words, alphabet_of(words, 0), {.max_piece_length = 3})) {
    weights[seed.piece] = std::exp(seed.score);
    sum += weights[seed.piece];
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  // ab stands twice in abab and once in each other: 2 + 2 + 3 + 1 times, two characters. bab, aba
  // and cab stand in one place; b, which abc and ab go on from, is a character.
  const std::map<std::string, double> wanted = {{"a", 8},   {"b", 8},    {"c", 5},
                                                {"ab", 16}, {"abc", 12}, {"bc", 8}};
  const double all = 8 + 8 + 5 + 16 + 12 + 8;
  ASSERT_EQ(weights.size(), wanted.size());
  for (const auto& [piece, weight] : wanted)
    EXPECT_NEAR(weights[piece] * all, weight, 1e-9) << piece;
}

TEST(TokenizerTraining, ResultDependsOnNeitherThreadsNorOrder) {
  std::vector<std::string> texts = small_texts();
  std::vector<std::string> turned(texts.rbegin(), texts.rend());
  for (const char* type : {"bpe", "unigram", "wordpiece"}) {
    const TokenizerTraining settings{.type = type, .vocab_size = type[0] == 'b' ? 300 : 120};
    const TrainedTokenizer one = trained(settings, texts, 1);
    const TrainedTokenizer three = trained(settings, turned, 3);
    EXPECT_EQ(text::tokenizer_json(one.config), text::tokenizer_json(three.config)) << type;
    EXPECT_EQ(one.of_texts.tokens, three.of_texts.tokens);
    EXPECT_EQ(one.of_texts.words, 40U * 14 + 40 * 3);
    EXPECT_LE(one.config.pieces.size(), static_cast<size_t>(settings.vocab_size));
    EXPECT_EQ(one.of_texts.unknown, 0U);
  }
}

TEST(TokenizerTraining, WhatIsWrittenIsReadBackTheSame) {
  const std::vector<std::string> texts = small_texts();
  std::vector<TokenizerTraining> all = {{.type = "wordpiece", .vocab_size = 150},
                                        {.type = "unigram", .vocab_size = 150, .lowercase = "yes"},
                                        {.type = "unigram",
                                         .vocab_size = 400,
                                         .special_tokens = {"<unk>", "<s>"},
                                         .normalizer = "identity",
                                         .byte_fallback = true}};
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    all.push_back({.type = "bpe", .vocab_size = 290, .pre_tokenizer = pre});
  }
  for (const TokenizerTraining& settings : all) {
    const text::TokenizerConfig made = trained(settings, texts).config;
    const text::TokenizerConfig read = text::parse_tokenizer_json(
        text::tokenizer_json(made), text::tokenizer_config_json(made, 0, ""));
    EXPECT_EQ(read.pieces, made.pieces);
    EXPECT_EQ(read.types, made.types);
    EXPECT_EQ(read.merges, made.merges);
    EXPECT_EQ(read.scores, made.scores);
    EXPECT_EQ(read.normalizers, made.normalizers);
    EXPECT_EQ(read.pre_tokenizer, made.pre_tokenizer);
    EXPECT_EQ(read.unk, made.unk);
    EXPECT_EQ(read.eos, made.eos);
    EXPECT_EQ(read.cls, made.cls);
    EXPECT_EQ(read.add_bos, made.add_bos);
    EXPECT_EQ(read.add_eos, made.add_eos);
    EXPECT_EQ(read.byte_fallback, made.byte_fallback);
    EXPECT_EQ(text::tokenizer_json(read), text::tokenizer_json(made));
  }
}

TEST(TokenizerTraining, SpecialTokensComeFirstAndNeverFromText) {
  const TokenizerTraining settings{
      .type = "bpe", .vocab_size = 320, .special_tokens = {"<s>", "the", "</s>"}};
  const TrainedTokenizer made = trained(settings, small_texts());
  EXPECT_EQ(made.config.pieces[1], "the");
  EXPECT_EQ(made.config.bos, 0);
  EXPECT_EQ(made.config.eos, 2);
  for (const std::string& merge : made.config.merges) {
    EXPECT_TRUE(merge != "th e" && merge != "t he") << merge;
  }
  const auto tokenizer = text::make_tokenizer(made.config);
  for (const text::TokenId id : tokenizer->encode("the <s>", {})) EXPECT_GT(id, 2);
}

TEST(TokenizerTraining, LimitsTheAlphabet) {
  const TrainedTokenizer few =
      trained({.type = "unigram", .vocab_size = 100, .limit_alphabet = 20}, small_texts());
  EXPECT_GT(few.of_texts.unknown, 0U);
  const TrainedTokenizer word =
      trained({.type = "wordpiece", .vocab_size = 100, .limit_alphabet = 20}, small_texts());
  EXPECT_GT(word.of_texts.unknown, 0U);
}

TEST(TokenizerTraining, RefusesSettingsWithoutAMeaning) {
  const auto expect_refused = [](const TokenizerTraining& settings, const char* what) {
    try {
      trained(settings, small_texts());
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  };
  expect_refused({.type = "words"}, "type is 'words'");
  expect_refused({.vocab_size = 0}, "vocab_size is 0");
  expect_refused({.vocab_size = 200}, "special tokens and bytes are 257");
  expect_refused({.type = "unigram", .vocab_size = 20}, "characters");
  expect_refused({.type = "unigram", .vocab_size = 3}, "vocab_size");
  expect_refused({.type = "wordpiece", .vocab_size = 20}, "vocab_size");
  expect_refused({.special_tokens = {"a", "a"}}, "twice");
  expect_refused({.special_tokens = {""}}, "no text");
  expect_refused({.type = "unigram", .special_tokens = {"<s>"}}, "needs a token for the unknown");
  expect_refused({.pre_tokenizer = "gpt-5"}, "gpt-5");
  expect_refused({.type = "unigram", .shrinking_factor = 1.0}, "shrinking_factor");
  expect_refused({.byte_fallback = true}, "byte_fallback");
  expect_refused({.min_frequency = -1}, "min_frequency");
  EXPECT_THROW(trained({.vocab_size = 300}, {}), Error);
  EXPECT_THROW(trained({.type = "wordpiece"}, {"\n", " \t"}), Error);
}

TEST(TokenizerTraining, ReadsFilesAndNamesTheLineOfDamage) {
  const testing::TemporaryFolder dir;
  SilentProgress silent;
  const auto read = [&](const char* name, std::string_view content) {
    write_file_atomic(dir.path() / name, content);
    const std::filesystem::path file = dir.path() / name;
    return read_text_lines(std::span(&file, 1), silent);
  };
  EXPECT_THAT(read("a.txt", "a\n\nb c").lines, ElementsAre("a\n", "\n", "b c"));
  EXPECT_THAT(read("a.jsonl", "{\"text\": \"a\\nb\"}\n\n{\"text\": \"\"}\n").lines,
              ElementsAre("a\n", "b"));
  const auto expect_line = [&](const char* name, std::string_view content, const char* what) {
    try {
      read(name, content);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  };
  expect_line("b.txt", "a\nb\xFF\n", "b.txt:2");
  expect_line("b.jsonl", "{\"text\": \"a\"}\n{\"words\": 1}\n", "b.jsonl:2");
  expect_line("c.jsonl", "{\"text\"\n", "c.jsonl:1");
  EXPECT_THROW(
      {
        const std::filesystem::path none = dir.path() / "none.txt";
        read_text_lines(std::span(&none, 1), silent);
      },
      Error);
}

// Files that `ondol train tokenizer` wrote, and what Hugging Face makes of them.
TEST(TokenizerTraining, HuggingFaceReadsTheFilesAndGivesTheSameIds) {
  const auto folder = ::ondol::testing::golden_dir() / "tokenizer_training";
  for (const std::string type : {"bpe", "unigram", "wordpiece"}) {
    const auto tokenizer = text::make_tokenizer(
        text::parse_tokenizer_json(read_file(folder / (type + ".tokenizer.json")), ""));
    const auto rows = ::ondol::testing::read_golden_rows(folder / (type + ".jsonl"));
    ASSERT_GT(rows.size(), 200U);
    for (const auto& row : rows) {
      const auto text = row["text"].get<std::string>();
      EXPECT_EQ(tokenizer->encode(text, {}), row["ids"].get<std::vector<text::TokenId>>())
          << type << " " << row["text"];
      EXPECT_EQ(tokenizer->encode(text, {.add_special = true}),
                row["whole"].get<std::vector<text::TokenId>>());
    }
  }
}

}  // namespace
}  // namespace ondol::train

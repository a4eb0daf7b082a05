// Training of word vectors against plain loops in double precision that make the same draws.
#include <gtest/gtest.h>

#include <cmath>

#include "train/word2vec_sampling.h"
#include "train/word2vec_test_support.h"

namespace ondol::train {
namespace {

using Matrix = std::vector<std::vector<double>>;

struct Reference {
  Reference(const Word2VecConfig& c, const WordCorpus& text)
      : config(c),
        corpus(text),
        negatives(text.counts, c.ns_exponent),
        input(text.words.size(), std::vector<double>(static_cast<size_t>(c.vector_size))),
        output(input) {
    for (size_t word = 0; word < input.size(); ++word) {
      Rng rng(static_cast<uint64_t>(config.seed), first_vector_stream(word));
      for (double& v : input[word]) {
        v = (2 * rng.uniform() - 1) / static_cast<double>(config.vector_size);
      }
    }
  }

  double sigmoid(double score, bool present) const {
    if (!config.sigmoid_table) return 1 / (1 + std::exp(-score));
    if (std::fabs(score) >= 6) return present ? 1 : 0;
    const double step = std::floor((score + 6) * 1000 / 12);
    return 1 / (1 + std::exp(-(step / 1000 * 12 - 6)));
  }

  // Learns `word` from the vector `seen`; returns what is to be added to it.
  std::vector<double> learn(uint32_t word, const std::vector<double>& seen, double rate, Rng& rng) {
    std::vector<uint32_t> rows = {word};
    for (int64_t n = 0; n < config.negative; ++n) {
      const uint32_t other = negatives.pick(rng.next_u32());
      if (other != word) rows.push_back(other);
    }
    std::vector<double> scores;
    for (const uint32_t row : rows) {
      double score = 0;
      for (size_t i = 0; i < seen.size(); ++i) score += seen[i] * output[row][i];
      scores.push_back(score);
    }
    std::vector<double> error(seen.size());
    for (size_t k = 0; k < rows.size(); ++k) {
      const double pull = ((k == 0 ? 1.0 : 0.0) - sigmoid(scores[k], k == 0)) * rate;
      loss += std::log1p(std::exp(k == 0 ? -scores[k] : scores[k]));
      for (size_t i = 0; i < seen.size(); ++i) {
        error[i] += pull * output[rows[k]][i];
        output[rows[k]][i] += pull * seen[i];
      }
    }
    ++pairs;
    return error;
  }

  void position(const std::vector<uint32_t>& kept, size_t at, size_t reach, double rate, Rng& rng) {
    std::vector<uint32_t> around;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (i != at && i + reach >= at && i <= at + reach) around.push_back(kept[i]);
    }
    if (around.empty()) return;
    if (config.sg) {
      for (const uint32_t word : around) {
        const std::vector<double> error = learn(kept[at], input[word], rate, rng);
        for (size_t i = 0; i < error.size(); ++i) input[word][i] += error[i];
      }
      return;
    }
    const auto count = static_cast<double>(around.size());
    std::vector<double> seen(static_cast<size_t>(config.vector_size));
    for (const uint32_t word : around) {
      for (size_t i = 0; i < seen.size(); ++i) {
        seen[i] += input[word][i] / (config.cbow_mean ? count : 1);
      }
    }
    const std::vector<double> error = learn(kept[at], seen, rate, rng);
    for (const uint32_t word : around) {
      for (size_t i = 0; i < seen.size(); ++i) {
        input[word][i] += error[i] / (config.cbow_mean ? 1 : count);
      }
    }
  }

  void epoch(uint64_t index) {
    loss = 0;
    pairs = 0;
    const double all = static_cast<double>(corpus.ids.size());
    size_t words = 0;
    for (size_t s = 0; s < corpus.sentences(); ++s) {
      const double done = static_cast<double>(index) * all + static_cast<double>(words);
      const double rate = config.alpha - (config.alpha - config.min_alpha) * done /
                                             (static_cast<double>(config.epochs) * all);
      Rng rng(static_cast<uint64_t>(config.seed), sentence_stream(index, s));
      std::vector<uint32_t> kept;
      for (const uint32_t id : corpus.sentence(s)) {
        const double t = config.sample * all;
        const double v = static_cast<double>(corpus.counts[id]);
        const double keep = config.sample == 0 ? 1 : (std::sqrt(v / t) + 1) * t / v;
        if (keep >= 1 || rng.next_u32() < std::floor(keep * 0x1p32)) kept.push_back(id);
      }
      const auto window = static_cast<uint64_t>(config.window);
      for (size_t at = 0; at < kept.size(); ++at) {
        const uint64_t less = config.shrink_windows ? rng.next_u32() * window >> 32 : 0;
        position(kept, at, window - less, rate, rng);
      }
      words += corpus.sentence(s).size();
    }
  }

  const Word2VecConfig& config;
  const WordCorpus& corpus;
  AliasTable negatives;
  Matrix input, output;
  double loss = 0;
  size_t pairs = 0;
};

void expect_reference(const Word2VecConfig& config) {
  const std::string text = random_text(60, 30);
  const TempFile file("text.txt", text);
  const std::filesystem::path files[] = {file.path()};
  SilentProgress silent;
  WordCorpusConfig reading;
  reading.min_count = static_cast<uint64_t>(config.min_count);
  const WordCorpus corpus = read_words(files, reading, silent);
  Reference reference(config, corpus);
  const Word2VecResult got = train_text(config, text);
  ASSERT_EQ(got.vectors.words(), corpus.words);
  for (int64_t e = 0; e < config.epochs; ++e) {
    reference.epoch(static_cast<uint64_t>(e));
    const Word2VecEpoch& epoch = got.epochs[static_cast<size_t>(e)];
    EXPECT_EQ(epoch.pairs, reference.pairs);
    EXPECT_NEAR(epoch.loss, reference.loss / static_cast<double>(reference.pairs), 1e-6);
  }
  double moved = 0;
  const Reference untouched(config, corpus);
  for (size_t word = 0; word < corpus.words.size(); ++word) {
    for (size_t i = 0; i < reference.input[word].size(); ++i) {
      const double value = got.vectors.vector(word)[i];
      EXPECT_NEAR(value, reference.input[word][i], 2e-6) << corpus.words[word];
      moved = std::max(moved, std::fabs(value - untouched.input[word][i]));
    }
  }
  EXPECT_GT(moved, 1e-3);
}

TEST(Word2Vec, SkipGramFollowsTheReference) { expect_reference(small(1)); }
TEST(Word2Vec, MeanOfWindowFollowsTheReference) { expect_reference(small(0)); }
TEST(Word2Vec, OtherSettingsFollowTheReference) {
  Word2VecConfig sum = small(0);
  sum.cbow_mean = 0;
  sum.shrink_windows = false;
  sum.sample = 0;
  sum.alpha = 0.05;
  expect_reference(sum);
  Word2VecConfig wide = small(1);
  wide.negative = 31;  // more than the lanes of one vector
  wide.vector_size = 33;
  wide.seed = 7;
  wide.alpha = 0.05;
  expect_reference(wide);
}
TEST(Word2Vec, SigmoidTableFollowsTheReference) {
  Word2VecConfig config = small(1);
  config.sigmoid_table = true;
  config.alpha = 0.05;
  expect_reference(config);
}

}  // namespace
}  // namespace ondol::train

#include "train/unigram_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/error.h"
#include "text/utf8.h"
#include "train/unigram_lattice.h"

namespace ondol::train {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
// Pieces that are expected less often leave (SentencePiece, unigram_model_trainer.cc).
constexpr double kExpectedLeast = 0.5;
// Sums are made in so many parts and then added in order: the same for any number of threads.
constexpr size_t kParts = 16;

// The derivative of the logarithm of the gamma function, for x > 0 (Abramowitz and Stegun 6.3.5,
// 6.3.18).
double digamma(double x) {
  double result = 0;
  for (; x < 7; ++x) result -= 1 / x;
  const double inverse = 1 / (x * x);
  result += std::log(x) - 0.5 / x -
            inverse * (1.0 / 12 - inverse * (1.0 / 120 - inverse * (1.0 / 252 - inverse / 240)));
  return result;
}

class UnigramLearner {
 public:
  UnigramLearner(const WordCounts& words, const UnigramSettings& settings, ThreadPool& pool,
                 ProgressSink& progress)
      : words_(words), settings_(settings), pool_(pool), progress_(progress) {}

  std::vector<ScoredPiece> run();

 private:
  // Runs task(part, begin, end) over parts of the words.
  template <class Task>
  void each_part(Task task);
  std::vector<double> expect(const UnigramModel& model);
  std::vector<double> count_best(const UnigramModel& model);
  void maximise(UnigramModel& model, bool may_drop);
  std::vector<ScoredPiece> used_pieces(const UnigramModel& model) const;
  std::vector<ScoredPiece> prune(const UnigramModel& model, size_t target);
  std::vector<double> losses(const UnigramModel& model);
  std::vector<ScoredPiece> finished(std::vector<ScoredPiece> pieces,
                                    const std::u32string& alphabet) const;
  std::vector<ScoredPiece> most_probable(std::vector<ScoredPiece> pieces, size_t characters) const;

  const WordCounts& words_;
  const UnigramSettings& settings_;
  ThreadPool& pool_;
  ProgressSink& progress_;
};

template <class Task>
void UnigramLearner::each_part(Task task) {
  std::atomic<size_t> next = 0;
  pool_.run([&](int) {
    for (size_t part; (part = next.fetch_add(1)) < kParts;) {
      task(part, words_.size() * part / kParts, words_.size() * (part + 1) / kParts);
    }
  });
}

void add_up(std::vector<std::vector<double>>& parts) {
  for (size_t p = 1; p < parts.size(); ++p) {
    for (size_t i = 0; i < parts[0].size(); ++i) parts[0][i] += parts[p][i];
  }
}

std::vector<double> UnigramLearner::expect(const UnigramModel& model) {
  std::vector<std::vector<double>> parts(kParts);
  each_part([&](size_t part, size_t begin, size_t end) {
    parts[part].assign(model.size(), 0.0);
    UnigramLattice lattice(model);
    for (size_t w = begin; w < end; ++w) {
      lattice.expect(words_[w].word, static_cast<double>(words_[w].count), parts[part]);
    }
  });
  add_up(parts);
  return std::move(parts[0]);
}

std::vector<double> UnigramLearner::count_best(const UnigramModel& model) {
  std::vector<std::vector<double>> parts(kParts);
  each_part([&](size_t part, size_t begin, size_t end) {
    parts[part].assign(model.size(), 0.0);
    UnigramLattice lattice(model);
    std::vector<int32_t> ids;
    for (size_t w = begin; w < end; ++w) {
      lattice.best(words_[w].word, ids);
      for (const int32_t id : ids) {
        if (id >= 0) parts[part][static_cast<size_t>(id)] += static_cast<double>(words_[w].count);
      }
    }
  });
  add_up(parts);
  return std::move(parts[0]);
}

// One step of expectation maximisation; the digamma makes rare pieces rarer (a Dirichlet process
// prior, Liang and Klein 2007).
void UnigramLearner::maximise(UnigramModel& model, bool may_drop) {
  std::vector<double> expected = expect(model);
  double sum = 0;
  for (double& count : expected) {
    if (count < kExpectedLeast) count = may_drop ? 0 : kExpectedLeast;
    sum += count;
  }
  const double log_sum = digamma(sum);
  for (double& count : expected) count = count > 0 ? digamma(count) - log_sum : kNever;
  model.set_scores(expected);
}

std::vector<ScoredPiece> UnigramLearner::used_pieces(const UnigramModel& model) const {
  std::vector<ScoredPiece> pieces;
  for (const ScoredPiece& piece : model.pieces()) {
    if (piece.score != kNever) pieces.push_back(piece);
  }
  return pieces;
}

// How much likelihood a piece carries: infinity where it cannot be replaced, below zero where it is
// never used.
std::vector<double> UnigramLearner::losses(const UnigramModel& model) {
  const std::vector<double> count = count_best(model);
  double sum = 0;
  for (const double c : count) sum += c;
  double words = 0;
  for (const WordCount& word : words_) words += static_cast<double>(word.count);
  std::vector<double> losses(model.size());
  pool_.parallel_for(
      static_cast<int64_t>(model.size()), 1024, [&](int64_t begin, int64_t end, int) {
        UnigramLattice lattice(model);
        std::vector<int32_t> instead;
        for (auto id = static_cast<size_t>(begin); id < static_cast<size_t>(end); ++id) {
          const ScoredPiece& piece = model.pieces()[id];
          const bool single = text::read_utf8(piece.piece, 0).size == piece.piece.size();
          const double other = lattice.best(piece.piece, instead, static_cast<int32_t>(id));
          if (single) {
            losses[id] = std::numeric_limits<double>::infinity();
          } else if (count[id] <= 0 || other > piece.score) {
            losses[id] = -1;
          } else {
            // Its occurrences go to the pieces that would take its place.
            const double log_sum =
                std::log(sum + count[id] * (static_cast<double>(instead.size()) - 1));
            double log_instead = 0;
            for (const int32_t i : instead) {
              const double taken = i < 0 ? 0 : count[static_cast<size_t>(i)];
              log_instead += std::log(taken + count[id]) - log_sum;
            }
            losses[id] = count[id] / words * (std::log(count[id]) - std::log(sum) - log_instead);
          }
        }
      });
  return losses;
}

// Keeps the `target` pieces whose loss would cost most, in their order; unused ones go at once.
std::vector<ScoredPiece> UnigramLearner::prune(const UnigramModel& model, size_t target) {
  const std::vector<double> loss = losses(model);
  std::vector<size_t> order(model.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return loss[a] > loss[b]; });
  size_t used = 0;
  while (used < order.size() && loss[order[used]] >= 0) ++used;
  order.resize(std::min({order.size(), target, std::max(used, settings_.pieces)}));
  std::sort(order.begin(), order.end());
  std::vector<ScoredPiece> pieces;
  for (const size_t id : order) pieces.push_back(model.pieces()[id]);
  return pieces;
}

// With the characters that lost their piece on the way, a little worse than the worst each.
std::vector<ScoredPiece> UnigramLearner::finished(std::vector<ScoredPiece> pieces,
                                                  const std::u32string& alphabet) const {
  constexpr double kStep = 1e-4;
  std::unordered_set<std::string> known;
  double least = 0;
  for (const ScoredPiece& piece : pieces) {
    known.insert(piece.piece);
    least = std::min(least, piece.score);
  }
  for (const char32_t code : alphabet) {
    std::string piece;
    text::append_utf8(piece, code);
    if (known.contains(piece)) continue;
    least -= kStep;
    pieces.push_back({std::move(piece), least});
  }
  std::sort(pieces.begin(), pieces.end(), [](const ScoredPiece& a, const ScoredPiece& b) {
    return a.score != b.score ? a.score > b.score : a.piece < b.piece;
  });
  return pieces;
}

// The last cut, by probability as SentencePiece's: every character stays. `pieces`: best first.
std::vector<ScoredPiece> UnigramLearner::most_probable(std::vector<ScoredPiece> pieces,
                                                       size_t characters) const {
  size_t room = settings_.pieces - characters;
  std::erase_if(pieces, [&](const ScoredPiece& piece) {
    if (text::read_utf8(piece.piece, 0).size == piece.piece.size()) return false;
    if (room == 0) return true;
    --room;
    return false;
  });
  return pieces;
}

std::vector<ScoredPiece> UnigramLearner::run() {
  progress_.update("finding pieces", 0, 0);
  const std::u32string alphabet = alphabet_of(words_, settings_.limit_alphabet);
  if (alphabet.size() > settings_.pieces) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[tokenizer] vocab_size leaves {} pieces, and the texts have {} "
                            "characters; try a larger vocab_size, or limit_alphabet",
                            settings_.pieces, alphabet.size()));
  }
  UnigramModel model(seed_pieces(words_, alphabet, settings_.seeds));
  const size_t first = model.size();
  const size_t enough = settings_.pieces * 11 / 10;
  for (;;) {
    for (int64_t i = 0; i < settings_.n_sub_iterations; ++i) {
      const size_t last = std::min(settings_.pieces, model.size());
      progress_.update("learning pieces", first - model.size(), first - last);
      maximise(model, true);
    }
    std::vector<ScoredPiece> pieces = used_pieces(model);
    const bool done = pieces.size() <= enough;
    const auto target = std::max(enough, static_cast<size_t>(static_cast<double>(pieces.size()) *
                                                             settings_.shrinking_factor));
    model = UnigramModel(std::move(pieces));
    if (done) break;
    model = UnigramModel(prune(model, target));
  }
  model = UnigramModel(most_probable(finished(used_pieces(model), alphabet), alphabet.size()));
  for (int64_t i = 0; i < settings_.n_sub_iterations; ++i) maximise(model, false);
  return finished(used_pieces(model), alphabet);
}

}  // namespace

std::vector<ScoredPiece> learn_unigram(const WordCounts& words, const UnigramSettings& settings,
                                       ThreadPool& pool, ProgressSink& progress) {
  return UnigramLearner(words, settings, pool, progress).run();
}

}  // namespace ondol::train

#include "train/word2vec.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "kernels/table.h"
#include "train/word2vec_sampling.h"

namespace ondol::train {
namespace {

constexpr int64_t kLanes = 16;
constexpr size_t kShareWords = 10000;  // what a thread takes at a time

// Rows of floats padded with zeros to whole lanes: 16 floats are a cache line.
class LaneRows {
 public:
  LaneRows(size_t rows, int64_t width)
      : stride_((width + kLanes - 1) / kLanes * kLanes),
        lines_(rows * static_cast<size_t>(stride_ / kLanes)) {}
  float* row(size_t index) { return lines_.data()->values + index * static_cast<size_t>(stride_); }
  int64_t stride() const { return stride_; }

 private:
  struct alignas(64) Line {
    float values[kLanes] = {};
  };
  int64_t stride_;
  std::vector<Line> lines_;
};

struct Tally {
  double loss = 0;
  uint64_t pairs = 0;
};

// All that the threads share. In parallel mode they read and write `input` and `output` without
// locks, on purpose: two updates of one vector at the same time may lose one of them, which costs
// less than any order would. Nothing else is written by two threads.
struct Model {
  Model(const Word2VecConfig& c, const WordCorpus& text, const KernelTable& table)
      : config(c),
        corpus(text),
        kernels(table),
        input(text.words.size(), c.vector_size),
        output(text.words.size(), c.vector_size),
        negatives(text.counts, c.ns_exponent),
        keep(keep_thresholds(text.counts, text.ids.size(), c.sample)) {}

  // The rate when `words` of all epochs' words have been read.
  double alpha_at(uint64_t words) const {
    const double all = static_cast<double>(config.epochs) * static_cast<double>(corpus.ids.size());
    return config.alpha - (config.alpha - config.min_alpha) * (static_cast<double>(words) / all);
  }

  const Word2VecConfig& config;
  const WordCorpus& corpus;
  const KernelTable& kernels;
  LaneRows input;   // of words as what is seen, the result
  LaneRows output;  // of words as what is told
  AliasTable negatives;
  std::vector<uint64_t> keep;
  std::vector<float> sigmoids;  // empty: exact
};

// One thread's part.
class Worker {
 public:
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  explicit Worker(Model& model)
      : model_(model),
        stride_(model.input.stride()),
        mean_(1, model.config.vector_size),
        error_(1, model.config.vector_size) {
    for (NegativeStep& step : steps_) {
      step.width = stride_;
      step.sigmoids = model.sigmoids.empty() ? nullptr : model.sigmoids.data();
      step.margins = margins_;
      step.shares = shares_;
    }
  }

  // Sentences [begin, end); `words` is how many came before, of all epochs.
  Tally train(uint64_t epoch, size_t begin, size_t end, uint64_t words);

 private:
  void sentence(std::span<const uint32_t> ids, WordDraws& draws);
  void skip_gram(size_t at, size_t begin, size_t end, WordDraws& draws);
  void cbow(size_t at, size_t begin, size_t end, WordDraws& draws);
  void choose(uint32_t word, WordDraws& draws, NegativeStep& step);
  void learn(const NegativeStep& step);
  void settle();

  Model& model_;
  int64_t stride_;
  LaneRows mean_, error_;
  NegativeStep steps_[2] = {};
  float rate_ = 0;
  alignas(64) float margins_[kNegativeRowsMax];
  alignas(64) float shares_[kNegativeRowsMax];
  std::vector<uint32_t> kept_;
  Tally tally_;
  double product_ = 1;  // of shares whose logarithm is still to be taken
};

// The word's row and those of drawn words that are others, fetched while something else is done.
void Worker::choose(uint32_t word, WordDraws& draws, NegativeStep& step) {
  step.rows[0] = model_.output.row(word);
  int64_t count = 1;
  for (int64_t n = 0; n < model_.config.negative; ++n) {
    const uint32_t other = model_.negatives.pick(draws.next());
    float* row = model_.output.row(other);
    for (int64_t i = 0; i < stride_; i += kLanes) __builtin_prefetch(row + i, 1);
    step.rows[count] = row;
    count += other != word;
  }
  step.count = count;
  step.rate = rate_;
}

void Worker::settle() {
  tally_.loss -= std::log(product_);
  product_ = 1;
}

void Worker::learn(const NegativeStep& step) {
  model_.kernels.negative_step(step);
  double above = 0;
  for (int64_t k = 0; k < step.count; ++k) {
    above += std::max(margins_[k], 0.0F);
    product_ *= shares_[k];
  }
  tally_.loss += above;
  ++tally_.pairs;
  // Shares are at least one half: 32 of them cannot take this to zero.
  if (product_ < 1e-250) settle();
}

void Worker::skip_gram(size_t at, size_t begin, size_t end, WordDraws& draws) {
  const auto next = [&](size_t other) { return other + 1 == at ? at + 1 : other + 1; };
  size_t other = begin == at ? at + 1 : begin;
  if (other < end) choose(kept_[at], draws, steps_[0]);
  for (size_t turn = 0; other < end; ++turn) {
    NegativeStep& step = steps_[turn % 2];
    const size_t after = next(other);
    if (after < end) choose(kept_[at], draws, steps_[(turn + 1) % 2]);
    float* input = model_.input.row(kept_[other]);
    step.input = input;
    step.target = input;
    learn(step);
    other = after;
  }
}

void Worker::cbow(size_t at, size_t begin, size_t end, WordDraws& draws) {
  const size_t count = end - begin - 1;
  if (count == 0) return;
  NegativeStep& step = steps_[0];
  choose(kept_[at], draws, step);
  float* mean = mean_.row(0);
  float* error = error_.row(0);
  std::fill_n(mean, stride_, 0.0F);
  std::fill_n(error, stride_, 0.0F);
  for (size_t other = begin; other < end; ++other) {
    if (other != at) model_.kernels.add(model_.input.row(kept_[other]), stride_, mean);
  }
  const float part = 1.0F / static_cast<float>(count);
  float* scaled = model_.config.cbow_mean ? mean : error;
  if (model_.config.cbow_mean) {
    for (int64_t i = 0; i < stride_; ++i) scaled[i] *= part;
  }
  step.input = mean;
  step.target = error;
  learn(step);
  if (!model_.config.cbow_mean) {
    for (int64_t i = 0; i < stride_; ++i) scaled[i] *= part;
  }
  for (size_t other = begin; other < end; ++other) {
    if (other != at) model_.kernels.add(error, stride_, model_.input.row(kept_[other]));
  }
}

void Worker::sentence(std::span<const uint32_t> ids, WordDraws& draws) {
  constexpr uint64_t kAlways = uint64_t{1} << 32;
  kept_.clear();
  for (const uint32_t id : ids) {
    const uint64_t keep = model_.keep[id];
    if (keep == kAlways || draws.next() < keep) kept_.push_back(id);
  }
  const auto window = static_cast<uint64_t>(model_.config.window);
  for (size_t at = 0; at < kept_.size(); ++at) {
    const uint64_t less = model_.config.shrink_windows ? draws.next() * window >> 32 : 0;
    const size_t reach = static_cast<size_t>(window - less);
    const size_t begin = at > reach ? at - reach : 0;
    const size_t end = std::min(kept_.size(), at + reach + 1);
    model_.config.sg ? skip_gram(at, begin, end, draws) : cbow(at, begin, end, draws);
  }
}

Tally Worker::train(uint64_t epoch, size_t begin, size_t end, uint64_t words) {
  tally_ = {};
  for (size_t s = begin; s < end; ++s) {
    const std::span<const uint32_t> ids = model_.corpus.sentence(s);
    rate_ = static_cast<float>(model_.alpha_at(words));
    WordDraws draws(static_cast<uint64_t>(model_.config.seed), sentence_stream(epoch, s));
    sentence(ids, draws);
    words += ids.size();
  }
  settle();
  return tally_;
}

// Sentences of about kShareWords words.
std::vector<size_t> share_ends(const WordCorpus& corpus) {
  std::vector<size_t> ends;
  size_t begin = 0;
  for (size_t s = 0; s < corpus.sentences(); ++s) {
    if (corpus.ends[s] - begin < kShareWords && s + 1 < corpus.sentences()) continue;
    ends.push_back(s + 1);
    begin = corpus.ends[s];
  }
  return ends;
}

class Run {
 public:
  Run(Model& model, ThreadPool& pool, ProgressSink& progress)
      : model_(model), pool_(pool), progress_(progress), ends_(share_ends(model.corpus)) {
    const int workers = model.config.deterministic ? 1 : pool.size();
    for (int i = 0; i < workers; ++i) workers_.push_back(std::make_unique<Worker>(model));
  }

  Tally epoch(uint64_t epoch);

 private:
  void share(uint64_t epoch, size_t index, Worker& worker);

  Model& model_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  std::vector<size_t> ends_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Tally> tallies_;
  std::atomic<size_t> done_ = 0;
};

void Run::share(uint64_t epoch, size_t index, Worker& worker) {
  const WordCorpus& corpus = model_.corpus;
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  const uint64_t words = epoch * corpus.ids.size() + (begin == 0 ? 0 : corpus.ends[begin - 1]);
  tallies_[index] = worker.train(epoch, begin, ends_[index], words);
  const size_t before = static_cast<size_t>(epoch) * ends_.size();
  progress_.update("word2vec", before + done_.fetch_add(1) + 1,
                   static_cast<uint64_t>(model_.config.epochs) * ends_.size());
}

Tally Run::epoch(uint64_t epoch) {
  tallies_.assign(ends_.size(), {});
  done_ = 0;
  if (model_.config.deterministic) {
    for (size_t i = 0; i < ends_.size(); ++i) share(epoch, i, *workers_[0]);
  } else {
    std::atomic<size_t> next = 0;
    pool_.run([&](int index) {
      Worker& worker = *workers_[static_cast<size_t>(index)];
      try {
        for (size_t i = next++; i < ends_.size(); i = next++) share(epoch, i, worker);
      } catch (...) {
        next = ends_.size();  // the others stop at their next share
        throw;
      }
    });
  }
  Tally sum;
  for (const Tally& one : tallies_) {
    sum.loss += one.loss;
    sum.pairs += one.pairs;
  }
  return sum;
}

// Uniform in (-1, 1) / vector_size, as gensim 4 begins; the C program of 2013 took half of it.
void first_vectors(Model& model) {
  const auto size = static_cast<double>(model.config.vector_size);
  for (size_t word = 0; word < model.corpus.words.size(); ++word) {
    Rng rng(static_cast<uint64_t>(model.config.seed), first_vector_stream(word));
    float* row = model.input.row(word);
    for (int64_t i = 0; i < model.config.vector_size; ++i) {
      row[i] = static_cast<float>((2 * rng.uniform() - 1) / size);
    }
  }
}

std::vector<float> make_sigmoids() {
  std::vector<float> table(kSigmoidTableSize);
  for (size_t i = 0; i < table.size(); ++i) {
    const double x = (static_cast<double>(i) / static_cast<double>(table.size()) * 2 - 1) * 6;
    table[i] = static_cast<float>(1 / (1 + std::exp(-x)));
  }
  return table;
}

Word2VecEpoch run_epoch(Run& run, const Model& model, int64_t index) {
  const auto start = std::chrono::steady_clock::now();
  const Tally tally = run.epoch(static_cast<uint64_t>(index));
  Word2VecEpoch epoch;
  epoch.epoch = index + 1;
  epoch.pairs = tally.pairs;
  epoch.words = model.corpus.ids.size();
  epoch.alpha = model.alpha_at(static_cast<uint64_t>(index + 1) * model.corpus.ids.size());
  epoch.loss = tally.pairs == 0 ? 0 : tally.loss / static_cast<double>(tally.pairs);
  epoch.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!std::isfinite(epoch.loss)) {
    throw Error(
        ErrorCode::kCorruptData,
        fmt::format("[word2vec] the loss of epoch {} is {}; expected a finite number; try a "
                    "lower alpha (now {})",
                    epoch.epoch, epoch.loss, model.config.alpha));
  }
  return epoch;
}

void check_learned(const std::vector<Word2VecEpoch>& epochs) {
  for (const Word2VecEpoch& epoch : epochs) {
    if (epoch.pairs > 0) return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[word2vec] nothing was learned: no line kept two words after frequent ones were "
              "thinned out; try sample = 0 or a longer text");
}

WordVectors vectors_of(Model& model, std::vector<std::string> words) {
  const auto width = static_cast<size_t>(model.config.vector_size);
  std::vector<float> values(words.size() * width);
  for (size_t word = 0; word < words.size(); ++word) {
    std::copy_n(model.input.row(word), width, values.data() + word * width);
  }
  return WordVectors(std::move(words), width, std::move(values));
}

}  // namespace

Word2VecResult train_word2vec(const Word2VecConfig& config,
                              std::span<const std::filesystem::path> files, ThreadPool& pool,
                              ProgressSink& progress, const OnWord2VecEpoch& on_epoch,
                              const KernelTable& kernels) {
  check_word2vec(config);
  WordCorpusConfig reading;
  reading.split_at_spaces = config.split_at_spaces;
  reading.min_count = static_cast<uint64_t>(config.min_count);
  reading.max_final_vocab = static_cast<uint64_t>(config.max_final_vocab);
  WordCorpus corpus = read_words(files, reading, progress);
  Model model(config, corpus, kernels);
  if (config.sigmoid_table) model.sigmoids = make_sigmoids();
  first_vectors(model);
  Word2VecResult result;
  Run run(model, pool, progress);
  for (int64_t index = 0; index < config.epochs; ++index) {
    result.epochs.push_back(run_epoch(run, model, index));
    if (on_epoch) on_epoch(result.epochs.back());
  }
  check_learned(result.epochs);
  result.words_read = corpus.words_read;
  result.words_distinct = corpus.words_distinct;
  result.words_kept = corpus.ids.size();
  result.lines = corpus.lines;
  result.lines_cut = corpus.lines_cut;
  result.counts = corpus.counts;
  result.vectors = vectors_of(model, std::move(corpus.words));
  return result;
}

}  // namespace ondol::train

// t(m): the cost of a step by the number of its tokens, measured below the scheduler.
#include <algorithm>
#include <chrono>

#include "app/bench.h"
#include "base/error.h"
#include "base/rng.h"

namespace ondol::app {
namespace {

constexpr int64_t kFillTokens = 512;  // of one step that fills the cache

KvShape kv_shape(const Model& model, const CurveOptions& options) {
  KvShape shape = model.decoder->kv_shape();
  shape.type = options.kv_type;
  return shape;
}

// One sequence whose last tokens are computed again and again at the same positions.
class RepeatedStep {
 public:
  RepeatedStep(const Model& model, ThreadPool& pool, const CurveOptions& options,
               int64_t tokens_max)
      : model_(model),
        context_{pool, best_kernels(), options.precision, ops::Form::kFused, options.profile},
        rng_(options.seed, 0),
        kv_(kv_shape(model, options), pages_for(options.depth + tokens_max) *
                                          KvPool(kv_shape(model, options), 0).page_bytes()) {
    for (size_t i = 0; i < pages_for(options.depth + tokens_max); ++i) {
      pages_.push_back(kv_.allocate());
    }
  }
  ~RepeatedStep() {
    for (const KvPool::PageId page : pages_) kv_.release(page);
  }
  RepeatedStep(const RepeatedStep&) = delete;
  RepeatedStep& operator=(const RepeatedStep&) = delete;

  Tensor forward(int64_t position, int64_t tokens) {
    std::vector<TokenId> ids(static_cast<size_t>(tokens));
    const auto vocabulary = static_cast<uint64_t>(model_.info.vocabulary);
    for (TokenId& id : ids) id = static_cast<TokenId>(rng_.below(vocabulary));
    const SequenceBatch batch{{{0, tokens, position, pages_}}, &kv_};
    return model_.decoder->forward(context_, ids, batch);
  }
  double milliseconds(int64_t position, int64_t tokens) {
    const auto start = std::chrono::steady_clock::now();
    model_.decoder->logits(context_, forward(position, tokens));
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    return time.count();
  }

 private:
  static size_t pages_for(int64_t tokens) {
    return static_cast<size_t>((tokens + kPageTokens - 1) / kPageTokens);
  }

  const Model& model_;
  ops::Context context_;
  Rng rng_;
  KvPool kv_;
  std::vector<KvPool::PageId> pages_;
};

CurvePoint summarize(int64_t tokens, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return {tokens, times[times.size() / 2], times.front(), times.back()};
}

}  // namespace

std::vector<CurvePoint> step_curve(const Model& model, ThreadPool& pool,
                                   const CurveOptions& options, ProgressSink& progress) {
  if (!model.decoder) {
    throw Error(ErrorCode::kUnsupported, "[bench] '" + model.path.string() +
                                             "' writes no text, so it has no steps to measure; try "
                                             "`ondol bench` without --curve");
  }
  const int64_t tokens_max = *std::max_element(options.tokens.begin(), options.tokens.end());
  const int64_t needed = options.depth + tokens_max;
  if (model.info.context_tokens_max > 0 && needed > model.info.context_tokens_max) {
    throw Error(ErrorCode::kInvalidArgument,
                "[bench] depth and step have " + std::to_string(needed) +
                    " tokens; the context holds " + std::to_string(model.info.context_tokens_max));
  }
  const ThreadPool::Burst burst(pool);
  RepeatedStep step(model, pool, options, tokens_max);
  for (int64_t begin = 0; begin < options.depth; begin += kFillTokens) {
    step.forward(begin, std::min(kFillTokens, options.depth - begin));
  }
  // Sizes take turns, so that a disturbance meets all of them. The first turn warms up.
  std::vector<std::vector<double>> times(options.tokens.size());
  const auto turns = static_cast<uint64_t>(options.repetitions) + 1;
  for (uint64_t turn = 0; turn < turns; ++turn) {
    progress.update("curve", turn, turns);
    for (size_t i = 0; i < times.size(); ++i) {
      const double time = step.milliseconds(options.depth, options.tokens[i]);
      if (turn > 0) times[i].push_back(time);
    }
  }
  progress.update("curve", turns, turns);
  std::vector<CurvePoint> curve;
  for (size_t i = 0; i < times.size(); ++i) {
    curve.push_back(summarize(options.tokens[i], std::move(times[i])));
  }
  return curve;
}

}  // namespace ondol::app

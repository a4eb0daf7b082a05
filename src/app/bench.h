// How fast a model runs here: reading a prompt and writing an answer, measured apart; for an
// encoder, embedding texts.
//
//   BenchResult r = bench_model(generator, {.prompt_tokens = 512, .new_tokens = 64}, progress);
//
// Prefill is the time from the start of a prompt of random tokens to its first answer token. Decode
// is the time of `new_tokens` steps of `sequences` requests side by side, each behind a prompt of
// `depth` tokens, from the moment all of them write to the moment the last to begin has finished.
// One run of each warms up and is not counted. Nothing else should run on the machine.
#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "infer/local_embedder.h"
#include "infer/local_generator.h"
#include "ops/recompute.h"

namespace ondol::app {

struct BenchOptions {
  int64_t prompt_tokens = 512;
  int64_t new_tokens = 64;
  int64_t depth = 1;      // tokens in the cache before decoding, of each sequence
  int64_t sequences = 1;  // that decode side by side
  int64_t repetitions = 5;
  uint64_t seed = 1;
};

struct BenchRate {
  int64_t tokens = 0;  // of one repetition, all sequences together
  double median = 0;   // tokens a second
  double min = 0;
  double max = 0;
  std::vector<double> all;  // in the order they were measured
};

// Median (of an even number: the mean of the two in the middle), least and greatest of `rates`.
BenchRate rate_of(int64_t tokens, std::vector<double> rates);

struct BenchResult {
  BenchRate prefill;
  BenchRate decode;
  int64_t peak_rss_bytes = 0;  // of this process, loading the model included
};

BenchResult bench_model(LocalGenerator& generator, const BenchOptions& options,
                        ProgressSink& progress);

// What a step of m new tokens costs behind `depth` tokens in the cache, the logits of all m
// included: m tokens of one sequence, as when a guess of m - 1 tokens is checked. While t(m) stays
// near t(1) a guess is nearly free.
struct CurveOptions {
  std::vector<int64_t> tokens = {1, 2, 4, 8, 16};
  int64_t depth = 128;
  int64_t repetitions = 20;
  Precision precision = Precision::kFast;
  KvType kv_type = KvType::kI8;
  uint64_t seed = 1;
  Profile* profile = nullptr;
};
struct CurvePoint {
  int64_t tokens = 0;
  double median = 0;  // milliseconds
  double min = 0;
  double max = 0;
};
// Throws Error(kUnsupported) for a model without a decoder.
std::vector<CurvePoint> step_curve(const Model& model, ThreadPool& pool,
                                   const CurveOptions& options, ProgressSink& progress);

// Optimizer steps of a LoRA adapter (rank 16, all linears) on `batch` sequences of `length` random
// tokens, of which the first share `masked` has no loss. One step warms up.
struct TrainBenchOptions {
  bool full = false;  // all weights; else LoRA. The model is loaded with all_f32 then
  WeightForm form = WeightForm::kInt8;  // full: what products are made with
  int64_t batch = 4;
  int64_t length = 256;
  double masked = 0;
  int64_t repetitions = 5;
  Precision precision = Precision::kFast;
  ops::Recompute recompute = ops::Recompute::kOff;
  uint64_t seed = 1;
};
struct TrainBenchResult {
  BenchRate rate;
  int64_t peak_rss_bytes = 0;
};
TrainBenchResult bench_train(Model& model, ThreadPool& pool, const TrainBenchOptions& options,
                             ProgressSink& progress);

struct EmbedBenchOptions {
  int64_t text_tokens = 105;
  int64_t texts = 64;
  int64_t repetitions = 5;
  uint64_t seed = 1;
};
// Tokens a second of random texts, special tokens counted.
BenchRate bench_embedder(LocalEmbedder& embedder, const Model& model,
                         const EmbedBenchOptions& options, ProgressSink& progress);

}  // namespace ondol::app

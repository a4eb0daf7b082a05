// How fast a model runs here: reading a prompt and writing an answer, measured apart.
//
//   BenchResult r = bench_model(generator, {.prompt_tokens = 512, .new_tokens = 64}, progress);
//
// Prefill is the time from the start of a prompt of random tokens to its first answer token; decode
// is the time of `new_tokens` steps after a prompt of one token. One run of each warms up and is
// not counted. Nothing else should run on the machine.
#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "infer/local_generator.h"

namespace ondol::app {

struct BenchOptions {
  int64_t prompt_tokens = 512;
  int64_t new_tokens = 64;
  int64_t repetitions = 5;
  uint64_t seed = 1;
};

struct BenchRate {
  int64_t tokens = 0;  // of one repetition
  double median = 0;   // tokens a second
  double min = 0;
  double max = 0;
  std::vector<double> all;  // in the order they were measured
};

struct BenchResult {
  BenchRate prefill;
  BenchRate decode;
  int64_t peak_rss_bytes = 0;  // of this process, loading the model included
};

BenchResult bench_model(LocalGenerator& generator, const BenchOptions& options,
                        ProgressSink& progress);

}  // namespace ondol::app

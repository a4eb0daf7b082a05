// Which settings of word2vec have a meaning.
#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "kernels/table.h"
#include "train/word2vec.h"

namespace ondol::train {

void check_word2vec(const Word2VecConfig& config) {
  const auto need = [](bool holds, const char* field, double got, const char* expected) {
    if (holds) return;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[word2vec] {} is {}; expected {}", field, got, expected));
  };
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto within = [&](int64_t v, int64_t low, int64_t high, const char* field,
                          const char* expected) {
    need(v >= low && v <= high, field, number(v), expected);
  };
  within(config.vector_size, 1, 65536, "vector_size", "1 to 65536");
  within(config.window, 1, 10000, "window", "1 to 10000");
  within(config.min_count, 0, INT64_MAX, "min_count", "0 or more");
  within(config.max_final_vocab, 0, INT64_MAX, "max_final_vocab", "0 (no limit) or more");
  within(config.negative, 1, kNegativeRowsMax - 1, "negative",
         "1 to 31 (hierarchical softmax, negative 0, is not there)");
  within(config.epochs, 1, 1 << 20, "epochs", "1 or more, up to 1048576");
  within(config.seed, 0, INT64_MAX, "seed", "0 or more");
  within(config.sg, 0, 1, "sg", "1 (skip-gram) or 0 (CBOW)");
  within(config.cbow_mean, 0, 1, "cbow_mean", "1 (mean) or 0 (sum)");
  need(config.sample >= 0 && config.sample < 1, "sample", config.sample,
       "0 (no thinning out) or a share below 1, as 0.001");
  need(std::isfinite(config.ns_exponent), "ns_exponent", config.ns_exponent, "a number");
  need(config.alpha > 0 && config.alpha <= 10, "alpha", config.alpha, "above 0, at most 10");
  need(config.min_alpha >= 0 && config.min_alpha <= config.alpha, "min_alpha", config.min_alpha,
       "0 or more, at most alpha");
}

}  // namespace ondol::train

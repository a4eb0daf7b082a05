// What the optimizers share, and how each is made.
#pragma once

#include <cmath>
#include <memory>

#include "train/optimizer.h"

namespace ondol::train {

std::unique_ptr<Optimizer> make_adamw(const OptimizerConfig& config);
std::unique_ptr<Optimizer> make_adamw_8bit(const OptimizerConfig& config);
std::unique_ptr<Optimizer> make_lion(const OptimizerConfig& config);
std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config);
std::unique_ptr<Optimizer> make_adafactor(const OptimizerConfig& config);
std::unique_ptr<Optimizer> make_muon(const OptimizerConfig& config);

// Of embeddings and output heads, which Muon and 8-bit states leave to AdamW in f32.
bool is_vocabulary_matrix(std::string_view parameter);

inline constexpr int64_t kGrain = 8192;  // elements a thread takes at least

// What Adam's steps have in common; the step itself is a kernel.
struct Adam {
  double beta1, beta2, epsilon;
  AdamFactors factors(double rate, double decay, int64_t step) const;
};

}  // namespace ondol::train

// NEFTune (Jain et al., "NEFTune: noisy embeddings improve instruction finetuning", 2023): while a
// model is trained, its embeddings get uniform noise of +-alpha / sqrt(T D), T the tokens of the
// sequence alone. (transformers takes the padded length of the batch for T; there is no padding
// here.)
#pragma once

#include "nn/sequence_batch.h"
#include "ops/context.h"

namespace ondol::nn {

// x[sum T, D], the embeddings of the batch: noise by batch.noise, nothing without an alpha. A
// number depends on seed, row and column alone.
void add_embedding_noise(const ops::Context& context, const SequenceBatch& batch, Tensor& x);

}  // namespace ondol::nn

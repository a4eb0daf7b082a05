#include "nn/embedding_noise.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/rng.h"

namespace ondol::nn {
namespace {

// Four numbers of a Philox block at a time; stream 0 belongs to embeddings, others to adapters.
void add_noise(uint64_t seed, int64_t row, float size, std::span<float> values) {
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                       static_cast<uint32_t>(seed >> 32)};
  for (size_t begin = 0; begin < values.size(); begin += 4) {
    const std::array<uint32_t, 4> words =
        philox4x32({static_cast<uint32_t>(begin / 4), static_cast<uint32_t>(row), 0, 0}, key);
    for (size_t i = 0; i < std::min<size_t>(4, values.size() - begin); ++i) {
      const float uniform = static_cast<float>(words[i] >> 8) * 0x1.0p-24F;  // [0, 1)
      values[begin + i] += size * (2 * uniform - 1);
    }
  }
}

}  // namespace

void add_embedding_noise(const ops::Context& context, const SequenceBatch& batch, Tensor& x) {
  if (batch.noise.embedding_alpha <= 0) return;
  for (const SequenceSlice& s : batch.sequences) {
    const int64_t tokens = s.token_end - s.token_begin;
    const auto numbers = static_cast<double>(tokens * x.dim(1));
    const auto size = static_cast<float>(double{batch.noise.embedding_alpha} / std::sqrt(numbers));
    context.pool.parallel_for(tokens, 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t t = s.token_begin + begin; t < s.token_begin + end; ++t) {
        add_noise(batch.noise.seed, t, size, x.row(t));
      }
    });
  }
}

}  // namespace ondol::nn

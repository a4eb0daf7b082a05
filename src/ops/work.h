// What an op reads and computes, said to a profile (base/profile.h). Bytes are those of weights,
// keys and values: activations stay in cache.
#pragma once

#include <algorithm>
#include <span>

#include "base/profile.h"
#include "ops/attention.h"
#include "ops/linear.h"

namespace ondol::ops {

inline ProfileWork linear_work(const Tensor& x, std::span<const LinearPart> parts) {
  ProfileWork work{.tokens = x.dim(0), .columns = x.dim(1)};
  for (const LinearPart& part : parts) {
    work.type = dtype_info(part.weight->dtype()).name;
    work.rows += part.weight->rows();
    work.bytes += static_cast<int64_t>(part.weight->bytes());
  }
  work.operations = 2 * work.tokens * work.rows * work.columns;
  return work;
}

// An op on rows [T, D], each by itself. Called in destructors, so an op that failed before it had
// its tensor counts no rows.
inline ProfileWork rows_work(const Tensor& x) { return {.tokens = x.defined() ? x.dim(0) : 0}; }

inline ProfileWork layer_work(const Tensor& x, size_t layer) {
  ProfileWork work = rows_work(x);
  work.layer = static_cast<int64_t>(layer);
  return work;
}

// Keys and values count once a sequence, whatever the number of its queries.
inline ProfileWork attention_work(const AttentionShape& shape,
                                  std::span<const AttentionSource> sources) {
  ProfileWork work;
  for (const AttentionSource& source : sources) {
    const int64_t queries = source.token_end - source.token_begin;
    // Keys that the queries see, added up: a causal query sees one more than the one before.
    const int64_t first =
        source.causal ? std::min(source.keys, source.first_position + 1) : source.keys;
    const int64_t last =
        source.causal ? std::min(source.keys, source.first_position + queries) : source.keys;
    work.tokens += queries;
    work.operations += 2 * shape.heads * shape.head_width * queries * (first + last);
    work.bytes += 2 * source.keys * shape.kv_heads * kv_head_bytes(source.type, shape.head_width) /
                  kPageTokens;
  }
  return work;
}

}  // namespace ondol::ops

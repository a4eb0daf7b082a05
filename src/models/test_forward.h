// Runs models in tests: pages, batches, logits, and JSON goldens.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "models/model.h"

namespace ondol::testing {

using Ids = std::vector<text::TokenId>;

// One sequence with its own pages of a pool.
class TestSequence {
 public:
  TestSequence(KvPool& pool, int64_t tokens_max) : pool_(pool) {
    for (int64_t slot = 0; slot < tokens_max; slot += kPageTokens) {
      pages_.push_back(pool.allocate());
    }
  }
  ~TestSequence() {
    for (KvPool::PageId page : pages_) pool_.release(page);
  }
  TestSequence(const TestSequence&) = delete;
  TestSequence& operator=(const TestSequence&) = delete;

  // The slice that stands `tokens` further tokens at row `row` of a batch.
  SequenceSlice next(int64_t row, int64_t tokens) {
    const SequenceSlice slice{row, row + tokens, position_, pages_};
    position_ += tokens;
    return slice;
  }

 private:
  KvPool& pool_;
  std::vector<KvPool::PageId> pages_;
  int64_t position_ = 0;
};

// A pool with room for `tokens` tokens in each of `sequences` sequences.
inline std::unique_ptr<KvPool> make_pool(const Model& model, int64_t tokens,
                                         int64_t sequences = 1) {
  const KvShape shape = model.decoder->kv_shape();
  const int64_t pages = (tokens + kPageTokens - 1) / kPageTokens * sequences;
  const size_t page_bytes = KvPool(shape, 0).page_bytes();
  return std::make_unique<KvPool>(shape, static_cast<size_t>(pages) * page_bytes);
}

// Hidden states of ids, run in chunks of `chunk` tokens (0: at once).
inline Tensor hidden_states(const Model& model, const ops::Context& context, const Ids& ids,
                            int64_t chunk = 0) {
  const auto count = static_cast<int64_t>(ids.size());
  const auto pool = make_pool(model, count);
  TestSequence sequence(*pool, count);
  Tensor all = Tensor::zeros(DType::kF32, {count, model.info.width});
  for (int64_t begin = 0; begin < count;) {
    const int64_t tokens = std::min(chunk > 0 ? chunk : count, count - begin);
    const SequenceBatch batch{{sequence.next(0, tokens)}, pool.get()};
    const Tensor part = model.decoder->forward(
        context, std::span(ids).subspan(static_cast<size_t>(begin), static_cast<size_t>(tokens)),
        batch);
    std::copy_n(part.data(), part.size(), all.data() + begin * model.info.width);
    begin += tokens;
  }
  return all;
}

inline Ids greedy(const Model& model, const ops::Context& context, const Ids& prompt,
                  size_t new_tokens_max) {
  const auto room = static_cast<int64_t>(prompt.size() + new_tokens_max);
  const auto pool = make_pool(model, room);
  TestSequence sequence(*pool, room);
  Ids out, feed = prompt;
  const Ids& stop = model.tokenizer->end_of_generation();
  while (out.size() < new_tokens_max) {
    const auto tokens = static_cast<int64_t>(feed.size());
    const SequenceBatch batch{{sequence.next(0, tokens)}, pool.get()};
    const Tensor hidden = model.decoder->forward(context, feed, batch);
    const Tensor logits = model.decoder->logits(context, hidden.rows(tokens - 1, tokens));
    const std::span<const float> row = logits.row(0);
    const auto best =
        static_cast<text::TokenId>(std::max_element(row.begin(), row.end()) - row.begin());
    if (std::find(stop.begin(), stop.end(), best) != stop.end()) break;
    out.push_back(best);
    feed = {best};
  }
  return out;
}

// log softmax(logits)[id], in double.
inline double log_probability(std::span<const float> logits, text::TokenId id) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest);
  return logits[id] - largest - std::log(sum);
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.bytes(), b.bytes());
}

inline float largest_difference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const float difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // keeps a NaN
  }
  return largest;
}

}  // namespace ondol::testing

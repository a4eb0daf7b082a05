#include "infer/lookup.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ondol::infer {

namespace {
constexpr size_t kSlotsMin = 256;
}

Lookup::Lookup(std::span<const text::TokenId> text) : text_(text.begin(), text.end()) { rebuild(); }

// Of the pair that ends at position `end`.
size_t Lookup::slot(size_t end) const {
  const uint64_t pair = static_cast<uint64_t>(static_cast<uint32_t>(text_[end - 1])) << 32 |
                        static_cast<uint32_t>(text_[end]);
  return (pair * 0x9E3779B97F4A7C15U) >> (64 - std::countr_zero(heads_.size()));
}

void Lookup::rebuild() {
  heads_.assign(std::bit_ceil(std::max(kSlotsMin, 2 * text_.size())), -1);
  previous_.assign(text_.size(), -1);
  for (size_t i = 1; i < text_.size(); ++i) {
    previous_[i] = std::exchange(heads_[slot(i)], static_cast<int32_t>(i));
  }
}

void Lookup::append(text::TokenId token) {
  text_.push_back(token);
  if (text_.size() > heads_.size()) return rebuild();
  previous_.push_back(-1);
  const size_t last = text_.size() - 1;
  if (last > 0) previous_[last] = std::exchange(heads_[slot(last)], static_cast<int32_t>(last));
}

int64_t Lookup::match_length(size_t earlier) const {
  const size_t last = text_.size() - 1;
  const size_t most = std::min(earlier + 1, static_cast<size_t>(kLookupMatchMax));
  size_t length = 0;
  while (length < most && text_[earlier - length] == text_[last - length]) ++length;
  return static_cast<int64_t>(length);
}

Guess Lookup::guess(int64_t count) const {
  Guess result;
  if (text_.size() < 3 || count <= 0) return result;
  size_t best = 0;
  int32_t at = previous_.back();
  for (int64_t step = 0; at >= 0 && step < kLookupChain; ++step, at = previous_[at]) {
    const int64_t length = match_length(static_cast<size_t>(at));
    if (length < 2 || length <= result.match) continue;  // another pair in the same slot
    result.match = length;
    best = static_cast<size_t>(at);
    if (length == kLookupMatchMax) break;
  }
  if (result.match == 0) return result;
  // Of a text that repeats itself the guess runs on into what it has guessed.
  const size_t period = text_.size() - 1 - best;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    result.tokens.push_back(i < period ? text_[best + 1 + i] : result.tokens[i - period]);
  }
  return result;
}

}  // namespace ondol::infer

#include "infer/token_mask.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"

namespace ondol {

TokenSet::TokenSet(int64_t bound)
    : bound_(bound), words_(static_cast<size_t>((bound + 63) / 64), 0) {}

int64_t TokenSet::count() const {
  int64_t total = 0;
  for (const uint64_t word : words_) total += std::popcount(word);
  return total;
}

void TokenSet::clear() { std::fill(words_.begin(), words_.end(), 0); }

void TokenSet::insert(text::TokenId id) {
  if (id < 0 || id >= bound_) {
    throw Error(ErrorCode::kInvalidArgument, "[mask] token " + std::to_string(id) +
                                                 " allowed; expected an id from 0 to " +
                                                 std::to_string(bound_ - 1));
  }
  words_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
}

void TokenSet::insert_all() {
  std::fill(words_.begin(), words_.end(), ~uint64_t{0});
  if (bound_ % 64 != 0) words_.back() = (uint64_t{1} << (bound_ % 64)) - 1;
}

void TokenSet::insert(const TokenSet& other) {
  const size_t words = std::min(words_.size(), other.words_.size());
  for (size_t w = 0; w < words; ++w) words_[w] |= other.words_[w];
  if (other.bound_ > bound_ && bound_ % 64 != 0)
    words_.back() &= (uint64_t{1} << (bound_ % 64)) - 1;
}

std::vector<text::TokenId> TokenSet::ids() const {
  std::vector<text::TokenId> out;
  for (size_t w = 0; w < words_.size(); ++w) {
    for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
      out.push_back(static_cast<text::TokenId>(w * 64) + std::countr_zero(word));
    }
  }
  return out;
}

void TokenSet::apply(std::span<float> logits) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (size_t w = 0; w < words_.size(); ++w) {
    if (words_[w] == ~uint64_t{0}) continue;
    const size_t end = std::min((w + 1) * 64, logits.size());
    for (size_t i = w * 64; i < end; ++i) {
      if ((words_[w] >> (i % 64) & 1) == 0) logits[i] = kNever;
    }
  }
}

}  // namespace ondol

// Which tokens may come next: how a grammar, a schema or a list of choices steers generation. Only
// allowed tokens are sampled; where few are allowed only their rows of the head are computed, and a
// token that is the only one costs no head at all.
//
//   request.mask = std::make_shared<DigitsOnly>();   // a TokenMask in its state before any token
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

// Ids in [0, bound), a bit each.
class TokenSet {
 public:
  explicit TokenSet(int64_t bound = 0);

  int64_t bound() const { return bound_; }
  int64_t count() const;
  bool contains(text::TokenId id) const {
    return id >= 0 && id < bound_ && (words_[static_cast<size_t>(id) / 64] >> (id % 64) & 1) != 0;
  }
  void clear();
  void insert(text::TokenId id);  // throws Error(kInvalidArgument) for an id outside the bound
  void insert_all();
  void insert(const TokenSet& other);      // ids of `other` outside the bound are left out
  std::vector<text::TokenId> ids() const;  // ascending

  // Minus infinity for every entry whose id is not in the set. One entry an id.
  void apply(std::span<float> logits) const;

 private:
  int64_t bound_;
  std::vector<uint64_t> words_;
};

// The state of one text. Used by one thread at a time. What these functions throw ends the request.
class TokenMask {
 public:
  virtual ~TokenMask() = default;
  // A mask in the same state: every sample, and every guess at what comes next, has its own.
  virtual std::unique_ptr<TokenMask> clone() const = 0;
  // Puts the tokens that may come next into `set`, which is empty and has the vocabulary as its
  // bound. The tokens that end a text are allowed like any other: when the text may end here. An
  // empty set ends the request with Error(kInvalidArgument).
  virtual void allowed(TokenSet& set) const = 0;
  // `token`, one of the allowed, came next. Not called for a token that ends the text.
  virtual void accept(text::TokenId token) = 0;
};

}  // namespace ondol

// Guesses by a smaller model of the same tokenizer: it writes on greedily, and the model that is
// asked reads what it wrote in one step.
//
//   Draft draft(small_model, large_model, kv_bytes_max);
//   DraftWish wish{.state = state, .history = prompt_and_answer, .count = 4};
//   draft.write(context, {&wish, 1});        // wish.tokens: at most 4
//
// What it said wrongly is forgotten at the next call. Not synchronised: the engine thread owns it.
// Internal to infer.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "infer/sequence.h"
#include "models/model.h"

namespace ondol::infer {

// What the small model has read of one text.
struct DraftState {
  explicit DraftState(KvPool& pool) : pages(pool) {}
  PageList pages;
  std::vector<TokenId> read;  // whose keys and values are in the pages
};

struct DraftWish {
  std::shared_ptr<DraftState>& state;  // null: nothing was read yet
  std::span<const TokenId> history;
  int64_t count;
  std::vector<TokenId> tokens = {};
};

class Draft {
 public:
  // Throws Error(kInvalidArgument) for a model that cannot write, or has other tokens than
  // `writer`.
  Draft(std::shared_ptr<const Model> model, const Model& writer, size_t kv_bytes_max);

  // All wishes side by side. One that finds no room in the pages or the context gets no tokens.
  void write(const ops::Context& context, std::span<DraftWish> wishes);
  double seconds_each() const { return seconds_each_; }  // of a further token; 0: not known yet

 private:
  bool begin(DraftWish& wish);
  void advance(const ops::Context& context, std::span<DraftWish* const> open);

  std::shared_ptr<const Model> model_;
  KvPool kv_;
  double seconds_each_ = 0;
};

}  // namespace ondol::infer

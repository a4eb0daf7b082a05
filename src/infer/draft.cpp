#include "infer/draft.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.h"

namespace ondol::infer {
namespace {

constexpr size_t kReadTokensMax = 512;  // of one text in one step

size_t common_tokens(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

// What is to be read next: the rest of the history, then the last token written.
std::span<const TokenId> unread(const DraftWish& wish) {
  const size_t read = wish.state->read.size();
  if (read >= wish.history.size()) return std::span(wish.tokens).last(1);
  const auto rest = wish.history.subspan(read);
  return rest.first(std::min(rest.size(), kReadTokensMax));
}

std::shared_ptr<const Model> checked(std::shared_ptr<const Model> model, const Model& writer) {
  const std::string where = "[generate] the draft model '" + model->path.string() + "' ";
  if (!model->decoder || !model->tokenizer) {
    throw Error(ErrorCode::kInvalidArgument, where + "cannot write; try a decoder model");
  }
  if (model->tokenizer->config().pieces != writer.tokenizer->config().pieces) {
    throw Error(ErrorCode::kInvalidArgument, where + "has other tokens than '" +
                                                 writer.path.string() +
                                                 "'; expected a smaller model of the same family");
  }
  return model;
}

}  // namespace

Draft::Draft(std::shared_ptr<const Model> model, const Model& writer, size_t kv_bytes_max)
    : model_(checked(std::move(model), writer)), kv_(model_->decoder->kv_shape(), kv_bytes_max) {}

// Forgets what was not said after all, and asks for room for what is to come.
bool Draft::begin(DraftWish& wish) {
  if (!wish.state) wish.state = std::make_shared<DraftState>(kv_);
  std::vector<TokenId>& read = wish.state->read;
  // The last token is read again: what follows it is wanted.
  read.resize(std::min(common_tokens(read, wish.history), wish.history.size() - 1));
  const auto end = static_cast<int64_t>(wish.history.size()) + wish.count;
  const int64_t more = pages_for(end) - wish.state->pages.size();
  if (end <= model_->info.context_tokens_max && more <= static_cast<int64_t>(kv_.pages_free())) {
    wish.state->pages.grow_to(end);
    return true;
  }
  wish.state = nullptr;
  return false;
}

void Draft::write(const ops::Context& context, std::span<DraftWish> wishes) {
  std::vector<DraftWish*> open;
  for (DraftWish& wish : wishes) {
    if (wish.count > 0 && !wish.history.empty() && begin(wish)) open.push_back(&wish);
  }
  while (!open.empty()) {
    const bool writing = std::none_of(open.begin(), open.end(),
                                      [](const DraftWish* wish) { return wish->tokens.empty(); });
    const auto began = std::chrono::steady_clock::now();
    advance(context, open);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (writing) {
      seconds_each_ = seconds_each_ > 0 ? 0.8 * seconds_each_ + 0.2 * took.count() : took.count();
    }
    std::erase_if(open, [](const DraftWish* wish) {
      return static_cast<int64_t>(wish->tokens.size()) == wish->count;
    });
  }
}

void Draft::advance(const ops::Context& context, std::span<DraftWish* const> open) {
  std::vector<TokenId> ids;
  SequenceBatch batch{.sequences = {}, .kv = &kv_};
  for (DraftWish* wish : open) {
    const auto next = unread(*wish);
    const auto begin = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), next.begin(), next.end());
    batch.sequences.push_back({.token_begin = begin,
                               .token_end = static_cast<int64_t>(ids.size()),
                               .first_position = static_cast<int64_t>(wish->state->read.size()),
                               .pages = wish->state->pages.ids()});
  }
  const Tensor hidden = model_->decoder->forward(context, ids, batch);
  std::vector<DraftWish*> ready;  // all is read: the next token follows
  Tensor last = Tensor::zeros(DType::kF32, {static_cast<int64_t>(open.size()), hidden.dim(1)});
  for (size_t i = 0; i < open.size(); ++i) {
    const SequenceSlice& slice = batch.sequences[i];
    std::vector<TokenId>& read = open[i]->state->read;
    read.insert(read.end(), ids.begin() + slice.token_begin, ids.begin() + slice.token_end);
    if (read.size() < open[i]->history.size()) continue;
    std::memcpy(last.row(static_cast<int64_t>(ready.size())).data(),
                hidden.row(slice.token_end - 1).data(), hidden.row(0).size_bytes());
    ready.push_back(open[i]);
  }
  if (ready.empty()) return;
  const auto rows = static_cast<int64_t>(ready.size());
  const Tensor logits = model_->decoder->logits(context, last.rows(0, rows));
  const size_t vocabulary = model_->tokenizer->vocab_size();
  for (size_t i = 0; i < ready.size(); ++i) {
    const auto row = logits.row(static_cast<int64_t>(i));
    ready[i]->tokens.push_back(argmax(row.first(std::min(row.size(), vocabulary))));
  }
}

}  // namespace ondol::infer

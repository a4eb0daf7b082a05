// Log-likelihoods of given text on the engine thread.
#include <algorithm>
#include <cmath>

#include "infer/engine.h"

namespace ondol {
namespace {

using infer::Chain;
using infer::PageList;

// Rows of logits held at once: 64 x 49,152 floats are 12 MiB.
constexpr int64_t kLogitRowsMax = 64;

size_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

}  // namespace

// Every continuation as prompt + continuation, and how much of the beginning they all share.
struct LocalGenerator::Engine::ScorePlan {
  std::vector<std::vector<TokenId>> whole;
  std::vector<size_t> scored_from;  // first token that belongs to the continuation
  size_t shared = 0;                // tokens computed once; at least one token is left to each
};

LocalGenerator::Engine::ScorePlan LocalGenerator::Engine::plan_score(
    const ScoreRequest& request) const {
  ScorePlan plan;
  std::vector<TokenId> context = encode(request.prompt);
  for (const std::string& continuation : request.continuations) {
    std::vector<TokenId> whole;
    if (const auto* raw = std::get_if<RawText>(&request.prompt)) {
      whole = encode(RawText{raw->text + continuation});
    } else if (const auto* ids = std::get_if<std::vector<TokenId>>(&request.prompt)) {
      whole = *ids;
      const auto tail = model_->tokenizer->encode(continuation, {});
      whole.insert(whole.end(), tail.begin(), tail.end());
    } else {
      Prompt chat = std::get<Prompt>(request.prompt);
      chat.prefill += continuation;
      whole = encode(chat);
    }
    plan.whole.push_back(std::move(whole));
  }
  // Nothing before the continuation: its first token is predicted from the begin (or end) of text.
  if (context.empty()) {
    const auto& config = model_->tokenizer->config();
    const auto start = config.bos ? config.bos : config.eos;
    if (!start) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[score] the prompt is empty and the model has no begin-of-text token");
    }
    context.push_back(*start);
    for (auto& whole : plan.whole) whole.insert(whole.begin(), *start);
  }
  plan.shared = context.size() - 1;
  for (const auto& whole : plan.whole) {
    const size_t split = common_prefix(context, whole);
    if (split == 0 || split == whole.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[score] a continuation adds no token to the prompt");
    }
    if (static_cast<int64_t>(whole.size()) > context_tokens_max_) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[score] prompt and continuation have " + std::to_string(whole.size()) +
                      " tokens; the context holds " + std::to_string(context_tokens_max_));
    }
    plan.scored_from.push_back(split);
    plan.shared = std::min(plan.shared, split - 1);
  }
  return plan;
}

Chain LocalGenerator::Engine::compute_prefix(std::span<const TokenId> tokens,
                                             const LoadedAdapter* adapter) {
  Chain chain(kv_);
  chain.node = cache_root(adapter);
  cache_.extend(chain, tokens);
  const auto left = tokens.subspan(static_cast<size_t>(chain.tokens));
  if (left.empty()) return chain;
  const auto end = static_cast<int64_t>(tokens.size());
  cache_.make_room(infer::pages_for(end) - chain.pages.size());
  SequenceBatch batch{.sequences = {}, .kv = &kv_};
  std::vector<TokenId> ids;
  add_slice(ids, batch, chain.pages, left, chain.tokens, adapter);
  model_->decoder->forward(context(), ids, batch);
  chain.tokens = end;
  cache_.keep(chain, tokens);
  return chain;
}

std::vector<Score> LocalGenerator::Engine::score(const ScoreRequest& request) {
  const LoadedAdapter* adapter = request.adapter.get();
  check_adapter(adapter);
  const ScorePlan plan = plan_score(request);
  std::vector<Score> scores(plan.whole.size());
  if (scores.empty()) return scores;
  const ops::Context context = this->context();
  const auto shared = static_cast<int64_t>(plan.shared);
  Chain prefix = compute_prefix(std::span(plan.whole[0]).first(plan.shared), adapter);
  // All continuations in one ragged batch, each on a fork of the shared beginning.
  int64_t pages = 0;
  for (const auto& whole : plan.whole) {
    pages += infer::pages_for(static_cast<int64_t>(whole.size()) - 1) - shared / kPageTokens;
  }
  cache_.make_room(pages);
  std::vector<PageList> forks;
  std::vector<TokenId> ids;
  SequenceBatch batch{.sequences = {}, .kv = &kv_};
  for (const auto& whole : plan.whole) {
    forks.push_back(prefix.pages.fork(shared));
    add_slice(ids, batch, forks.back(),
              std::span(whole).subspan(plan.shared, whole.size() - 1 - plan.shared), shared,
              adapter);
  }
  const Tensor hidden = model_->decoder->forward(context, ids, batch);
  for (size_t c = 0; c < scores.size(); ++c) {
    const auto& whole = plan.whole[c];
    scores[c].greedy = true;
    for (size_t target = plan.scored_from[c]; target < whole.size(); ++target) {
      const int64_t row =
          batch.sequences[c].token_begin + static_cast<int64_t>(target - 1 - plan.shared);
      const Tensor logits = model_->decoder->logits(context, gather(hidden, std::span(&row, 1)));
      const auto values = logits.row(0);
      scores[c].token_log_likelihoods.push_back(token_logprob(values, whole[target], 0).logprob);
      scores[c].log_likelihood += scores[c].token_log_likelihoods.back();
      scores[c].greedy &= argmax(values) == whole[target];
      ++scores[c].tokens;
    }
  }
  forks.clear();
  cache_.finish(std::move(prefix), plan.whole[0]);
  cache_.save(cache_root(adapter), std::span(plan.whole[0]).first(plan.shared));
  return scores;
}

std::vector<double> LocalGenerator::Engine::token_log_likelihoods(std::span<const TokenId> ids,
                                                                  const OnLogits& on_logits,
                                                                  const LoadedAdapter* adapter) {
  check_adapter(adapter);
  if (static_cast<int64_t>(ids.size()) > context_tokens_max_) {
    throw Error(ErrorCode::kInvalidArgument, "[score] " + std::to_string(ids.size()) +
                                                 " tokens; the context holds " +
                                                 std::to_string(context_tokens_max_));
  }
  for (TokenId id : ids) model_->tokenizer->piece(id);  // throws for an id outside the vocabulary
  std::vector<double> result;
  if (ids.size() < 2) return result;
  const ops::Context context = this->context();
  PageList pages(kv_);
  cache_.make_room(infer::pages_for(static_cast<int64_t>(ids.size()) - 1));
  SequenceBatch batch{.sequences = {}, .kv = &kv_};
  std::vector<TokenId> input;
  add_slice(input, batch, pages, ids.first(ids.size() - 1), 0, adapter);
  const Tensor hidden = model_->decoder->forward(context, input, batch);
  for (int64_t begin = 0; begin < hidden.dim(0); begin += kLogitRowsMax) {
    const int64_t end = std::min(begin + kLogitRowsMax, hidden.dim(0));
    const Tensor logits = model_->decoder->logits(context, hidden.rows(begin, end));
    for (int64_t row = begin; row < end; ++row) {
      const auto values = logits.row(row - begin);
      if (on_logits) on_logits(values);
      result.push_back(token_logprob(values, ids[static_cast<size_t>(row) + 1], 0).logprob);
    }
  }
  return result;
}

}  // namespace ondol

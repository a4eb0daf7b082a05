// One step: a ragged batch of every piece that was planned, with what is guessed to follow.
#include <algorithm>
#include <cstring>

#include "infer/engine.h"

namespace ondol {
namespace {

using infer::Chain;
using infer::Job;
using infer::PageList;
using infer::Piece;
using infer::Sequence;

// What answers write is decoding, the rest of the batch is read.
ProfileWork step_work(const std::vector<Piece>& pieces) {
  ProfileWork work;
  for (const Piece& piece : pieces) {
    const auto guessed = static_cast<int64_t>(piece.guess.tokens.size());
    work.tokens += piece.count + guessed;
    work.decode += piece.sequence != nullptr && piece.count == 1 ? 1 + guessed : 0;
  }
  work.prefill = work.tokens - work.decode;
  return work;
}

// The last slice goes on with guessed tokens; its pages have room.
void add_guess(std::vector<TokenId>& ids, SequenceBatch& batch, const std::vector<TokenId>& guess) {
  ids.insert(ids.end(), guess.begin(), guess.end());
  batch.sequences.back().token_end += static_cast<int64_t>(guess.size());
}

}  // namespace

void LocalGenerator::Engine::step() {
  ++steps_;
  for (auto& job : running_) {
    if (job->ticket->cancelled) cancel_job(*job);
  }
  Pieces pieces = schedule();
  add_guesses(pieces);
  stats_.pages_peak = std::max(stats_.pages_peak, static_cast<int64_t>(kv_.pages_in_use()));
  if (!pieces.empty()) compute(pieces);
}

void LocalGenerator::Engine::add_slice(std::vector<TokenId>& ids, SequenceBatch& batch,
                                       PageList& pages, std::span<const TokenId> tokens,
                                       int64_t first_position, const LoadedAdapter* adapter) const {
  const auto begin = static_cast<int64_t>(ids.size());
  const auto count = static_cast<int64_t>(tokens.size());
  pages.grow_to(first_position + count);
  ids.insert(ids.end(), tokens.begin(), tokens.end());
  batch.sequences.push_back({.token_begin = begin,
                             .token_end = begin + count,
                             .first_position = first_position,
                             .pages = pages.ids(),
                             .adapter = adapter != nullptr ? &adapter->adapter : nullptr});
}

Tensor LocalGenerator::Engine::gather(const Tensor& hidden, std::span<const int64_t> rows) const {
  const int64_t width = hidden.dim(1);
  Tensor out = Tensor::zeros(DType::kF32, {static_cast<int64_t>(rows.size()), width});
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(out.row(static_cast<int64_t>(i)).data(), hidden.row(rows[i]).data(),
                static_cast<size_t>(width) * sizeof(float));
  }
  return out;
}

void LocalGenerator::Engine::compute(const Pieces& pieces) {
  const ProfileScope scope(options_.profile, "step", [&] { return step_work(pieces); });
  std::vector<TokenId> ids;
  SequenceBatch batch{.sequences = {}, .kv = &kv_};
  Pieces ends;                // pieces after which a token is drawn,
  std::vector<int64_t> rows;  // and the row of each
  for (const Piece& piece : pieces) {
    Chain& chain = piece.chain();
    add_slice(
        ids, batch, chain.pages,
        piece.tokens().subspan(static_cast<size_t>(chain.tokens), static_cast<size_t>(piece.count)),
        chain.tokens, piece.job->request.adapter.get());
    if (piece.draws()) {
      ends.push_back(piece);
      rows.push_back(static_cast<int64_t>(ids.size()) - 1);
      add_guess(ids, batch, piece.guess.tokens);
    }
  }
  const auto began = std::chrono::steady_clock::now();
  const Tensor hidden = model_->decoder->forward(context(), ids, batch);
  for (const Piece& piece : pieces) {
    piece.chain().tokens += piece.count;
    cache_.keep(piece.chain(), piece.tokens());
    if (piece.sequence == nullptr) stats_.prompt_tokens_computed += piece.count;
    if (piece.sequence == nullptr && piece.left() == 0 && piece.job->begun)
      fork_samples(*piece.job);
  }
  if (!ends.empty()) hand_out(ends, hidden, rows, began);
}

// Every unfinished sample goes on from the prompt: the last one with the root itself, the others
// with forks. After a preemption their own pages may still be in the cache.
void LocalGenerator::Engine::fork_samples(Job& job) {
  std::vector<Sequence*> open;
  for (auto& sequence : job.sequences) {
    if (!sequence->finished) open.push_back(sequence.get());
  }
  const int64_t whole = job.root.tokens / kPageTokens * kPageTokens;
  for (Sequence* sequence : open) {
    Chain again = job.root.fork(whole);
    cache_.extend_shared(again,
                         infer::Tokens(sequence->history).first(sequence->history.size() - 1));
    if (again.tokens > job.root.tokens) {
      sequence->chain = std::move(again);
    } else if (sequence != open.back()) {
      sequence->chain = job.root.fork(job.root.tokens);
    } else {
      sequence->chain = std::move(job.root);
    }
  }
  job.root = Chain(kv_);
  job.forked = true;
}

void LocalGenerator::Engine::emit(Job& job, const Sequence& sequence, std::string text) {
  if (text.empty() || !job.request.on_text) return;
  listen(job, [&] { return job.request.on_text({sequence.sample, std::move(text)}); });
}

// A callback that returns false cancels its request; one that throws fails it, and no other.
void LocalGenerator::Engine::listen(Job& job, const std::function<bool()>& callback) {
  if (job.error) return;
  try {
    if (!callback()) job.ticket->cancelled = true;
  } catch (...) {
    job.error = std::current_exception();
    job.ticket->cancelled = true;
  }
}

void LocalGenerator::Engine::finish_sequence(Job& job, Sequence& sequence, const char* reason) {
  if (sequence.finished) return;
  sequence.finished = true;
  if (!sequence.filter.stopped()) emit(job, sequence, sequence.filter.finish());
  sequence.result.text = sequence.filter.text();
  sequence.result.finish_reason = reason;
  cache_.finish(std::exchange(sequence.chain, Chain(kv_)), sequence.history);
  sequence.draft = nullptr;
  if (job.request.on_sample && !job.ticket->cancelled) {
    listen(job, [&] { return job.request.on_sample(sequence.sample, sequence.result); });
  }
}

void LocalGenerator::Engine::cancel_job(Job& job) {
  cache_.finish(std::exchange(job.root, Chain(kv_)), job.prompt);
  for (auto& sequence : job.sequences) finish_sequence(job, *sequence, "cancelled");
  job.begun = job.forked = true;  // nothing of it is left to compute
}

}  // namespace ondol

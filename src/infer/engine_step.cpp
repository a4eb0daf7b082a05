// One step: a ragged batch of every piece that was planned, then its tokens.
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

double milliseconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count();
}

// What answers write is decoding, the rest of the batch is read.
ProfileWork step_work(const std::vector<Piece>& pieces) {
  ProfileWork work;
  for (const Piece& piece : pieces) {
    work.tokens += piece.count;
    work.decode += piece.sequence != nullptr && piece.count == 1;
  }
  work.prefill = work.tokens - work.decode;
  return work;
}

}  // namespace

void LocalGenerator::Engine::step() {
  ++steps_;
  for (auto& job : running_) {
    if (job->ticket->cancelled) cancel_job(*job);
  }
  const Pieces pieces = schedule();
  stats_.pages_peak = std::max(stats_.pages_peak, static_cast<int64_t>(kv_.pages_in_use()));
  if (!pieces.empty()) compute(pieces);
}

void LocalGenerator::Engine::add_slice(std::vector<TokenId>& ids, SequenceBatch& batch,
                                       PageList& pages, std::span<const TokenId> tokens,
                                       int64_t first_position) const {
  const auto begin = static_cast<int64_t>(ids.size());
  const auto count = static_cast<int64_t>(tokens.size());
  pages.grow_to(first_position + count);
  ids.insert(ids.end(), tokens.begin(), tokens.end());
  batch.sequences.push_back({.token_begin = begin,
                             .token_end = begin + count,
                             .first_position = first_position,
                             .pages = pages.ids()});
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
  Pieces ends;                  // pieces after which a token is drawn,
  std::vector<int64_t> wanted;  // and the row of each
  for (const Piece& piece : pieces) {
    Chain& chain = piece.chain();
    add_slice(
        ids, batch, chain.pages,
        piece.tokens().subspan(static_cast<size_t>(chain.tokens), static_cast<size_t>(piece.count)),
        chain.tokens);
    const bool draws = piece.sequence != nullptr || !piece.job->begun;
    if (piece.count == piece.left() && draws) {
      ends.push_back(piece);
      wanted.push_back(static_cast<int64_t>(ids.size()) - 1);
    }
  }
  const ops::Context context = this->context();
  const Tensor hidden = model_->decoder->forward(context, ids, batch);
  for (const Piece& piece : pieces) {
    piece.chain().tokens += piece.count;
    cache_.keep(piece.chain(), piece.tokens());
    if (piece.sequence == nullptr) stats_.prompt_tokens_computed += piece.count;
    if (piece.sequence == nullptr && piece.left() == 0 && piece.job->begun)
      fork_samples(*piece.job);
  }
  if (!wanted.empty()) hand_out(ends, model_->decoder->logits(context, gather(hidden, wanted)));
}

void LocalGenerator::Engine::hand_out(const Pieces& ends, Tensor logits) {
  const ProfileScope scope(options_.profile, "sample", [&] {
    return ProfileWork{.tokens = static_cast<int64_t>(ends.size())};
  });
  for (size_t i = 0; i < ends.size(); ++i) {
    const std::span<float> row = logits.row(static_cast<int64_t>(i));
    if (ends[i].sequence == nullptr) {
      begin_decoding(*ends[i].job, row);
    } else {
      take_token(*ends[i].job, *ends[i].sequence, row);
    }
  }
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

// The prompt is done: every sample takes its first token from the same logits.
void LocalGenerator::Engine::begin_decoding(Job& job, std::span<float> logits) {
  job.milliseconds_to_first_token = milliseconds_since(job.started);
  for (int64_t index = 0; index < job.request.samples; ++index) {
    job.sequences.push_back(std::make_unique<Sequence>(Chain(kv_), job.request, index, job.prompt));
  }
  job.begun = true;
  fork_samples(job);
  std::vector<float> copy(logits.size());
  for (auto& sequence : job.sequences) {
    std::copy(logits.begin(), logits.end(), copy.begin());
    take_token(job, *sequence, copy);
  }
}

void LocalGenerator::Engine::take_token(Job& job, Sequence& sequence, std::span<float> logits) {
  const text::Tokenizer& tokenizer = *model_->tokenizer;
  // Rows beyond the vocabulary are padding of the weight matrix.
  logits = logits.first(std::min(logits.size(), tokenizer.vocab_size()));
  std::vector<float> untouched;
  if (job.request.logprobs) untouched.assign(logits.begin(), logits.end());

  const TokenId id = sequence.sampler.pick(logits);
  const auto& ends = tokenizer.end_of_generation();
  if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
    return finish_sequence(job, sequence, "stop");
  }
  sequence.history.push_back(id);
  sequence.result.ids.push_back(id);
  if (job.request.logprobs) {
    sequence.result.logprobs.push_back(token_logprob(untouched, id, job.request.logprobs_top));
  }
  emit(job, sequence, sequence.filter.push(tokenizer.token_bytes(id)));
  if (sequence.filter.stopped()) return finish_sequence(job, sequence, "stop");
  if (static_cast<int64_t>(sequence.result.ids.size()) >= job.request.tokens_max) {
    finish_sequence(job, sequence, "length");
  }
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

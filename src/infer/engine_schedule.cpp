// Who runs, and with which pages. A job is admitted when what it needs now fits, grows page by
// page, and is put back into the queue when a better one needs its pages. Nothing here changes a
// token, only when it comes.
#include <algorithm>

#include "infer/engine.h"

namespace ondol {
namespace {

using infer::Job;
using infer::Piece;
using infer::Sequence;
using infer::Tokens;

// Steps in the queue that weigh as much as one level of priority: nobody waits for ever.
constexpr int64_t kAgeingSteps = 64;

// A better job is admitted sooner and preempted later.
bool better(const Job& a, const Job& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.order < b.order;
}

int64_t unfinished(const Job& job) {
  if (!job.begun) return job.request.samples;
  return std::count_if(job.sequences.begin(), job.sequences.end(),
                       [](const auto& sequence) { return !sequence->finished; });
}

}  // namespace

// The prompt and every sample written to its end.
int64_t LocalGenerator::Engine::pages_at_most(const Job& job) const {
  const auto prompt = static_cast<int64_t>(job.prompt.size());
  const int64_t all = infer::pages_for(prompt + job.request.tokens_max);
  const int64_t own = all - prompt / kPageTokens;  // what a further sample does not share
  return all + (job.request.samples - 1) * own;
}

// The prompt and every sample as far as it is written.
int64_t LocalGenerator::Engine::pages_for_now(const Job& job) const {
  const auto prompt = static_cast<int64_t>(job.prompt.size());
  const int64_t shared = prompt / kPageTokens;
  if (!job.begun) {
    return shared + (infer::pages_for(prompt + 1) - shared) * job.request.samples;
  }
  int64_t pages = shared;
  for (const auto& sequence : job.sequences) {
    if (sequence->finished) continue;
    pages += infer::pages_for(static_cast<int64_t>(sequence->history.size())) - shared;
  }
  return pages;
}

int64_t LocalGenerator::Engine::pages_held(const Job& job) const {
  if (!job.forked) return job.root.pages.size();
  const int64_t shared = static_cast<int64_t>(job.prompt.size()) / kPageTokens;
  int64_t pages = shared;
  for (const auto& sequence : job.sequences) {
    if (!sequence->finished) pages += sequence->chain.pages.size() - shared;
  }
  return pages;
}

// ---- admission ----

int64_t LocalGenerator::Engine::current_rank(const Job& job) const {
  return job.request.priority + job.waited / kAgeingSteps;
}

// What the running jobs are still to take for what they have now is kept for them, and one page
// more for each of their samples: who was preempted does not come back only to be preempted again.
bool LocalGenerator::Engine::fits(const Job& job) {
  if (running_.empty()) return true;
  int64_t samples = job.request.samples;
  int64_t pages = pages_for_now(job) -
                  cache_.pages_shared_now(cache_root(job.request.adapter.get()), job.prompt);
  for (const auto& other : running_) {
    samples += other->request.samples;
    pages += std::max<int64_t>(pages_for_now(*other) - pages_held(*other), 0) + unfinished(*other);
  }
  if (samples > options_.sequences_max) return false;
  const auto unused = static_cast<int64_t>(kv_.pages_free());
  return pages <= unused || pages <= unused + cache_.pages_evictable();
}

void LocalGenerator::Engine::admit() {
  {
    std::lock_guard lock(mutex_);
    if (!exclusive_.empty()) return;  // it waits until nothing runs
  }
  for (auto& job : waiting_) {
    ++job->waited;
    job->rank = current_rank(*job);
  }
  while (!waiting_.empty()) {
    const auto best =
        std::min_element(waiting_.begin(), waiting_.end(),
                         [](const JobPtr& a, const JobPtr& b) { return better(*a, *b); });
    Job& job = **best;
    if (fits(job)) {
      start(static_cast<size_t>(best - waiting_.begin()));
      continue;
    }
    // Age brings nobody out of the batch again, only a priority that was asked for.
    Job& worst = worst_running();
    if (worst.rank >= job.request.priority) return;
    preempt(worst);
    worst.rank = current_rank(worst);
  }
}

void LocalGenerator::Engine::start(size_t waiting_index) {
  JobPtr job = std::move(waiting_[waiting_index]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_index));
  if (job->started == decltype(job->started)()) job->started = std::chrono::steady_clock::now();
  job->running = true;
  running_.push_back(std::move(job));
}

Job& LocalGenerator::Engine::worst_running() const {
  return **std::max_element(running_.begin(), running_.end(),
                            [](const JobPtr& a, const JobPtr& b) { return better(*a, *b); });
}

// What it computed stays in the prefix cache as long as there is room.
void LocalGenerator::Engine::preempt(Job& job) {
  cache_.finish(std::exchange(job.root, infer::Chain(kv_)), job.prompt);
  for (auto& sequence : job.sequences) {
    cache_.finish(std::exchange(sequence->chain, infer::Chain(kv_)), sequence->history);
  }
  job.forked = job.running = false;
  ++stats_.preemptions;
  const auto place = std::find_if(running_.begin(), running_.end(),
                                  [&](const JobPtr& other) { return other.get() == &job; });
  waiting_.push_back(std::move(*place));
  running_.erase(place);
}

// ---- the pieces of a step ----

// Pages that the samples will take when the prompt is done: the last one takes the root itself.
int64_t LocalGenerator::Engine::fork_pages(const Job& job) const {
  const bool whole = job.prompt.size() % size_t{kPageTokens} == 0;
  return whole ? 0 : std::max<int64_t>(unfinished(job) - 1, 0);
}

// Room for `pages` beside what is promised: first from the cache, then from the worst job, which
// may be the one that asks (false). The best job is never preempted, so somebody always goes on.
bool LocalGenerator::Engine::find_pages(Job& asker, int64_t pages, Pieces& pieces) {
  for (;;) {
    int64_t promised = 0;
    for (const Piece& piece : pieces) promised += piece.promised;
    if (cache_.make_room(pages + promised)) return true;
    Job& victim = worst_running();
    std::erase_if(pieces, [&](const Piece& piece) { return piece.job == &victim; });
    preempt(victim);
    if (&victim == &asker) return false;
  }
}

bool LocalGenerator::Engine::add_piece(Pieces& pieces, Piece piece) {
  const int64_t end = piece.chain().tokens + piece.count;
  if (piece.sequence == nullptr && piece.count == piece.left()) {
    piece.promised = fork_pages(*piece.job);
  }
  const int64_t more = infer::pages_for(end) - piece.chain().pages.size();
  if (!find_pages(*piece.job, more + piece.promised, pieces)) return false;
  piece.chain().pages.grow_to(end);
  piece.job->served = steps_;
  pieces.push_back(piece);
  return true;
}

// One token of every decoding sequence, the best jobs first; then pieces of prompts.
LocalGenerator::Engine::Pieces LocalGenerator::Engine::schedule() {
  std::vector<Job*> jobs;
  for (const auto& job : running_) jobs.push_back(job.get());
  std::sort(jobs.begin(), jobs.end(), [](const Job* a, const Job* b) { return better(*a, *b); });
  Pieces pieces;
  for (Job* job : jobs) {
    if (!job->forked) continue;
    for (const auto& sequence : job->sequences) {
      if (!job->running) break;  // preempted by now
      if (sequence->finished || sequence->pending() != 1) continue;
      add_piece(pieces, {.job = job, .sequence = sequence.get(), .count = 1});
    }
  }
  for (const Piece& piece : prefill_pieces()) {
    if (piece.job->running) add_piece(pieces, piece);
  }
  return pieces;
}

infer::PrefixNode* LocalGenerator::Engine::cache_root(const LoadedAdapter* adapter) {
  return cache_.root(adapter != nullptr ? adapter->hash : "");
}

void LocalGenerator::Engine::reuse(Job& job) {
  if (job.root.node == nullptr) job.root.node = cache_root(job.request.adapter.get());
  const int64_t won = cache_.extend(job.root, Tokens(job.prompt).first(job.prompt.size() - 1));
  if (!job.begun) job.cached_tokens += won;
}

// A prompt whose next page another one is computing waits for it.
void LocalGenerator::Engine::leave_to_others(Pieces& pieces) {
  const auto next_page = [](const Piece& piece) {
    const infer::PrefixNode* node = piece.chain().node;
    const int64_t depth = node != nullptr ? node->depth : 0;
    return std::pair(depth, piece.tokens().subspan(static_cast<size_t>(depth * kPageTokens)));
  };
  struct Begun {
    const infer::PrefixNode* after;
    Tokens page;
  };
  std::vector<Begun> begun;
  for (const bool half_done : {true, false}) {
    std::erase_if(pieces, [&](const Piece& piece) {
      const auto [depth, rest] = next_page(piece);
      const bool half = piece.chain().tokens > depth * kPageTokens;
      if (half != half_done || piece.sequence != nullptr || rest.size() < size_t{kPageTokens}) {
        return false;
      }
      const Begun own{piece.chain().node, rest.first(size_t{kPageTokens})};
      const bool waits = !half && std::any_of(begun.begin(), begun.end(), [&](const Begun& other) {
        return other.after == own.after &&
               std::equal(own.page.begin(), own.page.end(), other.page.begin());
      });
      if (!waits) begun.push_back(own);
      return waits;
    });
  }
}

// Prompts, and answers whose pages were lost.
LocalGenerator::Engine::Pieces LocalGenerator::Engine::unfinished_rows() {
  Pieces pieces;
  for (const auto& job : running_) {
    if (!job->forked) {
      reuse(*job);
      pieces.push_back({.job = job.get(), .sequence = nullptr, .count = 0});
      continue;
    }
    for (const auto& sequence : job->sequences) {
      if (sequence->finished || sequence->pending() <= 1) continue;
      pieces.push_back({.job = job.get(), .sequence = sequence.get(), .count = 0});
    }
  }
  return pieces;
}

// The step's budget of prompt tokens in equal shares, the longest unserved first; what short pieces
// leave goes to the others in the same order.
LocalGenerator::Engine::Pieces LocalGenerator::Engine::prefill_pieces() {
  Pieces pieces = unfinished_rows();
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return a.job->served != b.job->served ? a.job->served < b.job->served : better(*a.job, *b.job);
  });
  if (cache_.enabled()) leave_to_others(pieces);
  if (pieces.empty()) return pieces;
  int64_t budget = options_.prefill_tokens_max;
  const int64_t equal = budget / static_cast<int64_t>(pieces.size());
  const int64_t share = std::max(equal / kPageTokens, int64_t{1}) * kPageTokens;  // whole pages
  for (const int64_t limit : {share, budget}) {
    for (Piece& piece : pieces) {
      const int64_t more = std::min({piece.left(), limit, piece.count + budget}) - piece.count;
      if (more <= 0) continue;
      piece.count += more;
      budget -= more;
    }
  }
  std::erase_if(pieces, [](const Piece& piece) { return piece.count == 0; });
  return pieces;
}

}  // namespace ondol

// The engine thread behind LocalGenerator: admits requests, builds one ragged batch a step from
// every running sequence and a piece of every unfinished prompt, and hands out tokens. Internal to
// infer. engine.cpp: requests and the loop; engine_schedule.cpp: who runs, and with which pages;
// engine_step.cpp: the batch; engine_tokens.cpp: guesses and tokens; engine_score.cpp: given text.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "infer/draft.h"
#include "infer/local_generator.h"
#include "infer/prefix_cache.h"
#include "infer/prefix_store.h"
#include "infer/sequence.h"
#include "models/adapter_file.h"
#include "text/chat.h"

namespace ondol::infer {

// What a Generation handle and the engine share.
struct Ticket {
  std::promise<GenerateResult> promise;
  std::atomic<bool> cancelled{false};
};

// A request on its way through the engine. The prompt is computed once, into `root`; then every
// sample goes on from a fork of it. A preempted job loses its pages and computes prompt and answers
// so far again, with its samplers, filters and texts as they were.
struct Job {
  explicit Job(KvPool& pool) : root(pool) {}

  GenerateRequest request;
  std::vector<TokenId> prompt;
  std::shared_ptr<Ticket> ticket;
  std::chrono::steady_clock::time_point submitted, started;
  double milliseconds_to_first_token = 0;
  std::exception_ptr error;  // what a callback threw: cancels and ends this request alone

  uint64_t order = 0;         // of arrival
  int64_t waited = 0;         // steps in the queue, all stays together
  int64_t rank = 0;           // priority and age when it was last admitted
  uint64_t served = 0;        // step in which a piece of it was last computed
  bool running = false;       // has been admitted and not preempted since
  bool forked = false;        // the samples hold their own chains; root is empty
  bool begun = false;         // the first tokens were drawn
  int64_t cached_tokens = 0;  // of the prompt, not computed
  int64_t drafted_tokens = 0, accepted_tokens = 0;  // guessed, and of these right
  Chain root;
  std::vector<std::unique_ptr<Sequence>> sequences;
};

// Tokens [chain.tokens, chain.tokens + count) of one row of tokens, to be computed in this step,
// and what is guessed to follow them.
struct Piece {
  Job* job;
  Sequence* sequence;  // null: the job's prompt
  int64_t count;
  int64_t promised = 0;  // pages that the end of this piece will take for forks
  Guess guess = {};
  std::vector<TokenSet> allowed = {};  // after the piece and after each guessed token; empty: all

  Chain& chain() const { return sequence != nullptr ? sequence->chain : job->root; }
  Tokens tokens() const { return sequence != nullptr ? sequence->history : job->prompt; }
  int64_t left() const { return static_cast<int64_t>(tokens().size()) - chain().tokens; }
  // A token is drawn after it.
  bool draws() const { return count == left() && (sequence != nullptr || !job->begun); }
};

// What the next token is drawn from.
struct Choice {
  std::span<float> logits = {};       // changed by drawing; empty where one token is allowed
  const TokenSet* allowed = nullptr;  // null: all
};

}  // namespace ondol::infer

namespace ondol {

class LocalGenerator::Engine {
 public:
  Engine(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
         LocalGeneratorOptions options);
  ~Engine();

  std::shared_ptr<infer::Ticket> submit(GenerateRequest request);
  // Runs `task` on the engine thread between steps and waits for it; rethrows what it throws.
  void run_exclusive(const std::function<void()>& task);

  std::vector<text::TextSpan> render(const PromptInput& prompt) const;
  std::vector<TokenId> encode(const PromptInput& prompt) const;
  std::vector<Score> score(const ScoreRequest& request);
  std::vector<double> token_log_likelihoods(std::span<const TokenId> ids, const OnLogits& on_logits,
                                            const LoadedAdapter* adapter);
  void clear_prefix_cache() { cache_.clear(); }
  LocalGeneratorStats stats() const;

  const Model& model() const { return *model_; }
  const LocalGeneratorOptions& options() const { return options_; }
  int64_t context_tokens_max() const { return context_tokens_max_; }
  ops::Context context() const {
    return {*pool_, *kernels_, options_.precision, ops::Form::kFused, options_.profile};
  }

 private:
  using JobPtr = std::unique_ptr<infer::Job>;
  using Pieces = std::vector<infer::Piece>;

  // engine.cpp
  void check_adapter(const LoadedAdapter* adapter) const;
  void check_size(const infer::Job& job) const;
  void loop(std::stop_token stop);
  bool take_work(std::stop_token stop);
  void stop_all();
  void drop_cancelled();
  void retire();
  void complete(infer::Job& job);
  void fail_job(infer::Job& job, std::exception_ptr error);

  // engine_schedule.cpp
  int64_t pages_at_most(const infer::Job& job) const;
  int64_t pages_for_now(const infer::Job& job) const;
  int64_t pages_held(const infer::Job& job) const;
  int64_t current_rank(const infer::Job& job) const;
  void admit();
  bool fits(const infer::Job& job);
  void start(size_t waiting_index);
  infer::Job& worst_running() const;
  void preempt(infer::Job& job);
  Pieces schedule();
  Pieces prefill_pieces();
  Pieces unfinished_rows();
  static void leave_to_others(Pieces& pieces);
  infer::PrefixNode* cache_root(const LoadedAdapter* adapter);
  void reuse(infer::Job& job);
  bool add_piece(Pieces& pieces, infer::Piece piece);
  bool find_pages(infer::Job& asker, int64_t pages, Pieces& pieces);
  int64_t fork_pages(const infer::Job& job) const;

  // engine_step.cpp
  void step();
  void add_slice(std::vector<TokenId>& ids, SequenceBatch& batch, infer::PageList& pages,
                 std::span<const TokenId> tokens, int64_t first_position,
                 const LoadedAdapter* adapter) const;
  Tensor gather(const Tensor& hidden, std::span<const int64_t> rows) const;
  void compute(const Pieces& pieces);
  void fork_samples(infer::Job& job);

  // engine_tokens.cpp
  void add_guesses(Pieces& pieces);
  std::vector<infer::Guess> make_guesses(const Pieces& pieces);
  infer::Guess look_up(const infer::Piece& piece) const;
  void write_drafts(const Pieces& pieces, std::vector<infer::Guess>& guesses,
                    std::span<const int64_t> lengths);
  void end_guess(std::vector<TokenId>& tokens) const;
  int64_t guess_limit(const infer::Piece& piece) const;
  void apply_mask(infer::Piece& piece, infer::Guess& guess) const;
  void hand_out(const Pieces& ends, const Tensor& hidden, std::span<const int64_t> rows,
                std::chrono::steady_clock::time_point began);
  std::vector<float> logits_of_few(const Tensor& hidden, int64_t row,
                                   const TokenSet& allowed) const;
  int64_t vocabulary() const;
  bool few(const TokenSet& allowed) const;
  bool needs_head(const infer::Piece& piece, size_t index) const;
  void take_tokens(const infer::Piece& end, const std::function<infer::Choice(size_t)>& choose);
  void begin_decoding(infer::Job& job, const infer::Choice& choice);
  void take_token(infer::Job& job, infer::Sequence& sequence, const infer::Choice& choice);
  static void fail_alone(infer::Job& job);
  void finish_sequence(infer::Job& job, infer::Sequence& sequence, const char* reason);
  void cancel_job(infer::Job& job);
  void emit(infer::Job& job, const infer::Sequence& sequence, std::string text);
  static void listen(infer::Job& job, const std::function<bool()>& callback);

  // engine_score.cpp
  struct ScorePlan;
  ScorePlan plan_score(const ScoreRequest& request) const;
  infer::Chain compute_prefix(std::span<const TokenId> tokens, const LoadedAdapter* adapter);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;
  LocalGeneratorOptions options_;
  const KernelTable* kernels_;
  int64_t context_tokens_max_;
  std::optional<text::ChatTemplate> chat_;
  KvPool kv_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<JobPtr> incoming_;                       // guarded by mutex_
  std::deque<std::packaged_task<void()>> exclusive_;  // guarded by mutex_
  uint64_t submitted_ = 0;                            // guarded by mutex_

  std::unique_ptr<infer::PrefixStore> store_;  // null: nothing is kept on disk
  std::unique_ptr<infer::Draft> draft_;        // null: none
  infer::PrefixCache cache_;                   // engine thread only, as all below
  std::vector<JobPtr> waiting_;
  std::vector<JobPtr> running_;
  uint64_t steps_ = 0;
  LocalGeneratorStats stats_;
  infer::SpeculationPolicy speculation_;
  std::jthread thread_;  // last: it stops before anything it uses goes away
};

}  // namespace ondol

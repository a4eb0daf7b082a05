// The engine thread behind LocalGenerator: admits requests, builds one ragged batch a step from
// every running sequence and a piece of every waiting prompt, and hands out tokens. Internal to
// infer.
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

#include "infer/local_generator.h"
#include "infer/sequence.h"
#include "text/chat.h"

namespace ondol::infer {

// What a Generation handle and the engine share.
struct Ticket {
  std::promise<GenerateResult> promise;
  std::atomic<bool> cancelled{false};
};

// A request on its way through the engine.
struct Job {
  GenerateRequest request;
  std::vector<TokenId> prompt;
  std::shared_ptr<Ticket> ticket;
  std::chrono::steady_clock::time_point submitted, started;
  double milliseconds_to_first_token = 0;
  int64_t pages_reserved = 0;
  int64_t prefilled = 0;     // prompt tokens computed so far
  std::exception_ptr error;  // what a callback threw: cancels and ends this request alone
  std::vector<std::unique_ptr<Sequence>> sequences;
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
  std::vector<double> token_log_likelihoods(std::span<const TokenId> ids);

  const Model& model() const { return *model_; }
  const LocalGeneratorOptions& options() const { return options_; }
  int64_t context_tokens_max() const { return context_tokens_max_; }
  ops::Context context() const {
    return {*pool_, *kernels_, options_.precision, ops::Form::kFused, options_.profile};
  }

 private:
  using JobPtr = std::unique_ptr<infer::Job>;
  struct Row {  // a batch row whose logits are wanted
    infer::Job* job;
    infer::Sequence* sequence;  // null: the end of the job's prompt
    int64_t row;
  };

  void loop(std::stop_token stop);
  bool take_work(std::stop_token stop);
  void admit();
  int64_t pages_needed(const infer::Job& job) const;
  void step();
  void plan(std::vector<TokenId>& ids, SequenceBatch& batch, std::vector<Row>& rows);
  void add_slice(std::vector<TokenId>& ids, SequenceBatch& batch, infer::PageList& pages,
                 std::span<const TokenId> tokens, int64_t first_position) const;
  void begin_decoding(infer::Job& job, std::span<float> logits);
  void take_token(infer::Job& job, infer::Sequence& sequence, std::span<float> logits);
  void finish_sequence(infer::Job& job, infer::Sequence& sequence, const char* reason);
  void emit(infer::Job& job, const infer::Sequence& sequence, std::string text);
  static void listen(infer::Job& job, const std::function<bool()>& callback);
  void retire();
  void complete(infer::Job& job);
  void fail_job(infer::Job& job, std::exception_ptr error);
  void check_request(const GenerateRequest& request) const;

  struct ScorePlan;
  ScorePlan plan_score(const ScoreRequest& request) const;
  Tensor gather(const Tensor& hidden, std::span<const int64_t> rows) const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;
  LocalGeneratorOptions options_;
  const KernelTable* kernels_;
  int64_t context_tokens_max_;
  std::optional<text::ChatTemplate> chat_;
  KvPool kv_;
  int64_t pages_reserved_ = 0;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<JobPtr> incoming_;                       // guarded by mutex_
  std::deque<std::packaged_task<void()>> exclusive_;  // guarded by mutex_

  std::deque<JobPtr> waiting_;  // engine thread only, as all below
  std::vector<JobPtr> running_;
  std::jthread thread_;  // last: it stops before anything it uses goes away
};

}  // namespace ondol

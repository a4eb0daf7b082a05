#include "infer/engine.h"

#include <algorithm>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;
using infer::Job;

double milliseconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

int64_t context_limit(const Model& model, int64_t asked) {
  const int64_t trained = model.info.context_tokens_max;
  if (asked > trained && trained > 0) {
    throw Error(ErrorCode::kInvalidArgument, "[generate] context of " + std::to_string(asked) +
                                                 " tokens asked for; the model was "
                                                 "trained for " +
                                                 std::to_string(trained));
  }
  return asked > 0 ? asked : trained;
}

// Everything that the content of a page depends on beside its tokens (contract 9).
std::string page_key(const Model& model, Precision precision, const KernelTable& kernels,
                     const KvPool& pool) {
  const KvShape& shape = pool.shape();
  std::string key = model.hash + (precision == Precision::kExact ? "/exact/" : "/fast/") +
                    std::string(kernel_isa(kernels));
  for (const int64_t part : {int64_t{kNumericsVersion}, int64_t{kPageTokens}, shape.layers,
                             shape.kv_heads, shape.head_width, static_cast<int64_t>(shape.type),
                             static_cast<int64_t>(pool.page_bytes())}) {
    key += "/" + std::to_string(part);
  }
  return key;
}

std::unique_ptr<infer::PrefixStore> open_store(const Model& model,
                                               const LocalGeneratorOptions& options,
                                               const KernelTable& kernels, const KvPool& pool) {
  if (options.prefix_folder.empty() || !options.prefix_cache) return nullptr;
  return std::make_unique<infer::PrefixStore>(options.prefix_folder,
                                              page_key(model, options.precision, kernels, pool),
                                              options.prefix_folder_bytes_max);
}

KvShape kv_shape_of(const Model& model, const LocalGeneratorOptions& options) {
  KvShape shape = model.decoder->kv_shape();
  shape.type = options.kv();
  return shape;
}

text::ChatTemplateTokens template_tokens(const text::Tokenizer& tokenizer) {
  const auto piece = [&](const std::optional<TokenId>& id) {
    return id ? tokenizer.piece(*id) : std::string();
  };
  return {.bos_token = piece(tokenizer.config().bos), .eos_token = piece(tokenizer.config().eos)};
}

}  // namespace

LocalGenerator::Engine::Engine(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                               LocalGeneratorOptions options)
    : model_(std::move(model)),
      pool_(std::move(pool)),
      options_(options),
      kernels_(&best_kernels()),
      context_tokens_max_(context_limit(*model_, options.context_tokens_max)),
      kv_(kv_shape_of(*model_, options), options.kv_bytes_max),
      store_(open_store(*model_, options_, *kernels_, kv_)),
      cache_(kv_,
             options.prefix_cache ? std::min(options.prefix_bytes_max, options.kv_bytes_max) : 0,
             store_.get()) {
  if (options_.draft_tokens < 0 || options_.draft_tokens > infer::kGuessTokensMax) {
    throw Error(ErrorCode::kInvalidArgument,
                "[generate] draft tokens is " + std::to_string(options_.draft_tokens) +
                    "; expected 0 (as many as pay) to " + std::to_string(infer::kGuessTokensMax));
  }
  if (options_.draft_model) {
    draft_ = std::make_unique<infer::Draft>(options_.draft_model, *model_, options_.kv_bytes_max);
  }
  if (!model_->chat_template.empty()) {
    chat_.emplace(model_->chat_template, template_tokens(*model_->tokenizer));
  }
  thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
}

LocalGenerator::Engine::~Engine() = default;

// ---- requests, from any thread ----

void check_request(const GenerateRequest& request) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw Error(ErrorCode::kInvalidArgument, "[generate] " + message);
  };
  check_sampler(request.sampler);
  require(request.tokens_max >= 1,
          "max tokens is " + std::to_string(request.tokens_max) + "; expected 1 or more");
  require(request.samples >= 1 && request.samples <= kSamplesMax,
          "samples is " + std::to_string(request.samples) + "; expected 1 to " +
              std::to_string(kSamplesMax));
  require(request.stop.size() <= kStopStringsMax, std::to_string(request.stop.size()) +
                                                      " stop strings; at most " +
                                                      std::to_string(kStopStringsMax));
  require(std::none_of(request.stop.begin(), request.stop.end(),
                       [](const std::string& stop) { return stop.empty(); }),
          "a stop string is empty; it would stop everything");
  require(request.logprobs_top >= 0 && request.logprobs_top <= kLogprobsTopMax,
          "top log-probabilities is " + std::to_string(request.logprobs_top) + "; expected 0 to " +
              std::to_string(kLogprobsTopMax));
  require(std::abs(request.priority) <= kPriorityMax,
          "priority is " + std::to_string(request.priority) + "; expected -" +
              std::to_string(kPriorityMax) + " to " + std::to_string(kPriorityMax));
}

void LocalGenerator::Engine::check_adapter(const LoadedAdapter* adapter) const {
  if (adapter == nullptr || adapter->model_hash == model_->hash) return;
  throw Error(ErrorCode::kInvalidArgument, "[generate] the adapter '" + adapter->path.string() +
                                               "' was read for another model than '" +
                                               model_->path.string() + "'");
}

// A request that would not fit alone never ends.
void LocalGenerator::Engine::check_size(const Job& job) const {
  const size_t bytes = static_cast<size_t>(pages_at_most(job)) * kv_.page_bytes();
  if (bytes <= options_.kv_bytes_max) return;
  throw Error(ErrorCode::kResourceExhausted, "[generate] the request needs " +
                                                 std::to_string(bytes >> 20) +
                                                 " MiB for keys and values; the limit is " +
                                                 std::to_string(options_.kv_bytes_max >> 20) +
                                                 " MiB; try fewer samples or tokens");
}

std::shared_ptr<infer::Ticket> LocalGenerator::Engine::submit(GenerateRequest request) {
  check_request(request);
  check_adapter(request.adapter.get());
  auto job = std::make_unique<Job>(kv_);
  job->prompt = encode(request.prompt);
  job->submitted = Clock::now();
  const auto prompt_tokens = static_cast<int64_t>(job->prompt.size());
  if (prompt_tokens == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "[generate] the prompt is empty; give at least one token");
  }
  if (prompt_tokens >= context_tokens_max_) {
    throw Error(ErrorCode::kInvalidArgument,
                "[generate] the prompt has " + std::to_string(prompt_tokens) +
                    " tokens; the context holds " + std::to_string(context_tokens_max_) +
                    " with the answer; try a shorter prompt or fewer passages");
  }
  request.tokens_max = std::min(request.tokens_max, context_tokens_max_ - prompt_tokens);
  job->request = std::move(request);
  check_size(*job);
  job->ticket = std::make_shared<infer::Ticket>();
  auto ticket = job->ticket;
  {
    std::lock_guard lock(mutex_);
    job->order = ++submitted_;
    incoming_.push_back(std::move(job));
  }
  wake_.notify_all();
  return ticket;
}

void LocalGenerator::Engine::run_exclusive(const std::function<void()>& task) {
  std::packaged_task<void()> packaged(task);
  auto done = packaged.get_future();
  {
    std::lock_guard lock(mutex_);
    exclusive_.push_back(std::move(packaged));
  }
  wake_.notify_all();
  done.get();
}

std::vector<text::TextSpan> LocalGenerator::Engine::render(const PromptInput& prompt) const {
  const auto& chat = std::get<Prompt>(prompt);
  if (!chat_) {
    throw Error(ErrorCode::kUnsupported,
                "[generate] the model has no chat template; try --raw with a plain text prompt");
  }
  auto spans = chat_->render(
      chat.messages,
      {.add_generation_prompt = true, .tools_json = {}, .extra_json = {}, .now = options_.now});
  if (!chat.prefill.empty()) spans.push_back({chat.prefill, /*trusted=*/false});
  return spans;
}

std::vector<TokenId> LocalGenerator::Engine::encode(const PromptInput& prompt) const {
  const ProfileScope scope(options_.profile, "tokenize", [] { return ProfileWork{}; });
  if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) {
    for (TokenId id : *ids)
      model_->tokenizer->piece(id);  // throws for an id outside the vocabulary
    return *ids;
  }
  if (const auto* raw = std::get_if<RawText>(&prompt)) {
    return model_->tokenizer->encode(raw->text, {.add_special = true});
  }
  return model_->tokenizer->encode(render(prompt), {.add_special = false});
}

// ---- the engine thread ----

void LocalGenerator::Engine::loop(std::stop_token stop) {
  while (take_work(stop)) {
    drop_cancelled();
    admit();
    if (running_.empty()) continue;
    ThreadPool::Burst burst(*pool_);
    try {
      step();
    } catch (...) {
      for (auto& job : running_) fail_job(*job, std::current_exception());
    }
    retire();
  }
  stop_all();
}

void LocalGenerator::Engine::stop_all() {
  const auto stopped = std::make_exception_ptr(Error(ErrorCode::kCancelled, "[generate] stopped"));
  {
    std::lock_guard lock(mutex_);
    for (auto& job : incoming_) fail_job(*job, stopped);
  }
  for (auto* jobs : {&waiting_, &running_}) {
    for (auto& job : *jobs) fail_job(*job, stopped);
    jobs->clear();
  }
  cache_.save_rest();
}

// Waits until there is something to do; false: stop.
bool LocalGenerator::Engine::take_work(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (running_.empty() && waiting_.empty()) {
    wake_.wait(lock, stop, [&] { return !incoming_.empty() || !exclusive_.empty(); });
  }
  if (stop.stop_requested()) return false;
  for (auto& job : incoming_) waiting_.push_back(std::move(job));
  incoming_.clear();
  while (!exclusive_.empty() && running_.empty()) {
    auto task = std::move(exclusive_.front());
    exclusive_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
  return true;
}

// Who was cancelled in the queue need not wait for its turn.
void LocalGenerator::Engine::drop_cancelled() {
  std::erase_if(waiting_, [&](JobPtr& job) {
    if (!job->ticket->cancelled) return false;
    cancel_job(*job);
    complete(*job);
    return true;
  });
}

// Takes finished jobs out of the batch.
void LocalGenerator::Engine::retire() {
  std::erase_if(running_, [&](JobPtr& job) {
    const bool done = job->ticket == nullptr ||
                      (job->begun && std::all_of(job->sequences.begin(), job->sequences.end(),
                                                 [](const auto& s) { return s->finished; }));
    if (!done) return false;
    if (job->ticket) complete(*job);
    cache_.save(cache_root(job->request.adapter.get()), job->prompt);
    return true;
  });
}

void LocalGenerator::Engine::complete(Job& job) {
  if (job.error) return job.ticket->promise.set_exception(job.error);
  GenerateResult result;
  result.usage.prompt_tokens = static_cast<int64_t>(job.prompt.size());
  result.usage.cached_tokens = job.cached_tokens;
  result.drafted_tokens = job.drafted_tokens;
  result.accepted_tokens = job.accepted_tokens;
  for (auto& sequence : job.sequences) {
    result.usage.completion_tokens += static_cast<int64_t>(sequence->result.ids.size());
    result.samples.push_back(std::move(sequence->result));
  }
  // Cancelled before the prompt was done: the samples were never begun.
  while (static_cast<int64_t>(result.samples.size()) < job.request.samples) {
    result.samples.push_back({.text = {}, .ids = {}, .finish_reason = "cancelled", .logprobs = {}});
  }
  const Clock::time_point now = Clock::now();
  const bool was_started = job.started != Clock::time_point();
  result.milliseconds_queued = milliseconds_between(job.submitted, was_started ? job.started : now);
  result.milliseconds_to_first_token = job.milliseconds_to_first_token;
  result.milliseconds_total = was_started ? milliseconds_between(job.started, now) : 0;
  job.ticket->promise.set_value(std::move(result));
}

void LocalGenerator::Engine::fail_job(Job& job, std::exception_ptr error) {
  if (!job.ticket) return;
  job.ticket->promise.set_exception(error);
  job.ticket = nullptr;
  job.sequences.clear();
  job.root = infer::Chain(kv_);
}

LocalGeneratorStats LocalGenerator::Engine::stats() const {
  LocalGeneratorStats stats = stats_;
  stats.page_bytes = kv_.page_bytes();
  stats.pages_max = static_cast<int64_t>(options_.kv_bytes_max / kv_.page_bytes());
  stats.pages_in_use = static_cast<int64_t>(kv_.pages_in_use());
  stats.pages_cached = cache_.pages();
  stats.evictions = cache_.evictions();
  stats.pages_loaded = cache_.pages_loaded();
  if (store_) {
    const infer::PrefixStoreStats disk = store_->stats();
    stats.pages_on_disk = disk.pages;
    stats.pages_saved = disk.pages_saved;
    stats.save_failures = disk.failures;
    stats.save_error = disk.last_error;
  }
  return stats;
}

}  // namespace ondol

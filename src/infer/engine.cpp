#include "infer/engine.h"

#include <algorithm>
#include <cstring>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;
using infer::Job;
using infer::PageList;
using infer::Sequence;

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

ProfileWork sample_work(size_t rows) { return {.tokens = static_cast<int64_t>(rows)}; }

// `rows` of a batch whose logits are wanted: those of a sequence write, the rest of the batch
// reads.
template <class Rows>
ProfileWork step_work(const SequenceBatch& batch, const Rows& rows) {
  const auto writes = [](const auto& row) { return row.sequence != nullptr; };
  const int64_t decode = std::ranges::count_if(rows, writes);
  return {.tokens = batch.tokens(), .prefill = batch.tokens() - decode, .decode = decode};
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
      kv_(model_->decoder->kv_shape(), options.kv_bytes_max) {
  if (!model_->chat_template.empty()) {
    chat_.emplace(model_->chat_template, template_tokens(*model_->tokenizer));
  }
  thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
}

LocalGenerator::Engine::~Engine() = default;

// ---- requests, from any thread ----

void LocalGenerator::Engine::check_request(const GenerateRequest& request) const {
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
}

std::shared_ptr<infer::Ticket> LocalGenerator::Engine::submit(GenerateRequest request) {
  check_request(request);
  auto job = std::make_unique<Job>();
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
  job->pages_reserved = pages_needed(*job);
  if (static_cast<size_t>(job->pages_reserved) * kv_.page_bytes() > options_.kv_bytes_max) {
    throw Error(
        ErrorCode::kResourceExhausted,
        "[generate] the request needs " +
            std::to_string(static_cast<size_t>(job->pages_reserved) * kv_.page_bytes() >> 20) +
            " MiB for keys and values; the limit is " +
            std::to_string(options_.kv_bytes_max >> 20) + " MiB; try fewer samples or tokens");
  }
  job->ticket = std::make_shared<infer::Ticket>();
  auto ticket = job->ticket;
  {
    std::lock_guard lock(mutex_);
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
  const auto stopped = std::make_exception_ptr(Error(ErrorCode::kCancelled, "[generate] stopped"));
  for (auto* jobs : {&waiting_, &incoming_}) {
    for (auto& job : *jobs) fail_job(*job, stopped);
  }
  for (auto& job : running_) fail_job(*job, stopped);
  running_.clear();
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

// Pages of the worst case: the prompt and every sample written to its end.
int64_t LocalGenerator::Engine::pages_needed(const Job& job) const {
  const auto prompt = static_cast<int64_t>(job.prompt.size());
  const int64_t all = infer::pages_for(prompt + job.request.tokens_max);
  const int64_t own = all - prompt / kPageTokens;  // what a further sample does not share
  return all + (job.request.samples - 1) * own;
}

void LocalGenerator::Engine::admit() {
  const auto budget = static_cast<int64_t>(options_.kv_bytes_max / kv_.page_bytes());
  int64_t sequences = 0;
  for (const auto& job : running_) sequences += job->request.samples;
  bool yield_to_exclusive;
  {
    std::lock_guard lock(mutex_);
    yield_to_exclusive = !exclusive_.empty();
  }
  while (!waiting_.empty() && !yield_to_exclusive) {
    Job& job = *waiting_.front();
    const bool fits =
        pages_reserved_ + job.pages_reserved <= budget &&
        (running_.empty() || sequences + job.request.samples <= options_.sequences_max);
    if (!fits) return;
    job.started = Clock::now();
    job.sequences.push_back(std::make_unique<Sequence>(PageList(kv_), job.request, 0, job.prompt));
    pages_reserved_ += job.pages_reserved;
    sequences += job.request.samples;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
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

// One token of every decoding sequence, then prompt pieces until the step's budget is used.
void LocalGenerator::Engine::plan(std::vector<TokenId>& ids, SequenceBatch& batch,
                                  std::vector<Row>& rows) {
  batch.kv = &kv_;
  for (auto& job : running_) {
    if (job->prefilled < static_cast<int64_t>(job->prompt.size())) continue;
    for (auto& sequence : job->sequences) {
      if (sequence->finished) continue;
      rows.push_back({job.get(), sequence.get(), static_cast<int64_t>(ids.size())});
      add_slice(ids, batch, sequence->pages, std::span(&sequence->next, 1), sequence->position);
      ++sequence->position;
    }
  }
  int64_t budget = options_.prefill_tokens_max;
  for (auto& job : running_) {
    const auto prompt_tokens = static_cast<int64_t>(job->prompt.size());
    const int64_t count = std::min(prompt_tokens - job->prefilled, budget);
    if (count <= 0) continue;
    const auto piece =
        std::span<const TokenId>(job->prompt)
            .subspan(static_cast<size_t>(job->prefilled), static_cast<size_t>(count));
    Sequence& root = *job->sequences[0];
    add_slice(ids, batch, root.pages, piece, job->prefilled);
    job->prefilled += count;
    root.position = job->prefilled;
    budget -= count;
    if (job->prefilled == prompt_tokens) {
      rows.push_back({job.get(), nullptr, static_cast<int64_t>(ids.size()) - 1});
    }
  }
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

void LocalGenerator::Engine::step() {
  for (auto& job : running_) {
    if (!job->ticket->cancelled) continue;
    job->prefilled = static_cast<int64_t>(job->prompt.size());
    for (auto& sequence : job->sequences) finish_sequence(*job, *sequence, "cancelled");
  }
  std::vector<TokenId> ids;
  SequenceBatch batch;
  std::vector<Row> rows;
  const ProfileScope scope(options_.profile, "step", [&] { return step_work(batch, rows); });
  plan(ids, batch, rows);
  if (ids.empty()) return;

  const ops::Context context = this->context();
  const Tensor hidden = model_->decoder->forward(context, ids, batch);
  if (rows.empty()) return;
  std::vector<int64_t> wanted;
  for (const Row& row : rows) wanted.push_back(row.row);
  Tensor logits = model_->decoder->logits(context, gather(hidden, wanted));
  const ProfileScope sample(options_.profile, "sample", [&] { return sample_work(rows.size()); });
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> row = logits.row(static_cast<int64_t>(i));
    if (rows[i].sequence == nullptr) {
      begin_decoding(*rows[i].job, row);
    } else {
      take_token(*rows[i].job, *rows[i].sequence, row);
    }
  }
}

// The prompt is done: fork the other samples, then every sample takes its first token from the same
// logits.
void LocalGenerator::Engine::begin_decoding(Job& job, std::span<float> logits) {
  job.milliseconds_to_first_token = milliseconds_between(job.started, Clock::now());
  const auto prompt_tokens = static_cast<int64_t>(job.prompt.size());
  for (int64_t index = 1; index < job.request.samples; ++index) {
    auto sample = std::make_unique<Sequence>(job.sequences[0]->pages.fork(prompt_tokens),
                                             job.request, index, job.prompt);
    sample->position = prompt_tokens;
    job.sequences.push_back(std::move(sample));
  }
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
  sequence.next = id;
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
  sequence.pages = PageList(kv_);
  if (job.request.on_sample && !job.ticket->cancelled) {
    listen(job, [&] { return job.request.on_sample(sequence.sample, sequence.result); });
  }
}

// Takes finished jobs out of the batch.
void LocalGenerator::Engine::retire() {
  std::erase_if(running_, [&](JobPtr& job) {
    const bool prefilled = job->prefilled == static_cast<int64_t>(job->prompt.size());
    const bool done = job->ticket == nullptr ||
                      (prefilled && std::all_of(job->sequences.begin(), job->sequences.end(),
                                                [](const auto& s) { return s->finished; }));
    if (!done) return false;
    if (job->ticket) complete(*job);
    pages_reserved_ -= job->pages_reserved;
    return true;
  });
}

void LocalGenerator::Engine::complete(Job& job) {
  if (job.error) return job.ticket->promise.set_exception(job.error);
  GenerateResult result;
  result.usage.prompt_tokens = static_cast<int64_t>(job.prompt.size());
  for (auto& sequence : job.sequences) {
    result.usage.completion_tokens += static_cast<int64_t>(sequence->result.ids.size());
    result.samples.push_back(std::move(sequence->result));
  }
  // Cancelled before the prompt was done: the other samples were never begun.
  while (static_cast<int64_t>(result.samples.size()) < job.request.samples) {
    result.samples.push_back({.text = {}, .ids = {}, .finish_reason = "cancelled", .logprobs = {}});
  }
  result.milliseconds_queued = milliseconds_between(job.submitted, job.started);
  result.milliseconds_to_first_token = job.milliseconds_to_first_token;
  result.milliseconds_total = milliseconds_between(job.started, Clock::now());
  job.ticket->promise.set_value(std::move(result));
}

void LocalGenerator::Engine::fail_job(Job& job, std::exception_ptr error) {
  if (!job.ticket) return;
  job.ticket->promise.set_exception(error);
  job.ticket = nullptr;
  job.sequences.clear();
}

}  // namespace ondol

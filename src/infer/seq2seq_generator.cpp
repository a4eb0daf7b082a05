#include "infer/seq2seq_generator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "infer/local_generator.h"
#include "infer/sampler.h"
#include "infer/sequence.h"
#include "models/adapter_file.h"

namespace ondol {
namespace {

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, "[generate] an encoder-decoder " + what);
}

const std::string& text_of(const Prompt& prompt) {
  if (prompt.messages.size() != 1 || prompt.messages[0].role != "user") {
    unsupported("reads one text and has no turns; got " + std::to_string(prompt.messages.size()) +
                " messages, expected one of the user; try a decoder model for chat");
  }
  if (!prompt.prefill.empty()) unsupported("does not go on with a begun answer");
  return prompt.messages[0].content;
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

struct Sample {
  Sample(KvPool& kv, const GenerateRequest& request, int64_t number)
      : pages(kv),
        sampler(request.sampler, static_cast<uint64_t>(number), {}),
        filter(request.stop),
        index(number) {}

  infer::PageList pages;
  Sampler sampler;
  StopFilter filter;
  int64_t index;
  TokenId last = 0;
  GeneratedSample result;
  bool finished = false;
};

}  // namespace

// The computation of one request: the source in pages, then steps of all unfinished samples.
class Seq2SeqGenerator::Run {
 public:
  Run(const Seq2SeqGenerator& generator, const std::vector<TokenId>& source, const Adapter* adapter)
      : model_(*generator.model_),
        t5_(*model_.encoder_decoder),
        context_(generator.context()),
        adapter_(adapter),
        kv_(t5_.kv_shape(), generator.options_.kv_bytes_max),
        source_pages_(kv_) {
    const auto count = static_cast<int64_t>(source.size());
    source_pages_.grow_to(count);
    source_ = {0, count, 0, source_pages_.ids(), adapter};
    states_ = t5_.encode(context_, source, {{{0, count, 0, {}, adapter}}});
  }

  // Logits [T, V] of the decoder's tokens of one sequence from its first on.
  Tensor first(std::span<const TokenId> ids, infer::PageList& pages) {
    const auto count = static_cast<int64_t>(ids.size());
    pages.grow_to(count);
    const SequenceBatch batch{{{0, count, 0, pages.ids(), adapter_}}, &kv_};
    return t5_.logits(context_, t5_.decode(context_, ids, batch, {{{source_}, &kv_}, &states_}));
  }
  Tensor all_logits(std::span<const TokenId> ids) {
    infer::PageList pages(kv_);
    return first(ids, pages);
  }

  void generate(const GenerateRequest& request, const std::atomic<bool>& cancelled,
                GenerateResult& result) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Sample> samples;
    samples.reserve(static_cast<size_t>(request.samples));
    samples.emplace_back(kv_, request, 0);
    const TokenId start = t5_.start_token();
    const Tensor logits = first({&start, 1}, samples[0].pages);
    result.milliseconds_to_first_token = milliseconds_since(begin);
    for (int64_t i = 1; i < request.samples; ++i) {
      samples.emplace_back(kv_, request, i);
      samples.back().pages = samples[0].pages.fork(1);
    }
    for (Sample& sample : samples) take(request, sample, logits.row(0));
    for (int64_t position = 1; go_on(samples, cancelled); ++position)
      step(request, position, samples);
    for (Sample& sample : samples) {
      if (!sample.finished) finish(request, sample, "cancelled");
      result.usage.completion_tokens += static_cast<int64_t>(sample.result.ids.size());
      result.samples.push_back(std::move(sample.result));
    }
  }

 private:
  bool go_on(const std::vector<Sample>& samples, const std::atomic<bool>& cancelled) const {
    return !stopped_ && !cancelled &&
           std::ranges::any_of(samples, [](const Sample& s) { return !s.finished; });
  }

  void step(const GenerateRequest& request, int64_t position, std::vector<Sample>& samples) {
    SequenceBatch batch{{}, &kv_};
    EncoderMemory memory{{{}, &kv_}};
    std::vector<TokenId> ids;
    std::vector<Sample*> running;
    for (Sample& sample : samples) {
      if (sample.finished) continue;
      const auto row = static_cast<int64_t>(ids.size());
      sample.pages.grow_to(position + 1);
      batch.sequences.push_back({row, row + 1, position, sample.pages.ids(), adapter_});
      memory.sources.sequences.push_back(source_);
      ids.push_back(sample.last);
      running.push_back(&sample);
    }
    Tensor logits = t5_.logits(context_, t5_.decode(context_, ids, batch, memory));
    for (size_t i = 0; i < running.size() && !stopped_; ++i) {
      take(request, *running[i], logits.row(static_cast<int64_t>(i)));
    }
  }

  void take(const GenerateRequest& request, Sample& sample, std::span<const float> row) {
    // Rows of the head behind the vocabulary are padding.
    const std::span<const float> logits = row.first(std::min(row.size(), vocabulary()));
    std::vector<float> scratch(logits.begin(), logits.end());
    const TokenId id = sample.sampler.pick(scratch);
    if (is_end(id)) return finish(request, sample, "stop");
    sample.last = id;
    sample.result.ids.push_back(id);
    if (request.logprobs) {
      sample.result.logprobs.push_back(token_logprob(logits, id, request.logprobs_top));
    }
    // The space that such tokenizers put before every word is no text before the first.
    std::string bytes = model_.tokenizer->token_bytes(id);
    const bool marked = model_.tokenizer->config().model != text::TokenizerModel::kByteBpe;
    if (marked && sample.result.ids.size() == 1 && bytes.starts_with(' ')) bytes.erase(0, 1);
    emit(request, sample, sample.filter.push(bytes));
    if (sample.filter.stopped()) return finish(request, sample, "stop");
    if (static_cast<int64_t>(sample.result.ids.size()) >= request.tokens_max) {
      finish(request, sample, "length");
    }
  }

  void finish(const GenerateRequest& request, Sample& sample, const char* reason) {
    if (!sample.filter.stopped()) emit(request, sample, sample.filter.finish());
    sample.result.text = sample.filter.text();
    sample.result.finish_reason = reason;
    sample.finished = true;
    if (request.on_sample && reason != std::string_view("cancelled") &&
        !request.on_sample(sample.index, sample.result)) {
      stopped_ = true;
    }
  }

  void emit(const GenerateRequest& request, const Sample& sample, const std::string& text) {
    if (text.empty() || !request.on_text || stopped_) return;
    if (!request.on_text({sample.index, text})) stopped_ = true;
  }

  size_t vocabulary() const { return model_.tokenizer->vocab_size(); }
  bool is_end(TokenId id) const {
    const auto& ends = model_.tokenizer->end_of_generation();
    return id == t5_.end_token() || std::ranges::find(ends, id) != ends.end();
  }

  const Model& model_;
  const EncoderDecoderModel& t5_;
  ops::Context context_;
  const Adapter* adapter_;
  KvPool kv_;
  infer::PageList source_pages_;
  SequenceSlice source_;
  Tensor states_;
  bool stopped_ = false;  // a callback asked for it
};

class Seq2SeqGenerator::Pending final : public Generation {
 public:
  Pending(Seq2SeqGenerator& generator, GenerateRequest request, std::vector<TokenId> source)
      : generator_(generator), request_(std::move(request)), source_(std::move(source)) {}

  GenerateResult wait() override {
    const auto begin = std::chrono::steady_clock::now();
    const std::lock_guard lock(generator_.mutex_);
    GenerateResult result;
    result.milliseconds_queued = milliseconds_since(begin);
    result.usage.prompt_tokens = static_cast<int64_t>(source_.size());
    Run run(generator_, source_, request_.adapter ? &request_.adapter->adapter : nullptr);
    run.generate(request_, cancelled_, result);
    result.milliseconds_total = milliseconds_since(begin);
    return result;
  }
  void cancel() override { cancelled_ = true; }

 private:
  Seq2SeqGenerator& generator_;
  GenerateRequest request_;
  std::vector<TokenId> source_;
  std::atomic<bool> cancelled_ = false;
};

Seq2SeqGenerator::Seq2SeqGenerator(std::shared_ptr<const Model> model,
                                   std::unique_ptr<ThreadPool> pool, Seq2SeqOptions options)
    : model_(std::move(model)), pool_(std::move(pool)), options_(options) {
  if (!model_->encoder_decoder || !model_->tokenizer) {
    throw Error(ErrorCode::kUnsupported, "[generate] '" + model_->path.string() +
                                             "' is no encoder-decoder (architecture '" +
                                             model_->info.architecture + "')");
  }
}

ops::Context Seq2SeqGenerator::context() const {
  return {*pool_, best_kernels(), options_.precision, ops::Form::kFused, options_.profile};
}

void Seq2SeqGenerator::check_source(const std::vector<TokenId>& ids) const {
  const auto count = static_cast<int64_t>(ids.size());
  if (count >= 1 && count <= options_.source_tokens_max) return;
  throw Error(ErrorCode::kInvalidArgument,
              "[generate] tokens of the source; got " + std::to_string(count) + ", expected 1 to " +
                  std::to_string(options_.source_tokens_max) + "; try a shorter text");
}

void Seq2SeqGenerator::check_adapter(const LoadedAdapter* adapter) const {
  if (adapter == nullptr || adapter->model_hash == model_->hash) return;
  throw Error(ErrorCode::kInvalidArgument, "[generate] the adapter '" + adapter->path.string() +
                                               "' was read for another model than '" +
                                               model_->path.string() + "'");
}

std::vector<TokenId> Seq2SeqGenerator::encode(const PromptInput& prompt) const {
  if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) return *ids;
  const auto* raw = std::get_if<RawText>(&prompt);
  const std::string& text = raw ? raw->text : text_of(std::get<Prompt>(prompt));
  std::vector<TokenId> ids = model_->tokenizer->encode(text, {.add_special = true});
  const TokenId end = model_->encoder_decoder->end_token();
  if (ids.empty() || ids.back() != end) ids.push_back(end);
  return ids;
}

std::unique_ptr<Generation> Seq2SeqGenerator::submit(GenerateRequest request) {
  check_request(request);
  check_adapter(request.adapter.get());
  if (request.mask || !request.json_schema.empty())
    unsupported("has no masks of allowed tokens yet; try a decoder model");
  std::vector<TokenId> source = encode(request.prompt);
  check_source(source);
  return std::make_unique<Pending>(*this, std::move(request), std::move(source));
}

std::vector<Score> Seq2SeqGenerator::score(const ScoreRequest& request) {
  check_adapter(request.adapter.get());
  const std::vector<TokenId> source = encode(request.prompt);
  check_source(source);
  const std::lock_guard lock(mutex_);
  const EncoderDecoderModel& t5 = *model_->encoder_decoder;
  std::vector<Score> scores;
  for (const std::string& continuation : request.continuations) {
    const std::vector<TokenId> target = model_->tokenizer->encode(continuation, {});
    Score& score = scores.emplace_back();
    score.tokens = static_cast<int64_t>(target.size());
    score.greedy = true;
    if (target.empty()) continue;
    Run run(*this, source, request.adapter ? &request.adapter->adapter : nullptr);
    std::vector<TokenId> inputs = {t5.start_token()};
    inputs.insert(inputs.end(), target.begin(), target.end() - 1);
    const Tensor logits = run.all_logits(inputs);
    for (size_t t = 0; t < target.size(); ++t) {
      const std::span<const float> row = logits.row(static_cast<int64_t>(t));
      score.token_log_likelihoods.push_back(token_logprob(row, target[t], 0).logprob);
      score.log_likelihood += score.token_log_likelihoods.back();
      score.greedy = score.greedy && argmax(row) == target[t];
    }
  }
  return scores;
}

GeneratorCapabilities Seq2SeqGenerator::capabilities() const {
  return {.logprobs = true, .score = true, .context_tokens_max = options_.source_tokens_max};
}

int64_t Seq2SeqGenerator::count_tokens(const PromptInput& prompt) const {
  return static_cast<int64_t>(encode(prompt).size());
}

std::string Seq2SeqGenerator::id() const {
  return model_->hash + (options_.precision == Precision::kExact ? "/exact/" : "/fast/") + "f32/" +
         std::string(kernel_isa(best_kernels())) + "/" + std::to_string(kNumericsVersion);
}

}  // namespace ondol

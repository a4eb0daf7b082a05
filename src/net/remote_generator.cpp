#include "net/remote_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "base/error.h"

namespace ondol::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kConcurrencyMax = 64;
constexpr int64_t kTokensAMessage = 6;  // what a chat template adds, about

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// A service that does not know a form of JSON says so with one of these, or with any other status
// and the field's name (llama-cpp-python: 500 and a validation error).
bool refuses_form(int status, std::string_view body) {
  return status == 400 || status == 404 || status == 422 || status == 501 ||
         body.find("response_format") != std::string_view::npos ||
         body.find("json_schema") != std::string_view::npos;
}

JsonForm weaker(JsonForm form) {
  return form == JsonForm::kSchema ? JsonForm::kObject : JsonForm::kPrompt;
}

struct Refused {
  HttpResponse response;
};

}  // namespace

struct RemoteGenerator::Call {
  GenerateRequest request;
  std::promise<GenerateResult> promise;
  std::atomic<bool> cancelled{false};
  Clock::time_point submitted = Clock::now();
  double milliseconds_to_first_token = 0;
};

class RemoteGenerator::Handle final : public Generation {
 public:
  explicit Handle(std::shared_ptr<Call> call)
      : call_(std::move(call)), future_(call_->promise.get_future()) {}
  ~Handle() override { cancel(); }
  GenerateResult wait() override { return future_.get(); }
  void cancel() override { call_->cancelled = true; }

 private:
  std::shared_ptr<Call> call_;
  std::future<GenerateResult> future_;
};

void check_endpoint(const Endpoint& endpoint) {
  const auto need = [&](bool holds, const std::string& field, const std::string& expected) {
    if (holds) return;
    throw Error(ErrorCode::kInvalidArgument, "[endpoint." + endpoint.name + "] field '" + field +
                                                 "' is missing or wrong; expected " + expected +
                                                 "; try docs/knowledge.md, Endpoints");
  };
  // What stands there besides would come into ids, and the paths behind it.
  need(is_http_url(endpoint.url) && endpoint.url.find_first_of("@?#") == std::string::npos, "url",
       "http://HOST/v1 or https://HOST/v1");
  need(!endpoint.model.empty(), "model", "the name that the service gives its model");
  need(endpoint.concurrency >= 1 && endpoint.concurrency <= kConcurrencyMax, "concurrency",
       fmt::format("1 to {}", kConcurrencyMax));
  need(endpoint.context_tokens_max >= 256, "context_tokens", "256 or more");
  need(endpoint.http.timeout_ms >= 1, "timeout_seconds", "above 0");
  need(endpoint.http.attempts >= 1 && endpoint.http.attempts <= 20, "attempts", "1 to 20");
  // A line break in a header would be a header of its own.
  need(std::none_of(endpoint.key.begin(), endpoint.key.end(),
                    [](unsigned char c) { return c < ' ' || c == 127; }),
       "key", "a key without control characters");
}

std::vector<std::string> request_headers(const Endpoint& endpoint) {
  std::vector<std::string> headers = {"Content-Type: application/json"};
  if (!endpoint.key.empty()) headers.push_back("Authorization: Bearer " + endpoint.key);
  return headers;
}

void fail_status(const Endpoint& endpoint, const HttpResponse& response) {
  std::string said = message_in(response.body);
  for (size_t at = 0; !endpoint.key.empty();) {  // a service may say it back
    at = said.find(endpoint.key, at);
    if (at == std::string::npos) break;
    said.replace(at, endpoint.key.size(), "(key)");
  }
  const std::string what = fmt::format(
      "[endpoint.{}] the service refused the call; got status {} ('{}') after {} "
      "attempts, expected 200; try ",
      endpoint.name, response.status, said, response.attempts);
  switch (response.status) {
    case 401:
    case 403:
      throw Error(ErrorCode::kInvalidArgument, what + "the variable that its key_env names");
    case 404:
      throw Error(ErrorCode::kNotFound, what + "its url (it often ends in /v1) and its model");
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      throw Error(ErrorCode::kUnavailable, what + "again later, or a lower concurrency");
    default:
      throw Error(ErrorCode::kInvalidArgument, what + "what the service says it takes");
  }
}

int64_t estimated_tokens(std::string_view text) {
  int64_t thirds = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      ++thirds;
    else if (byte >= 0xC0)
      thirds += 3;  // the first byte of a character
  }
  return (thirds + 2) / 3;
}

RemoteGenerator::RemoteGenerator(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), client_(endpoint_.http) {
  check_endpoint(endpoint_);
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
}

RemoteGenerator::~RemoteGenerator() {
  const std::lock_guard guard(mutex_);
  for (const auto& call : queue_) call->cancelled = true;
  for (std::jthread& worker : workers_) worker.request_stop();
}

std::unique_ptr<Generation> RemoteGenerator::submit(GenerateRequest request) {
  check_request(request);
  chat_call(endpoint_.model, request, 0, JsonForm::kSchema, false);  // refused here, not later
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  auto handle = std::make_unique<Handle>(call);
  {
    const std::lock_guard guard(mutex_);
    queue_.push_back(std::move(call));
    if (workers_.size() < static_cast<size_t>(endpoint_.concurrency)) {
      workers_.emplace_back([this](std::stop_token stop) { work(stop); });
    }
  }
  wake_.notify_one();
  return handle;
}

void RemoteGenerator::work(std::stop_token stop) {
  for (;;) {
    std::shared_ptr<Call> call;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [&] { return !queue_.empty(); });
      if (queue_.empty()) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    const std::stop_callback end(stop, [&] { call->cancelled = true; });
    try {
      call->promise.set_value(answer(*call));
    } catch (...) {
      call->promise.set_exception(std::current_exception());
    }
  }
}

GenerateResult RemoteGenerator::answer(Call& call) {
  const auto begun = Clock::now();
  GenerateResult result;
  for (int64_t i = 0; i < call.request.samples; ++i) {
    GeneratedSample one;
    if (call.cancelled) {
      one.finish_reason = "cancelled";
    } else {
      one = call.request.json_schema.empty() ? sample(call, i, result.usage)
                                             : follow(call, i, result.usage);
    }
    const bool ended = one.finish_reason != "cancelled";
    result.samples.push_back(std::move(one));
    if (ended && call.request.on_sample && !call.request.on_sample(i, result.samples.back())) {
      call.cancelled = true;
    }
  }
  result.milliseconds_queued =
      std::chrono::duration<double, std::milli>(begun - call.submitted).count();
  result.milliseconds_total = milliseconds_since(begun);
  result.milliseconds_to_first_token = call.milliseconds_to_first_token > 0
                                           ? call.milliseconds_to_first_token
                                           : result.milliseconds_total;
  return result;
}

GeneratedSample RemoteGenerator::sample(Call& call, int64_t index, Usage& usage) {
  ChatReply reply;
  try {
    reply = ask(call, index);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    return {.finish_reason = "cancelled"};
  }
  const bool thought = reply.text.find("<think>") != std::string::npos;
  reply.text = without_thoughts(reply.text);
  if (reply.finish_reason == "length" && reply.text.empty()) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[endpoint.{}] the answer's {} tokens ended before a word of it{}; "
                            "expected an answer; try more tokens, or a model that does not think "
                            "aloud",
                            endpoint_.name, call.request.tokens_max,
                            thought ? " (it was still thinking)" : ""));
  }
  Usage told = reply.usage.value_or(Usage{.prompt_tokens = count_tokens(call.request.prompt),
                                          .completion_tokens = estimated_tokens(reply.text)});
  if (told.prompt_tokens == 0) told.prompt_tokens = count_tokens(call.request.prompt);
  usage.prompt_tokens += told.prompt_tokens;
  usage.completion_tokens += told.completion_tokens;
  return {.text = std::move(reply.text),
          .ids = {},
          .finish_reason = reply.finish_reason,
          .logprobs = {}};
}

GeneratedSample RemoteGenerator::follow(Call& call, int64_t index, Usage& usage) {
  const int64_t sampler_moves[] = {0, 1};  // the second time with another seed
  std::string last;
  for (const int64_t move : sampler_moves) {
    GeneratedSample one = sample(call, index + move * call.request.samples, usage);
    if (one.finish_reason == "cancelled") return one;
    last = one.text;
    one.text = follow_schema(call.request.json_schema, one.text);
    if (!one.text.empty()) {
      one.finish_reason = "stop";  // whole, whatever came behind it
      return one;
    }
    if (one.finish_reason == "length") break;  // the same again would be cut again
  }
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[endpoint.{}] the answer does not follow the JSON Schema; got '{}', "
                          "expected JSON that does; try more tokens or another model",
                          endpoint_.name, message_in(last)));
}

ChatReply RemoteGenerator::ask(Call& call, int64_t index) {
  if (call.request.json_schema.empty()) {
    try {
      return ask_in(call, index, JsonForm::kSchema);
    } catch (const Refused& refused) {
      fail_status(endpoint_, refused.response);
    }
  }
  for (JsonForm form = json_form();; form = weaker(form)) {
    try {
      ChatReply reply = ask_in(call, index, form);
      const std::lock_guard guard(mutex_);
      form_ = std::max(form_, form);
      return reply;
    } catch (const Refused& refused) {
      if (form == JsonForm::kPrompt ||
          !refuses_form(refused.response.status, refused.response.body)) {
        fail_status(endpoint_, refused.response);
      }
    }
  }
}

ChatReply RemoteGenerator::ask_in(Call& call, int64_t index, JsonForm form) {
  const auto begun = Clock::now();
  const bool stream = call.request.on_text != nullptr && call.request.json_schema.empty();
  const ChatCall wanted = chat_call(endpoint_.model, call.request, index, form, stream);
  ChatStream pieces;
  ThoughtFilter thoughts;
  HttpRequest http{.url = endpoint_.url + wanted.path,
                   .headers = request_headers(endpoint_),
                   .body = wanted.body,
                   .is_final = refuses_form,
                   .cancelled = &call.cancelled};
  if (stream) {
    http.on_data = [&](std::string_view bytes) {
      const std::string added = thoughts.feed(pieces.feed(bytes));
      if (added.empty()) return true;
      if (call.milliseconds_to_first_token == 0) {
        call.milliseconds_to_first_token = milliseconds_since(begun);
      }
      return call.request.on_text({index, added});
    };
  }
  HttpResponse response = client_.send(http);
  if (response.status != 200) throw Refused{std::move(response)};
  return stream ? pieces.finish() : read_chat_reply(response.body);
}

std::vector<Score> RemoteGenerator::score(const ScoreRequest&) {
  throw Error(ErrorCode::kUnsupported, "[endpoint." + endpoint_.name +
                                           "] a remote model gives no likelihoods; expected a "
                                           "local one; try a model file or a catalogue name");
}

GeneratorCapabilities RemoteGenerator::capabilities() const {
  return {.logprobs = false,
          .score = false,
          .json_schema = true,
          .context_tokens_max = endpoint_.context_tokens_max};
}

int64_t RemoteGenerator::count_tokens(const PromptInput& prompt) const {
  if (const auto* raw = std::get_if<RawText>(&prompt)) return estimated_tokens(raw->text);
  if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) {
    return static_cast<int64_t>(ids->size());
  }
  const Prompt& messages = std::get<Prompt>(prompt);
  int64_t tokens = estimated_tokens(messages.prefill);
  for (const auto& message : messages.messages) {
    tokens += estimated_tokens(message.content) + kTokensAMessage;
  }
  return tokens;
}

std::string RemoteGenerator::id() const {
  return "endpoint " + endpoint_.url + " " + endpoint_.model;
}

JsonForm RemoteGenerator::json_form() const {
  const std::lock_guard guard(mutex_);
  return form_;
}

}  // namespace ondol::net

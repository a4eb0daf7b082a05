// A model behind an OpenAI-compatible service, as a Generator.
//
//   RemoteGenerator model({.name = "big", .url = "http://127.0.0.1:8000/v1", .model = "qwen"});
//   model.generate({.prompt = Prompt{.messages = {{"user", "Why is the sky blue?"}}}});
//
// Up to `concurrency` calls run at a time; more wait in turn. Answers stream where on_text is set.
// JSON Schemas: the service is asked to follow one in the strongest form that it takes
// (json_schema, json_object, in words), its answer is checked against the schema here, asked for
// once more if it does not follow it, and then Error(kCorruptData). What a model thinks aloud
// before it answers is taken off; an answer cut while it still thought is an error, not an empty
// text. No likelihoods; tokens are estimated (the service's own count is in the usage). Results are
// as reproducible as the service is. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "infer/generator.h"
#include "net/http_client.h"
#include "net/openai_protocol.h"

namespace ondol::net {

struct Endpoint {
  std::string name;   // in the workspace's file
  std::string url;    // up to and with the version: "https://host/v1"
  std::string model;  // as the service calls it
  std::string key;    // sent as a bearer token; empty: none
  int concurrency = 4;
  int64_t context_tokens_max = 8192;
  HttpOptions http = {};
};

class RemoteGenerator final : public Generator {
 public:
  // Throws Error(kInvalidArgument) for an endpoint that cannot be.
  explicit RemoteGenerator(Endpoint endpoint);
  ~RemoteGenerator() override;  // cancels what runs

  std::unique_ptr<Generation> submit(GenerateRequest request) override;
  std::vector<Score> score(const ScoreRequest& request) override;
  GeneratorCapabilities capabilities() const override;
  int64_t count_tokens(const PromptInput& prompt) const override;  // an estimate, rather too high
  std::string id() const override;  // address and model; never the key

  // How the service is asked for JSON, as far as its answers showed.
  JsonForm json_form() const;

 private:
  struct Call;
  class Handle;
  void work(std::stop_token stop);
  GenerateResult answer(Call& call);
  GeneratedSample sample(Call& call, int64_t index, Usage& usage);
  GeneratedSample follow(Call& call, int64_t index, Usage& usage);
  ChatReply ask(Call& call, int64_t index);
  ChatReply ask_in(Call& call, int64_t index, JsonForm form);

  Endpoint endpoint_;
  HttpClient client_;
  mutable std::mutex mutex_;
  JsonForm form_ = JsonForm::kSchema;
  std::condition_variable_any wake_;
  std::deque<std::shared_ptr<Call>> queue_;
  std::vector<std::jthread> workers_;  // last: they end before what they use
};

// Tokens that a text takes at most in most tokenizers: a letter of the Latin script a third, any
// other character one.
int64_t estimated_tokens(std::string_view text);
// What a service said when it refused a call, with its status; never returns.
[[noreturn]] void fail_status(const Endpoint& endpoint, const HttpResponse& response);
// Throws Error(kInvalidArgument) naming the field.
void check_endpoint(const Endpoint& endpoint);
std::vector<std::string> request_headers(const Endpoint& endpoint);

}  // namespace ondol::net

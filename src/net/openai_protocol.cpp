#include "net/openai_protocol.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/grammar_matcher.h"
#include "text/json_schema_grammar.h"

namespace ondol::net {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMessageBytesMax = 300;
constexpr size_t kEventBytesMax = size_t{1} << 20;
// Of JSON in a model's words: hostile texts must not make this slow or deep.
constexpr int kValuesTried = 32;
constexpr int kNestingMax = 100;
constexpr double kSquaresMin = 1e-30;  // of a vector with a direction

[[noreturn]] void fail_reply(const std::string& what, const std::string& body) {
  throw Error(ErrorCode::kCorruptData, "[endpoint] " + what + "; got '" + message_in(body) +
                                           "', expected an OpenAI-compatible answer; try the "
                                           "endpoint's url (it often ends in /v1)");
}

std::string schema_words(const std::string& schema) {
  return "Answer with JSON alone, without any other words, that follows this JSON Schema:\n" +
         schema;
}

Json messages_of(const Prompt& prompt, const GenerateRequest& request, JsonForm form) {
  Json messages = Json::array();
  for (const auto& message : prompt.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  std::string more;
  if (!prompt.prefill.empty()) more += "\n\nBegin your answer with: " + prompt.prefill;
  if (!request.json_schema.empty() && form != JsonForm::kSchema) {
    more += "\n\n" + schema_words(request.json_schema);
  }
  if (more.empty()) return messages;
  if (messages.empty() || messages.back()["role"] != "user") {
    messages.push_back({{"role", "user"}, {"content", more.substr(2)}});
  } else {
    messages.back()["content"] = messages.back()["content"].get<std::string>() + more;
  }
  return messages;
}

void put_sampler(Json& body, const SamplerOptions& s, int64_t sample) {
  body["temperature"] = s.temperature;
  if (s.top_p < 1) body["top_p"] = s.top_p;
  if (s.presence_penalty != 0) body["presence_penalty"] = s.presence_penalty;
  if (s.frequency_penalty != 0) body["frequency_penalty"] = s.frequency_penalty;
  // Extensions of local services; others refuse fields that they do not know.
  if (s.top_k > 0) body["top_k"] = s.top_k;
  if (s.min_p > 0) body["min_p"] = s.min_p;
  if (s.repetition_penalty != 1) body["repetition_penalty"] = s.repetition_penalty;
  body["seed"] = static_cast<int64_t>((s.seed + static_cast<uint64_t>(sample)) & 0x7FFFFFFF);
}

void refuse_unsupported(const GenerateRequest& request) {
  const auto refuse = [](bool wanted, const char* what) {
    if (!wanted) return;
    throw Error(ErrorCode::kUnsupported, std::string("[endpoint] ") + what +
                                             " cannot be asked of a remote model; got one, "
                                             "expected none; try a local model");
  };
  refuse(std::holds_alternative<std::vector<TokenId>>(request.prompt), "a prompt of token ids");
  refuse(request.mask != nullptr, "a grammar's mask");
  refuse(request.adapter != nullptr, "an adapter");
  refuse(request.logprobs || request.logprobs_top > 0, "log-probabilities");
  refuse(!request.sampler.logit_bias.empty(), "a logit bias");
}

Json parse(const std::string& body) {
  Json root = Json::parse(body, nullptr, false);
  if (root.is_discarded() || !root.is_object()) fail_reply("the answer is no JSON object", body);
  return root;
}

std::string text_field(const Json& node, const char* key) {
  return node.is_object() && node.contains(key) && node[key].is_string()
             ? node[key].get<std::string>()
             : std::string();
}

int64_t count_field(const Json& node, const char* key) {
  if (!node.is_object() || !node.contains(key) || !node[key].is_number()) return 0;
  const double value = node[key].get<double>();
  return value > 0 && value < 1e12 ? static_cast<int64_t>(value) : 0;
}

std::optional<Usage> usage_of(const Json& root) {
  if (!root.contains("usage") || !root["usage"].is_object()) return std::nullopt;
  const Json& usage = root["usage"];
  return Usage{.prompt_tokens = count_field(usage, "prompt_tokens"),
               .completion_tokens = count_field(usage, "completion_tokens")};
}

// Services name a stop in several ways; only "length" means that something is missing.
std::string reason_of(const Json& choice) {
  return text_field(choice, "finish_reason") == "length" ? "length" : "stop";
}

const Json& first_choice(const Json& root, const std::string& body) {
  if (!root.contains("choices") || !root["choices"].is_array() || root["choices"].empty() ||
      !root["choices"][0].is_object()) {
    fail_reply("the answer has no choices", body);
  }
  return root["choices"][0];
}

}  // namespace

const char* json_form_name(JsonForm form) {
  switch (form) {
    case JsonForm::kSchema:
      return "json_schema";
    case JsonForm::kObject:
      return "json_object";
    case JsonForm::kPrompt:
      return "the prompt alone";
  }
  return "";
}

ChatCall chat_call(const std::string& model, const GenerateRequest& request, int64_t sample,
                   JsonForm form, bool stream) {
  refuse_unsupported(request);
  ChatCall call;
  Json body = {{"model", model}};
  if (const auto* raw = std::get_if<RawText>(&request.prompt)) {
    call.path = "/completions";
    body["prompt"] = request.json_schema.empty() || form == JsonForm::kSchema
                         ? raw->text
                         : raw->text + "\n\n" + schema_words(request.json_schema);
  } else {
    call.path = "/chat/completions";
    body["messages"] = messages_of(std::get<Prompt>(request.prompt), request, form);
  }
  body["max_tokens"] = request.tokens_max;
  put_sampler(body, request.sampler, sample);
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (!request.json_schema.empty() && form == JsonForm::kSchema) {
    const Json schema = Json::parse(request.json_schema, nullptr, false);
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", schema}}}};
  } else if (!request.json_schema.empty() && form == JsonForm::kObject) {
    // llama.cpp and its kin also take the schema here and then keep to it.
    body["response_format"] = {{"type", "json_object"},
                               {"schema", Json::parse(request.json_schema, nullptr, false)}};
  }
  if (stream) body["stream"] = true;
  call.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return call;
}

ChatReply read_chat_reply(const std::string& body) {
  const Json root = parse(body);
  const Json& choice = first_choice(root, body);
  ChatReply reply;
  const bool chat = choice.contains("message") && choice["message"].is_object();
  if (!chat && !(choice.contains("text") && choice["text"].is_string())) {
    fail_reply("the answer has no text", body);
  }
  reply.text = chat ? text_field(choice["message"], "content") : text_field(choice, "text");
  reply.finish_reason = reason_of(choice);
  reply.usage = usage_of(root);
  return reply;
}

std::string ChatStream::feed(std::string_view bytes) {
  std::string added;
  for (const char c : bytes) {
    if (c != '\n') {
      line_ += c;
      if (line_.size() > kEventBytesMax) {
        throw Error(ErrorCode::kCorruptData, "[endpoint] an event of the stream is over 1 MiB");
      }
      continue;
    }
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    constexpr std::string_view kData = "data:";
    if (line_.starts_with(kData)) {
      const size_t at = std::min(line_.find_first_not_of(' ', kData.size()), line_.size());
      read_event(std::string_view(line_).substr(at), added);
    }
    line_.clear();
  }
  return added;
}

void ChatStream::read_event(std::string_view data, std::string& added) {
  if (data == "[DONE]") {
    ended_ = true;
    return;
  }
  const std::string body(data);
  const Json root = parse(body);
  if (root.contains("error") && !root["error"].is_null()) {
    throw Error(ErrorCode::kUnavailable,
                "[endpoint] the service ended the answer: " + message_in(body));
  }
  if (auto usage = usage_of(root)) reply_.usage = usage;
  if (!root.contains("choices") || !root["choices"].is_array() || root["choices"].empty()) return;
  const Json& choice = root["choices"][0];
  const std::string piece = choice.contains("delta") ? text_field(choice["delta"], "content")
                                                     : text_field(choice, "text");
  reply_.text += piece;
  added += piece;
  if (!text_field(choice, "finish_reason").empty()) {
    reply_.finish_reason = reason_of(choice);
    ended_ = true;
  }
}

ChatReply ChatStream::finish() const {
  if (!ended_) {
    throw Error(ErrorCode::kUnavailable, "[endpoint] the answer broke off; got " +
                                             std::to_string(reply_.text.size()) +
                                             " bytes and no end, expected the whole; try again");
  }
  ChatReply reply = reply_;
  if (reply.finish_reason.empty()) reply.finish_reason = "stop";
  return reply;
}

std::string without_thoughts(const std::string& text) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  const size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == std::string::npos) return text;
  const size_t end = text.rfind(kClose);
  if (end == std::string::npos) {
    // Cut while it still thought: nothing was answered.
    return text.compare(begin, kOpen.size(), kOpen) == 0 ? std::string() : text;
  }
  const size_t answer = text.find_first_not_of(" \n\r\t", end + kClose.size());
  return answer == std::string::npos ? std::string() : text.substr(answer);
}

std::string ThoughtFilter::feed(const std::string& piece) {
  if (answering_) return piece;
  held_ += piece;
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  size_t begin = std::min(held_.find_first_not_of(" \n\r\t"), held_.size());
  const std::string_view said = std::string_view(held_).substr(begin);
  if (kOpen.starts_with(said)) return "";  // may yet become one; also for blanks alone
  if (said.starts_with(kOpen)) {
    const size_t close = held_.find(kClose);
    if (close == std::string::npos) return "";
    begin = held_.find_first_not_of(" \n\r\t", close + kClose.size());
    if (begin == std::string::npos) return "";
    held_.erase(0, begin);
  }
  answering_ = true;
  return std::move(held_);
}

std::string json_in(std::string_view text) {
  int tried = 0;
  for (size_t begin = text.find_first_of("{[");
       begin != std::string_view::npos && tried < kValuesTried;
       begin = text.find_first_of("{[", begin + 1), ++tried) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = begin; i < text.size(); ++i) {
      const char c = text[i];
      if (quoted) {
        if (c == '\\')
          ++i;
        else if (c == '"')
          quoted = false;
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        if (++depth > kNestingMax) return "";
      } else if ((c == '}' || c == ']') && --depth == 0) {
        const std::string_view value = text.substr(begin, i + 1 - begin);
        if (Json::accept(value)) return std::string(value);
        break;
      }
    }
  }
  return "";
}

std::string follow_schema(const std::string& schema, const std::string& text) {
  const bool scalar = text.find_first_of("{[") == std::string::npos && Json::accept(text);
  std::string value = scalar ? text : json_in(text);
  if (value.empty()) return "";
  value = text::json_in_schema_order(schema, value);
  return text::matches(text::json_schema_grammar(schema), value) ? value : "";
}

std::string message_in(const std::string& body) {
  std::string message;
  const Json root = Json::parse(body, nullptr, false);
  if (root.is_object() && root.contains("error")) {
    message = root["error"].is_string() ? root["error"].get<std::string>()
                                        : text_field(root["error"], "message");
  }
  if (message.empty() && root.is_object()) message = text_field(root, "message");
  if (message.empty()) message = body;
  std::string out;
  for (const char c : message) {
    if (out.size() >= kMessageBytesMax) break;
    out += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  }
  while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
  if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
  return out;
}

std::string embeddings_body(const std::string& model, std::span<const std::string> texts) {
  Json input = Json::array();
  for (const std::string& text : texts) input.push_back(text);
  return Json{{"model", model}, {"input", input}, {"encoding_format", "float"}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

EmbeddingsReply read_embeddings(const std::string& body, size_t texts) {
  const Json root = parse(body);
  if (!root.contains("data") || !root["data"].is_array() || root["data"].size() != texts) {
    fail_reply("there are not " + std::to_string(texts) + " vectors", body);
  }
  EmbeddingsReply reply;
  reply.vectors.resize(texts);
  for (size_t i = 0; i < texts; ++i) {
    const Json& row = root["data"][i];
    const size_t at = row.is_object() && row.contains("index") && row["index"].is_number_unsigned()
                          ? row["index"].get<size_t>()
                          : i;
    if (at >= texts || !reply.vectors[at].empty() || !row.contains("embedding") ||
        !row["embedding"].is_array()) {
      fail_reply("vector " + std::to_string(i) + " is missing", body);
    }
    double squares = 0;
    std::vector<double> values;
    for (const Json& value : row["embedding"]) {
      values.push_back(value.is_number() ? value.get<double>() : NAN);
      squares += values.back() * values.back();
    }
    if (!std::isfinite(squares)) fail_reply("a vector has a value that is no number", body);
    if (!(squares > kSquaresMin)) fail_reply("a vector is empty or zero", body);
    const double scale = 1.0 / std::sqrt(squares);
    for (const double x : values) reply.vectors[at].push_back(static_cast<float>(x * scale));
  }
  for (const auto& vector : reply.vectors) {
    if (vector.size() != reply.vectors[0].size()) {
      fail_reply("the vectors are of different widths", body);
    }
  }
  if (const auto usage = usage_of(root)) reply.tokens = usage->prompt_tokens;
  return reply;
}

}  // namespace ondol::net

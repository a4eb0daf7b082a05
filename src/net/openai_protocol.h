// What goes over the wire to an OpenAI-compatible service, as text; no connection in it.
// https://platform.openai.com/docs/api-reference (chat/completions, completions, embeddings), as
// far as llama.cpp's server, vLLM and Ollama share it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infer/generator.h"

namespace ondol::net {

// How a service is asked for JSON. Services differ; the strongest that one takes is kept.
enum class JsonForm {
  kSchema,  // response_format json_schema
  kObject,  // response_format json_object, the schema in the prompt
  kPrompt,  // the schema in the prompt alone
};
const char* json_form_name(JsonForm form);

struct ChatCall {
  std::string path;  // "/chat/completions" or "/completions"
  std::string body;
};
// One sample. Throws Error(kUnsupported) for what no service can be asked for: tokens as a prompt,
// masks, adapters, log-probabilities.
ChatCall chat_call(const std::string& model, const GenerateRequest& request, int64_t sample,
                   JsonForm form, bool stream);

struct ChatReply {
  std::string text;
  std::string finish_reason;   // "stop" or "length"
  std::optional<Usage> usage;  // as far as the service tells
};
// Throws Error(kCorruptData) for what is no such answer.
ChatReply read_chat_reply(const std::string& body);

// The pieces of a streamed answer (server-sent events).
class ChatStream {
 public:
  // Bytes as they come; the text that they add. Throws Error(kCorruptData, kUnavailable).
  std::string feed(std::string_view bytes);
  // Throws Error(kUnavailable) when the answer broke off before its end.
  ChatReply finish() const;

 private:
  void read_event(std::string_view data, std::string& added);
  std::string line_;
  ChatReply reply_;
  bool ended_ = false;
};

// What the model thought aloud before it answered (<think>...</think>) taken off.
std::string without_thoughts(const std::string& text);
// The same of a text that comes in pieces: nothing comes out until it is clear that what came is
// the answer.
class ThoughtFilter {
 public:
  std::string feed(const std::string& piece);

 private:
  std::string held_;
  bool answering_ = false;
};
// The first whole JSON value in a text: answers come with words or a code fence around them. Empty:
// there is none.
std::string json_in(std::string_view text);
// `text` as one that satisfies the schema, in its spelling; empty: it does not.
std::string follow_schema(const std::string& schema, const std::string& text);

// What a refused call says, one line, at most 300 bytes, no control characters.
std::string message_in(const std::string& body);

std::string embeddings_body(const std::string& model, std::span<const std::string> texts);
struct EmbeddingsReply {
  std::vector<std::vector<float>> vectors;  // unit length, in the order of the texts
  int64_t tokens = 0;
};
// Throws Error(kCorruptData) unless there are `texts` vectors of one width, all finite.
EmbeddingsReply read_embeddings(const std::string& body, size_t texts);

}  // namespace ondol::net

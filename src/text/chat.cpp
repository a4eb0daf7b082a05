#include "text/chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/jinja_lexer.h"
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

namespace ondol::text {
namespace {

using namespace jinja;

// The names of speakers that templates put between the marks of a special token. Any other role is
// a stranger's text: "<|" + role + "|>" must not become a token of its choice.
constexpr std::array<std::string_view, 14> kTrustedRoles = {
    "system", "user",        "assistant",     "tool",  "developer", "function",  "ipython",
    "model",  "observation", "tool_response", "human", "bot",       "tool_call", "environment"};

char role_mark(std::string_view role) {
  const bool known =
      std::find(kTrustedRoles.begin(), kTrustedRoles.end(), role) != kTrustedRoles.end();
  return known ? kTrusted : kUntrusted;
}

Value message_value(Heap& heap, const ChatMessage& message, size_t number) {
  const Value made = heap.dict();
  const auto put = [&](std::string_view name, Value value) {
    heap.set(made.dict(), heap.text(name, kTrusted), std::move(value));
  };
  put("role", heap.text(message.role, role_mark(message.role)));
  put("content", heap.text(message.content, kUntrusted));
  if (!message.extra_json.empty()) {
    const std::string what = fmt::format("extra_json of message {}", number);
    const Value extra = from_json(heap, message.extra_json, kUntrusted, what);
    if (!extra.is(Kind::kDict)) fail(what + " must be a JSON object, got " + type_name(extra));
    for (const auto& [name, value] : extra.dict().entries) {
      const bool role = name.bytes() == "role" && value.is_string();
      heap.set(made.dict(), name,
               role ? heap.text(value.bytes(), role_mark(value.bytes())) : value);
    }
  }
  return made;
}

void set_variables(Heap& heap, Runtime& runtime, std::span<const ChatMessage> messages,
                   const ChatRenderOptions& options) {
  std::vector<Value> list;
  for (const ChatMessage& message : messages) {
    list.push_back(message_value(heap, message, list.size() + 1));
  }
  runtime.set("messages", heap.list(std::move(list)));
  runtime.set("add_generation_prompt", Value(options.add_generation_prompt));
  // Hugging Face always passes these two; without tools they are none.
  runtime.set("documents", Value::none());
  runtime.set("tools", options.tools_json.empty()
                           ? Value::none()
                           : from_json(heap, options.tools_json, kUntrusted, "tools_json"));
  if (options.extra_json.empty()) return;
  const Value extra = from_json(heap, options.extra_json, kUntrusted, "extra_json");
  if (!extra.is(Kind::kDict)) fail("extra_json must be a JSON object, got " + type_name(extra));
  for (const auto& [name, value] : extra.dict().entries) runtime.set(name.bytes(), value);
}

std::vector<TextSpan> to_spans(const Text& text) {
  std::vector<TextSpan> spans;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const char mark = text.marks[begin];
    end = std::min(text.marks.find(mark == kTrusted ? kUntrusted : kTrusted, begin), text.size());
    spans.push_back({text.bytes.substr(begin, end - begin), mark == kTrusted});
  }
  return spans;
}

}  // namespace

struct ChatTemplate::State {
  std::string source;
  ChatTemplateTokens tokens;
  std::shared_ptr<const Program> program;
};

ChatTemplate::ChatTemplate(std::string_view source, ChatTemplateTokens tokens)
    : state_(std::make_unique<State>()) {
  state_->source = source;
  state_->tokens = std::move(tokens);
  state_->program = parse(source);
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::vector<TextSpan> ChatTemplate::render(std::span<const ChatMessage> messages,
                                           const ChatRenderOptions& options) const {
  return render_generated(messages, options).spans;
}

ChatTemplate::Rendered ChatTemplate::render_generated(std::span<const ChatMessage> messages,
                                                      const ChatRenderOptions& options) const {
  Heap heap{Limits{}};
  try {
    Runtime runtime(&heap, {options.now});
    runtime.set("bos_token", heap.text(state_->tokens.bos_token, kTrusted));
    runtime.set("eos_token", heap.text(state_->tokens.eos_token, kTrusted));
    set_variables(heap, runtime, messages, options);
    Rendered rendered{to_spans(runtime.render(*state_->program)), {}};
    if (!runtime.generated_elsewhere()) rendered.generated = runtime.generated();
    return rendered;
  } catch (const Failure& failure) {
    throw Error(failure.code, "[chat template] " + failure.message);
  }
}

const std::string& ChatTemplate::source() const { return state_->source; }

std::string join_spans(std::span<const TextSpan> spans) {
  std::string joined;
  for (const TextSpan& span : spans) joined += span.text;
  return joined;
}

}  // namespace ondol::text

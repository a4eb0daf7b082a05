// Chat messages, and the model's own template that turns them into a prompt.
//
//   ChatTemplate chat(template_source, {.bos_token = "", .eos_token = "<|im_end|>"});
//   std::vector<TextSpan> spans = chat.render(messages, {.add_generation_prompt = true});
//
// The result says which bytes the template wrote (trusted) and which came from messages (not
// trusted), so that a special token typed by a user is never parsed. A failing template is an
// Error, never a guess. Immutable after construction and thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"  // TextSpan

namespace ondol::text {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;
  // JSON text of extra members (tool_calls, name, ...) merged into the message object; empty: none.
  std::string extra_json;
  bool operator==(const ChatMessage&) const = default;
};

struct ChatTemplateTokens {
  std::string bos_token;
  std::string eos_token;
};

struct ChatRenderOptions {
  bool add_generation_prompt = true;
  std::string tools_json;  // JSON array of tool schemas; empty: none
  std::string extra_json;  // JSON object of further template variables; empty: none
  // Seconds since the epoch that strftime_now sees; nullopt: the clock. Fix it for tests and cached
  // results.
  std::optional<int64_t> now;
};

class ChatTemplate {
 public:
  // Parses at once; throws Error(kUnsupported or kInvalidArgument) with line and column.
  ChatTemplate(std::string_view source, ChatTemplateTokens tokens);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  std::vector<TextSpan> render(std::span<const ChatMessage> messages,
                               const ChatRenderOptions& options) const;
  // The same, and which bytes [begin, end) of the joined text `{% generation %}` blocks wrote, in
  // order: the answers to learn. None where the template has no such block, or has one in a macro,
  // a filter or a variable.
  struct Rendered {
    std::vector<TextSpan> spans;
    std::vector<std::pair<size_t, size_t>> generated;
  };
  Rendered render_generated(std::span<const ChatMessage> messages,
                            const ChatRenderOptions& options) const;
  const std::string& source() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The spans as one string.
std::string join_spans(std::span<const TextSpan> spans);

}  // namespace ondol::text

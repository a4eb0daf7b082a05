#include "train/mask.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

using text::ChatMessage;
using text::ChatRenderOptions;
using text::TextSpan;
using Range = std::pair<size_t, size_t>;  // bytes of the joined text

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kCorruptData, message);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The end of a text, or its beginning, for messages.
std::string shown(std::string_view text, bool end) {
  constexpr size_t kBytes = 24;
  size_t from = end && text.size() > kBytes ? text.size() - kBytes : 0;
  size_t to = end ? text.size() : std::min(text.size(), kBytes);
  const auto inside = [&](size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  while (inside(from)) ++from;
  while (inside(to)) --to;
  std::string out;
  for (const char c : text.substr(from, to - from)) {
    out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  }
  return out;
}

std::vector<TextSpan> cut(std::span<const TextSpan> spans, size_t begin, size_t end) {
  std::vector<TextSpan> out;
  size_t at = 0;
  for (const TextSpan& span : spans) {
    const size_t from = std::max(begin, at);
    const size_t to = std::min(end, at + span.text.size());
    if (from < to) out.push_back({span.text.substr(from - at, to - from), span.trusted});
    at += span.text.size();
  }
  return out;
}

bool all_trusted(std::span<const TextSpan> spans, size_t begin, size_t end) {
  const std::vector<TextSpan> part = cut(spans, begin, end);
  return std::all_of(part.begin(), part.end(), [](const TextSpan& span) { return span.trusted; });
}

// ---- where an answer ends ----

// An end token that the template wrote at `at`; 0: none.
size_t end_token_bytes(const text::Tokenizer& tokenizer, std::span<const TextSpan> spans,
                       std::string_view whole, size_t at) {
  for (const text::TokenId id : tokenizer.end_of_generation()) {
    const std::string& piece = tokenizer.piece(id);
    if (!piece.empty() && whole.compare(at, piece.size(), piece) == 0 &&
        all_trusted(spans, at, at + piece.size())) {
      return piece.size();
    }
  }
  return 0;
}

// Moves the end of an answer: back over white space behind its end token, or forward over an end
// token that a generation block left outside.
Range fit_end(const text::Tokenizer& tokenizer, std::span<const TextSpan> spans,
              std::string_view whole, Range range) {
  if (const size_t size = end_token_bytes(tokenizer, spans, whole, range.second)) {
    return {range.first, range.second + size};
  }
  size_t text_end = range.second;
  while (text_end > range.first && is_blank(whole.substr(text_end - 1, 1))) --text_end;
  for (const text::TokenId id : tokenizer.end_of_generation()) {
    const size_t size = tokenizer.piece(id).size();
    if (size == 0 || text_end < range.first + size) continue;
    if (end_token_bytes(tokenizer, spans, whole, text_end - size) == size) {
      return {range.first, text_end};
    }
  }
  return range;
}

Parts to_parts(const text::Tokenizer& tokenizer, std::span<const TextSpan> spans,
               std::span<const Range> answers) {
  const std::string whole = text::join_spans(spans);
  Parts parts;
  size_t at = 0;
  const auto add = [&](size_t end, bool learned) {
    if (end > at) parts.push_back({cut(spans, at, end), learned});
    at = std::max(at, end);
  };
  for (const Range& answer : answers) {
    const Range fitted = fit_end(tokenizer, spans, whole, answer);
    add(fitted.first, false);
    add(fitted.second, true);
  }
  add(whole.size(), false);
  return parts;
}

// ---- where answers are ----

struct Turns {
  const text::ChatTemplate& chat;
  const Conversation& of;
  ChatRenderOptions options;

  std::vector<TextSpan> render(size_t messages, bool prompt) const {
    ChatRenderOptions with = options;
    with.add_generation_prompt = prompt;
    with.tools_json = of.tools_json;
    return chat.render(of.messages.first(messages), with);
  }
  // messages[:i] with the generation prompt against messages[:i + 1], which is `after`.
  Range answer(const text::Tokenizer& tokenizer, size_t i, std::span<const TextSpan> after,
               bool* other_prompt) const {
    const std::string whole = text::join_spans(after);
    const std::vector<TextSpan> before = render(i, true);
    const std::string prompt = text::join_spans(before);
    size_t begin = prompt.size();
    if (!whole.starts_with(prompt)) {
      *other_prompt = true;
      const size_t turn = i == 0 ? 0 : text::join_spans(render(i, false)).size();
      begin = turn + shared_prompt(tokenizer, before, after, turn);
      if (i == 0 || !prompt.starts_with(whole.substr(0, turn)) || begin > prompt.size()) {
        fail(fmt::format(
            "the chat template gives no border before message {} (assistant); the prompt ends in "
            "'{}', which is no beginning of the conversation with it; try a template with "
            "{{% generation %}}, or a row that does not begin with the assistant",
            i + 1, shown(prompt, true)));
      }
    }
    if (whole.size() <= begin) {
      fail(fmt::format("the chat template writes nothing for message {} (assistant)", i + 1));
    }
    return {begin, whole.size()};
  }

  // A generation prompt that opens the thinking of the model is no beginning of an answer without
  // any: then what both begin with, in tokens that the template wrote, is the prompt. In bytes,
  // from `turn` on.
  static size_t shared_prompt(const text::Tokenizer& tokenizer, std::span<const TextSpan> before,
                              std::span<const TextSpan> after, size_t turn) {
    const auto ids = tokenizer.encode(cut(before, turn, SIZE_MAX), {});
    const auto other = tokenizer.encode(cut(after, turn, SIZE_MAX), {});
    const auto common = std::mismatch(ids.begin(), ids.end(), other.begin(), other.end()).first;
    for (auto end = common; end != ids.begin(); --end) {
      const std::string bytes = tokenizer.decode({ids.begin(), end}, true);
      const std::string written = text::join_spans(cut(after, turn, turn + bytes.size()));
      if (bytes == written && all_trusted(after, turn, turn + bytes.size())) return bytes.size();
    }
    return 0;
  }
};

// By {% generation %}; nothing when its blocks are not one for each message of the assistant.
std::vector<Range> marked_answers(const Conversation& of, const std::vector<Range>& generated) {
  std::vector<Range> answers;
  size_t seen = 0;
  for (size_t i = 0; i < of.messages.size(); ++i) {
    if (of.messages[i].role != "assistant") continue;
    if (seen < generated.size() && of.learned[i]) answers.push_back(generated[seen]);
    ++seen;
  }
  return seen == generated.size() ? answers : std::vector<Range>();
}

void check_tools(const text::ChatTemplate& chat, const Conversation& of) {
  const auto lacks = [&](const char* word, const std::string& what) {
    if (chat.source().find(word) != std::string::npos) return;
    throw Error(ErrorCode::kUnsupported,
                fmt::format("the row has {}, but the model's chat template does not take them; try "
                            "a model made for tools, or leaving them out",
                            what));
  };
  if (!of.tools_json.empty()) lacks("tools", "tools");
  for (const ChatMessage& message : of.messages) {
    if (message.extra_json.find("\"tool_calls\"") != std::string::npos) {
      lacks("tool_calls", "tool calls");
    }
  }
}

// ---- tokens ----

std::vector<TextSpan> joined(std::span<const Part> parts) {
  std::vector<TextSpan> spans;
  for (const Part& part : parts) {
    spans.insert(spans.end(), part.spans.begin(), part.spans.end());
  }
  return spans;
}

// Names the first border that lies inside a token.
[[noreturn]] void fail_border(const text::Tokenizer& tokenizer, const Parts& parts,
                              const std::vector<text::TokenId>& whole) {
  const std::span<const Part> all(parts);
  size_t border = 1;
  for (size_t k = 1; k < parts.size(); ++k) {
    std::vector<text::TokenId> both = tokenizer.encode(joined(all.first(k)), {});
    const std::vector<text::TokenId> rest = tokenizer.encode(joined(all.subspan(k)), {});
    both.insert(both.end(), rest.begin(), rest.end());
    border = k;
    if (both != whole) break;
  }
  fail(fmt::format(
      "an answer {} inside a token; got '...{}' before the border and '{}...' behind it, which are "
      "other tokens together; try moving white space from one side to the other, or --border split",
      parts[border].learned ? "begins" : "ends",
      shown(text::join_spans(parts[border - 1].spans), true),
      shown(text::join_spans(parts[border].spans), false)));
}

}  // namespace

std::vector<Parts> answer_parts(const text::ChatTemplate& chat, const text::Tokenizer& tokenizer,
                                const Conversation& conversation, const ChatRenderOptions& options,
                                bool* other_prompts) {
  *other_prompts = false;
  check_tools(chat, conversation);
  const Turns turns{chat, conversation, options};
  const size_t count = conversation.messages.size();
  ChatRenderOptions whole_options = options;
  whole_options.add_generation_prompt = false;
  whole_options.tools_json = conversation.tools_json;
  const auto rendered = chat.render_generated(conversation.messages, whole_options);
  std::vector<Range> answers = marked_answers(conversation, rendered.generated);
  if (!answers.empty()) return {to_parts(tokenizer, rendered.spans, answers)};

  const std::string whole = text::join_spans(rendered.spans);
  bool nested = true;
  std::vector<Parts> alone;
  for (size_t i = 0; i < count; ++i) {
    if (!conversation.learned[i]) continue;
    const std::vector<TextSpan> spans =
        i + 1 == count ? rendered.spans : turns.render(i + 1, false);
    const std::string text = text::join_spans(spans);
    bool other_prompt = false;
    answers.push_back(turns.answer(tokenizer, i, spans, &other_prompt));
    *other_prompts = *other_prompts || other_prompt;
    nested = nested && whole.starts_with(text);
    alone.push_back(to_parts(tokenizer, spans, std::span(answers).last(1)));
  }
  if (!nested) return alone;
  return {to_parts(tokenizer, rendered.spans, answers)};
}

Example encode_parts(const text::Tokenizer& tokenizer, const Parts& given, Border border) {
  // A border between parts that are learned alike is none.
  Parts parts;
  for (const Part& part : given) {
    if (parts.empty() || parts.back().learned != part.learned) {
      parts.push_back(part);
    } else {
      parts.back().spans.insert(parts.back().spans.end(), part.spans.begin(), part.spans.end());
    }
  }
  Example example;
  for (const Part& part : parts) {
    const std::vector<text::TokenId> ids = tokenizer.encode(part.spans, {});
    example.ids.insert(example.ids.end(), ids.begin(), ids.end());
    example.loss.resize(example.ids.size(), part.learned ? 1 : 0);
  }
  if (border == Border::kError && parts.size() > 1) {
    const std::vector<text::TokenId> whole = tokenizer.encode(joined(parts), {});
    if (whole != example.ids) fail_border(tokenizer, parts, whole);
  }
  return example;
}

}  // namespace ondol::train

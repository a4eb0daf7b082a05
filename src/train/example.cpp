#include "train/example.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "train/mask.h"

namespace ondol::train {
namespace {

using text::ChatMessage;
using Messages = std::vector<ChatMessage>;

[[noreturn]] void unsupported(const std::string& message) {
  throw Error(ErrorCode::kUnsupported, message);
}

text::ChatTemplateTokens template_tokens(const text::Tokenizer& tokenizer) {
  const auto piece = [&](const std::optional<TokenId>& id) {
    return id ? tokenizer.piece(*id) : std::string();
  };
  return {piece(tokenizer.config().bos), piece(tokenizer.config().eos)};
}

bool ends_generation(const text::Tokenizer& tokenizer, TokenId id) {
  const auto& ends = tokenizer.end_of_generation();
  return std::find(ends.begin(), ends.end(), id) != ends.end();
}

std::vector<uint8_t> assistants(const Messages& messages, size_t from) {
  std::vector<uint8_t> learned(messages.size(), 0);
  for (size_t i = from; i < messages.size(); ++i) {
    learned[i] = messages[i].role == "assistant" ? 1 : 0;
  }
  return learned;
}

}  // namespace

int64_t learned_tokens(std::span<const uint8_t> loss) {
  if (loss.empty()) return 0;
  return std::count(loss.begin() + 1, loss.end(), 1);
}

// One row after another; the options decide what is learned.
struct Renderer::Rows {
  const Renderer& of;

  LossOn loss(LossOn usual, std::initializer_list<LossOn> known, std::string_view what) const {
    const LossOn asked = of.options_.loss;
    if (asked == LossOn::kAuto) return usual;
    if (asked == LossOn::kAll || std::find(known.begin(), known.end(), asked) != known.end()) {
      return asked;
    }
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{} was asked for, but the row is {}, which has no such part; try the "
                    "default",
                    asked == LossOn::kAssistant ? "assistant_only_loss" : "completion_only_loss",
                    what));
  }

  // What the model puts first, and the end token behind an answer.
  Example framed(Example inner) const {
    const text::TokenizerConfig& config = of.tokenizer_.config();
    const std::optional<TokenId> last = config.eos ? config.eos : of.tokenizer_.last_token();
    if (config.add_bos && of.tokenizer_.first_token()) {
      inner.ids.insert(inner.ids.begin(), *of.tokenizer_.first_token());
      inner.loss.insert(inner.loss.begin(), 0);
    }
    if (last) {
      inner.ids.push_back(*last);
      inner.loss.push_back(inner.loss.empty() ? 0 : inner.loss.back());
    }
    return inner;
  }

  Example plain(const std::string& prompt, const std::string& answer, bool all) const {
    Parts parts;
    if (!prompt.empty()) parts.push_back({{{prompt, false}}, all});
    parts.push_back({{{answer, false}}, true});
    return framed(encode_parts(of.tokenizer_, parts, of.options_.border));
  }

  Example pair(const std::string& source, const std::string& target) const {
    const TokenId end = *of.options_.pair_end;
    std::vector<TokenId> from = of.tokenizer_.encode(source, {.add_special = true});
    if (from.empty() || from.back() != end) from.push_back(end);
    std::vector<TokenId> to = of.tokenizer_.encode(target, {});
    to.push_back(end);
    Example one;
    const auto limit = static_cast<size_t>(of.options_.max_length);
    const size_t size = from.size() + to.size();
    if (limit > 0 && size > limit) {
      one.tokens_cut = static_cast<int64_t>(size - limit);
      to.resize(std::min(to.size(), std::max(limit / 2, limit - std::min(limit, from.size()))));
      from.resize(std::max<size_t>(1, limit - to.size()));
      from.back() = end;
    }
    one.ids = std::move(from);
    one.loss.assign(one.ids.size(), 0);
    one.ids.insert(one.ids.end(), to.begin(), to.end());
    one.loss.resize(one.ids.size(), 1);
    return one;
  }
  void no_pair(const char* what) const {
    if (!of.options_.pair_end) return;
    unsupported(
        fmt::format("{} has no source and target; an encoder-decoder learns rows with "
                    "'source' and 'target', or 'prompt' and 'completion' as text",
                    what));
  }

  std::vector<Example> chat(const Messages& messages, std::vector<uint8_t> learned,
                            const std::string& tools) const {
    if (!of.chat_) {
      unsupported(
          "the row has messages, but the model has no chat template; try an instruct model, "
          "or rows with 'prompt' and 'completion' as text");
    }
    const Conversation conversation{messages, std::move(learned), tools};
    const text::ChatRenderOptions options{
        .add_generation_prompt = false, .tools_json = "", .extra_json = "", .now = of.options_.now};
    std::vector<Example> examples;
    bool other_prompt = false;
    for (Parts& parts :
         answer_parts(*of.chat_, of.tokenizer_, conversation, options, &other_prompt)) {
      if (of.options_.loss == LossOn::kAll) {
        for (Part& part : parts) part.learned = true;
      }
      examples.push_back(encode_parts(of.tokenizer_, parts, of.options_.border));
      examples.back().other_prompt = other_prompt;
    }
    return examples;
  }

  Example answer(const Passage& prompt, const Passage& answer, const std::string& tools) const {
    if (!answer.is_chat()) {
      if (prompt.is_chat()) unsupported("a prompt of messages has an answer of text");
      return plain(prompt.text, answer.text, of.options_.loss == LossOn::kAll);
    }
    Messages messages = prompt.messages;
    messages.insert(messages.end(), answer.messages.begin(), answer.messages.end());
    const size_t from = of.options_.loss == LossOn::kAssistant ? 0 : prompt.messages.size();
    std::vector<Example> examples = chat(messages, assistants(messages, from), tools);
    // Where turns must stand alone, the last one is the answer.
    return std::move(examples.back());
  }

  std::vector<Example> operator()(const TextRow& row) const {
    no_pair("plain text");
    loss(LossOn::kAll, {}, "plain text");
    const bool pieces = of.tokenizer_.config().model == text::TokenizerModel::kWordPiece;
    if (!pieces) return {plain("", row.text, true)};
    Example one;
    one.ids = of.tokenizer_.encode(row.text, {.add_special = true});
    one.loss.assign(one.ids.size(), 1);
    return {one};
  }
  std::vector<Example> operator()(const PromptRow& row) const {
    if (row.completion.is_chat()) {
      no_pair("a row of messages");
      loss(LossOn::kCompletion, {LossOn::kCompletion, LossOn::kAssistant}, "messages");
      Messages messages = row.prompt.messages;
      messages.insert(messages.end(), row.completion.messages.begin(),
                      row.completion.messages.end());
      const size_t from = of.options_.loss == LossOn::kAssistant ? 0 : row.prompt.messages.size();
      return chat(messages, assistants(messages, from), row.tools_json);
    }
    if (of.options_.pair_end) return {pair(row.prompt.text, row.completion.text)};
    loss(LossOn::kCompletion, {LossOn::kCompletion}, "a prompt and a completion of text");
    return {answer(row.prompt, row.completion, row.tools_json)};
  }
  std::vector<Example> operator()(const ChatRow& row) const {
    no_pair("a conversation");
    loss(LossOn::kAssistant, {LossOn::kAssistant}, "a conversation");
    std::vector<uint8_t> learned = assistants(row.messages, 0);
    for (size_t i = 0; i < row.unlearned.size(); ++i) {
      if (row.unlearned[i]) learned[i] = 0;
    }
    return chat(row.messages, std::move(learned), row.tools_json);
  }
  std::vector<Example> operator()(const Seq2SeqRow& row) const {
    if (of.options_.pair_end) return {pair(row.source, row.target)};
    loss(LossOn::kCompletion, {LossOn::kCompletion}, "a source and a target");
    if (!of.chat_) return {plain(row.source + "\n", row.target, of.options_.loss == LossOn::kAll)};
    return {answer({"", {{"user", row.source, ""}}}, {"", {{"assistant", row.target, ""}}}, "")};
  }
  std::vector<Example> operator()(const PreferenceRow& row) const {
    no_pair("a preference");
    return {answer(row.prompt, row.chosen, row.tools_json),
            answer(row.prompt, row.rejected, row.tools_json)};
  }
  std::vector<Example> operator()(const FeedbackRow& row) const {
    no_pair("a row of feedback");
    return {answer(row.prompt, row.completion, row.tools_json)};
  }
  std::vector<Example> operator()(const LabelRow&) const {
    unsupported("a row with a label is for `classify`; it is no text to continue");
  }
  std::vector<Example> operator()(const PairRow&) const {
    unsupported("a pair of sentences is for `embed`; it is no text to continue");
  }

  static Example piece(const Example& of, size_t from, size_t to) {
    const auto begin = static_cast<std::ptrdiff_t>(from);
    const auto end = static_cast<std::ptrdiff_t>(to);
    return {{of.ids.begin() + begin, of.ids.begin() + end},
            {of.loss.begin() + begin, of.loss.begin() + end},
            0,
            true,
            of.other_prompt};
  }

  // max_length, and whether the answer ends.
  std::vector<Example> fit(std::vector<Example> examples, bool is_text) const {
    const auto limit = static_cast<size_t>(of.options_.max_length);
    std::vector<Example> out;
    for (Example& one : examples) {
      const size_t size = one.ids.size();
      if (limit == 0 || size <= limit) {
        const auto last = std::find(one.loss.rbegin(), one.loss.rend(), 1);
        one.ended = last == one.loss.rend() ||
                    ends_generation(of.tokenizer_,
                                    one.ids[static_cast<size_t>(one.loss.rend() - last - 1)]);
        out.push_back(std::move(one));
        continue;
      }
      if (is_text && of.options_.overflow == Overflow::kSplit) {
        // A piece begins with the last token of the one before, so that every token is predicted.
        for (size_t at = 0; at + 1 < size; at += limit - 1) {
          out.push_back(piece(one, at, std::min(size, at + limit)));
        }
      } else {
        out.push_back(piece(one, 0, limit));
        out.back().tokens_cut = static_cast<int64_t>(size - limit);
      }
    }
    return out;
  }
};

Renderer::Renderer(const text::Tokenizer& tokenizer, std::string_view chat_template,
                   RenderOptions options)
    : tokenizer_(tokenizer), options_(options) {
  if (options.max_length < 0 || options.max_length == 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[data] max_length is {}; expected 2 or more, or 0 for no limit",
                            options.max_length));
  }
  if (!chat_template.empty()) chat_.emplace(chat_template, template_tokens(tokenizer));
}

std::vector<Example> Renderer::render(const Row& row) const {
  const Rows rows{*this};
  return rows.fit(std::visit(rows, row.data), std::holds_alternative<TextRow>(row.data));
}

Example Renderer::render_answer(const Passage& prompt, const Passage& answer,
                                const std::string& tools_json) const {
  const Rows rows{*this};
  return rows.fit({rows.answer(prompt, answer, tools_json)}, false).front();
}

// ---- many rows ----

std::vector<int64_t> ExampleSet::lengths() const {
  std::vector<int64_t> all(size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = length(i);
  return all;
}

void ExampleSet::add(const Example& example, uint32_t row) {
  ONDOL_ASSERT(example.ids.size() == example.loss.size());
  ids_.insert(ids_.end(), example.ids.begin(), example.ids.end());
  loss_.insert(loss_.end(), example.loss.begin(), example.loss.end());
  begins_.push_back(ids_.size());
  rows_.push_back(row);
}

std::string RenderCounts::sentence() const {
  std::string text;
  const auto say = [&](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
  const auto share = [&](int64_t part) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(examples, 1));
  };
  if (truncated > 0) {
    say(fmt::format("{} of {} examples ({:.1f} %) were cut to max_length and lost {} tokens",
                    truncated, examples, share(truncated), tokens_cut));
  }
  if (dropped > 0) say(fmt::format("{} examples had nothing to learn and were dropped", dropped));
  if (split > 0) say(fmt::format("{} rows became several examples", split));
  if (without_end > 0) {
    say(fmt::format("{} answers have no end token: the model will not learn to stop", without_end));
  }
  if (other_prompt > 0) {
    say(
        fmt::format("{} examples are learned after a shorter prompt than the template asks with "
                    "(in use the prompt goes on, for example into thinking)",
                    other_prompt));
  }
  return text;
}

namespace {

// Why an example without a learned token has none.
std::string empty_mask(const Example& example) {
  if (example.tokens_cut == 0) {
    return "the row has no token to learn; expected an answer of the assistant; try --drop-empty "
           "to "
           "leave such rows out";
  }
  return fmt::format(
      "max_length cut the whole answer away: {} of {} tokens are left and none of them is learned; "
      "try a greater max_length, a shorter prompt, or --drop-empty to leave such rows out",
      example.ids.size(), static_cast<int64_t>(example.ids.size()) + example.tokens_cut);
}

void count(const Example& example, RenderCounts* counts) {
  ++counts->examples;
  counts->tokens += static_cast<int64_t>(example.ids.size());
  counts->learned += learned_tokens(example.loss);
  counts->truncated += example.tokens_cut > 0 ? 1 : 0;
  counts->tokens_cut += example.tokens_cut;
  counts->without_end += example.ended ? 0 : 1;
  counts->other_prompt += example.other_prompt ? 1 : 0;
}

// Puts the examples of one row into the set, or says why not.
struct Collector {
  const RenderDatasetOptions& options;
  ExampleSet& set;
  RenderCounts& counts;

  void fault(const Dataset& data, const Row& row, ErrorCode code, const std::string& message) {
    add_problem(options.problems, code, {data.files.at(row.file).name, row.line, message});
  }

  void take(const Dataset& data, size_t index, const std::vector<Example>& examples) {
    const Row& row = data.rows[index];
    const bool pair = std::holds_alternative<PreferenceRow>(row.data);
    counts.split += !pair && examples.size() > 1 ? 1 : 0;
    const auto is_empty = [](const Example& one) { return learned_tokens(one.loss) == 0; };
    const bool any_empty = std::any_of(examples.begin(), examples.end(), is_empty);
    for (const Example& example : examples) {
      const auto size = static_cast<int64_t>(example.ids.size());
      if (options.full_lengths) options.full_lengths->push_back(size + example.tokens_cut);
      counts.empty += is_empty(example) ? 1 : 0;
      // Of a preference both sides go, or neither.
      if (!is_empty(example) && !(pair && any_empty)) {
        count(example, &counts);
        set.add(example, static_cast<uint32_t>(index));
      } else if (options.drop_empty) {
        ++counts.dropped;
      } else if (is_empty(example)) {
        fault(data, row, ErrorCode::kCorruptData, empty_mask(example));
      }
    }
  }
};

}  // namespace

ExampleSet render_dataset(const Dataset& data, const Renderer& renderer,
                          const RenderDatasetOptions& options) {
  ExampleSet set;
  RenderCounts counts;
  Collector collector{options, set, counts};
  for (size_t i = 0; i < data.rows.size(); ++i) {
    if (options.progress && i % 64 == 0) options.progress->update("render", i, data.rows.size());
    ++counts.rows;
    std::vector<Example> examples;
    try {
      examples = renderer.render(data.rows[i]);
    } catch (const Error& error) {
      collector.fault(data, data.rows[i], error.code(), error.what());
      continue;
    }
    collector.take(data, i, examples);
  }
  if (options.counts) *options.counts = counts;
  return set;
}

}  // namespace ondol::train

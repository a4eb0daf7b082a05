// Rows made token ids, each with a mark: is it learned or only read.
//
//   Renderer renderer(*model.tokenizer, model.chat_template, {.max_length = 2048});
//   ExampleSet examples = render_dataset(data, renderer, {});
//   examples.ids(0), examples.loss(0)        // same length; loss[t] = 1: token t is learned
//
// What the mask promises: a token is learned only when it lies in an answer (mask.h says how that
// is found and verified); the token that ends an answer is learned with it; no special token comes
// out of the text of a row. Masking is by position, so pad and end token may be the same. Throws
// Error; what a row did wrong names file and line.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "text/chat.h"
#include "text/tokenizer.h"
#include "train/dataset.h"

namespace ondol::train {

using text::TokenId;

struct Example {
  std::vector<TokenId> ids;
  std::vector<uint8_t> loss;  // as long as ids
  int64_t tokens_cut = 0;     // by max_length
  bool ended = true;          // the last learned token ends a generation
  bool other_prompt = false;  // in use the template's prompt goes on (opens thinking)
};

// Tokens that are predicted and learned: the first token of an example is never predicted.
int64_t learned_tokens(std::span<const uint8_t> loss);

enum class LossOn : uint8_t {
  kAuto,        // text: all; prompt-completion: the completion; messages: the assistant
  kAll,         // every token
  kCompletion,  // completion_only_loss: only where a row has prompt and completion
  kAssistant,   // assistant_only_loss: every turn of the assistant, also those of the prompt
};

enum class Overflow : uint8_t {
  kTruncate,  // the beginning is kept; counted
  kSplit,     // plain text becomes several examples; the rest is truncated
};

// What to do when an answer begins or ends inside a token of the whole text.
enum class Border : uint8_t {
  kError,
  kSplit,  // the parts are tokenised one by one, as a prompt and its answer are in use
};

// All of it decides results.
struct RenderOptions {
  LossOn loss = LossOn::kAuto;
  int64_t max_length = 0;  // tokens of an example; 0: no limit
  Overflow overflow = Overflow::kTruncate;
  Border border = Border::kError;
  std::optional<int64_t> now;  // the moment that templates with dates see
  // The end token of an encoder-decoder: rows are its sources and targets, both ending with it.
  // The source is read and the target learned, whatever `loss` says of it. What is above
  // max_length goes from the end of the longer one.
  std::optional<TokenId> pair_end = {};
};

// Immutable and thread-safe. Keeps a reference to the tokenizer.
class Renderer {
 public:
  // `chat_template` may be empty: then rows of messages are an error. Throws as ChatTemplate.
  Renderer(const text::Tokenizer& tokenizer, std::string_view chat_template, RenderOptions options);

  // One example; several for a preference (chosen, rejected), for text that is split, and for a
  // conversation whose template rewrites earlier turns (one example a turn, each as the model will
  // see it). Throws Error(kCorruptData or kUnsupported) without the place of the row, and
  // kUnsupported for rows of labels and pairs, which are not texts to continue.
  std::vector<Example> render(const Row& row) const;
  // A prompt and its answer, the answer learned: for methods that compare answers.
  Example render_answer(const Passage& prompt, const Passage& answer,
                        const std::string& tools_json) const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const RenderOptions& options() const { return options_; }
  bool has_template() const { return chat_.has_value(); }

 private:
  struct Rows;
  const text::Tokenizer& tokenizer_;
  std::optional<text::ChatTemplate> chat_;
  RenderOptions options_;
};

// Many examples in three flat arrays. Lengths in tokens.
class ExampleSet {
 public:
  size_t size() const { return begins_.size() - 1; }
  std::span<const TokenId> ids(size_t i) const { return part(ids_, i); }
  std::span<const uint8_t> loss(size_t i) const { return part(loss_, i); }
  uint32_t row(size_t i) const { return rows_[i]; }  // index into Dataset::rows
  int64_t length(size_t i) const { return static_cast<int64_t>(begins_[i + 1] - begins_[i]); }
  std::vector<int64_t> lengths() const;
  int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }
  void add(const Example& example, uint32_t row);

 private:
  template <class T>
  std::span<const T> part(const std::vector<T>& all, size_t i) const {
    return std::span<const T>(all).subspan(begins_[i], begins_[i + 1] - begins_[i]);
  }
  std::vector<TokenId> ids_;
  std::vector<uint8_t> loss_;
  std::vector<uint64_t> begins_ = {0};
  std::vector<uint32_t> rows_;
};

// What happened on the way, to be told loudly.
struct RenderCounts {
  int64_t rows = 0;
  int64_t examples = 0;
  int64_t tokens = 0;
  int64_t learned = 0;    // learned_tokens of all
  int64_t truncated = 0;  // examples cut by max_length
  int64_t tokens_cut = 0;
  int64_t empty = 0;             // examples without a learned token; not among `examples`
  int64_t dropped = 0;           // of them (and the other side of a preference), left out
  int64_t split = 0;             // rows that became several examples (preferences do not count)
  int64_t without_end = 0;       // examples whose answer has no end token, not cut either
  int64_t other_prompt = 0;      // examples learned after another prompt than is asked with
  std::string sentence() const;  // empty when there is nothing to warn of
};

struct RenderDatasetOptions {
  bool drop_empty = false;  // leave out examples without a learned token, counted; else an error
  std::vector<RowProblem>* problems = nullptr;  // where faults are put; null: the first is thrown
  RenderCounts* counts = nullptr;
  std::vector<int64_t>* full_lengths = nullptr;  // of all examples, before max_length
  ProgressSink* progress = nullptr;              // stage "render"
};

ExampleSet render_dataset(const Dataset& data, const Renderer& renderer,
                          const RenderDatasetOptions& options);

}  // namespace ondol::train

// The prompt slot of a recipe: query and evidence to what a generator is given.
//
//   PromptBuilder builder(config, train_examples, embedder);
//   Prompt prompt = builder.build(query, evidence);
//
// Passages stand in canonical order (document, position), not by score, so that prompts over the
// same passages share their beginning (architecture, contract 11). Immutable and thread-safe.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "prompt/examples.h"
#include "prompt/styles.h"

namespace ondol::prompt {

class PromptBuilder {
 public:
  PromptBuilder(PromptConfig config, std::vector<Example> examples, Embedder* embedder);

  Prompt build(const Query& query, std::span<const Evidence> evidence) const;
  // The form in which choices are scored: plain text "Question: ...\nAnswer:", examples before it,
  // as lm-evaluation-harness puts multiple-choice tasks. A choice follows after one space.
  RawText build_for_choices(const Query& query, std::span<const Evidence> evidence) const;
  const Style& style() const { return *style_; }

 private:
  std::map<std::string, std::string> variables(const std::string& question,
                                               std::span<const std::string> choices,
                                               const std::string& passages) const;
  PromptConfig config_;
  const Style* style_;
  ExampleSelector selector_;
};

// "Passage (title > heading):\ntext\n\n" for each piece, in canonical order; empty for no evidence.
std::string passages_text(std::span<const Evidence> evidence);

}  // namespace ondol::prompt

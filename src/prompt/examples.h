// Choosing the examples (shots) that a prompt shows.
//
//   ExampleSelector selector(examples, config, embedder);
//   for (const Example* e : selector.select(query)) ...
//
// Examples are solved questions of the train split. A query never sees itself as an example.
// Deterministic. Thread-safe if the embedder is.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "infer/embedder.h"
#include "infer/slots.h"
#include "prompt/config.h"

namespace ondol::prompt {

struct Example {
  std::string id;
  std::string question;
  std::string answer;
  std::vector<std::string> choices;
};

class ExampleSelector {
 public:
  // `embedder` may be null unless select is "nearest". Throws Error(kInvalidArgument) for an
  // unknown selection, more shots than examples, or nearest without an embedder.
  ExampleSelector(std::vector<Example> examples, const PromptConfig& config, Embedder* embedder);
  // In the order they are shown: the most similar one stands last, next to the question.
  std::vector<const Example*> select(const Query& query) const;

 private:
  std::vector<size_t> order_for(const Query& query) const;
  std::vector<Example> examples_;
  int64_t shots_;
  std::string kind_;
  std::vector<size_t> fixed_order_;
  Embedder* embedder_;
  std::vector<std::vector<float>> vectors_;
};

}  // namespace ondol::prompt

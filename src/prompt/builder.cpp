#include "prompt/builder.h"

#include <algorithm>

#include "prompt/text_template.h"

namespace ondol::prompt {
namespace {

std::string choices_text(std::span<const std::string> choices) {
  std::string text;
  for (const std::string& choice : choices) text += "\n- " + choice;
  return text.empty() ? text : "\nChoices:" + text;
}

std::string plain_question(const std::string& question) {
  return "Question: " + question + "\nAnswer:";
}

}  // namespace

std::string passages_text(std::span<const Evidence> evidence) {
  std::vector<const Evidence*> order;
  for (const Evidence& piece : evidence) order.push_back(&piece);
  std::stable_sort(order.begin(), order.end(), [](const Evidence* a, const Evidence* b) {
    return a->document != b->document ? a->document < b->document : a->ordinal < b->ordinal;
  });
  std::string text;
  for (const Evidence* piece : order) {
    std::string label = piece->title;
    if (!piece->heading.empty() && piece->heading != piece->title) {
      label += (label.empty() ? "" : " > ") + piece->heading;
    }
    if (label.empty()) label = piece->document;
    text += "Passage (" + label + "):\n" + piece->text + "\n\n";
  }
  return text;
}

PromptBuilder::PromptBuilder(PromptConfig config, std::vector<Example> examples, Embedder* embedder)
    : config_(std::move(config)),
      style_(&find_style(config_.style)),
      selector_(std::move(examples), config_, embedder) {
  // A template that names an unknown variable fails here and not at the first question.
  const auto sample = variables("", {}, "");
  fill_template(config_.system, sample);
  fill_template(config_.user_template, sample);
}

std::map<std::string, std::string> PromptBuilder::variables(const std::string& question,
                                                            std::span<const std::string> choices,
                                                            const std::string& passages) const {
  std::map<std::string, std::string> values = config_.variables;
  values["question"] = question;
  values["choices"] = choices_text(choices);
  values["passages"] = passages;
  return values;
}

Prompt PromptBuilder::build(const Query& query, std::span<const Evidence> evidence) const {
  const std::string passages = passages_text(evidence);
  const bool grounded = !passages.empty();
  const auto own_system = grounded ? style_->system_grounded : style_->system;
  // A template of the recipe is used as it is; examples bring no passages.
  const auto user_text = [&](bool with_passages) {
    const auto own = with_passages ? style_->user_grounded : style_->user;
    return config_.user_template.empty() ? std::string(own) : config_.user_template;
  };

  Prompt prompt;
  const auto final_values = variables(query.text, query.choices, passages);
  prompt.messages.push_back({"system",
                             config_.system.empty() ? std::string(own_system)
                                                    : fill_template(config_.system, final_values),
                             {}});
  // Examples before earlier turns: a follow-up question stands right behind what it follows.
  for (const Example* example : selector_.select(query)) {
    const auto values = variables(example->question, example->choices, "");
    prompt.messages.push_back({"user", fill_template(user_text(false), values), {}});
    prompt.messages.push_back(
        {"assistant", fill_template(style_->example_answer, {{"answer", example->answer}}), {}});
  }
  for (const text::ChatMessage& message : query.history) prompt.messages.push_back(message);
  prompt.messages.push_back({"user", fill_template(user_text(grounded), final_values), {}});
  prompt.prefill = style_->prefill;
  return prompt;
}

RawText PromptBuilder::build_for_choices(const Query& query,
                                         std::span<const Evidence> evidence) const {
  std::string text = passages_text(evidence);
  for (const Example* example : selector_.select(query)) {
    text += plain_question(example->question) + " " + example->answer + "\n\n";
  }
  return {text + plain_question(query.text)};
}

}  // namespace ondol::prompt

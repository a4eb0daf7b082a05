#include "prompt/styles.h"

#include <array>

#include "base/error.h"

namespace ondol::prompt {
namespace {

constexpr std::array<Style, 2> kStyles = {{
    {
        .name = "direct",
        .summary = "the question, answered at once in a few words",
        .system = "Answer the question in a few words. Give only the answer.",
        .system_grounded =
            "You are a helpful assistant. Use the context to answer the question briefly.",
        .user = "Question: {question}{choices}",
        // Of seven wordings tried on the sample's train split this one scored highest, and its
        // answers are the shortest (docs/results.md).
        .user_grounded =
            "Context:\n{passages}Using only the context above, answer briefly: {question}{choices}",
        .example_answer = "{answer}",
        .answer_marker = "",
        .prefill = "",
        .conclusion = "",
    },
    {
        // Kojima et al. 2022: "Let's think step by step", then "Therefore, the answer is".
        .name = "cot",
        .summary = "reasoning first, then the answer (chain of thought)",
        .system = "Think step by step, then give the answer in a few words after 'Answer:'.",
        .system_grounded = "Use the context and think step by step, then give the answer in a few "
                           "words after 'Answer:'.",
        .user = "Question: {question}{choices}",
        .user_grounded = "Context:\n{passages}Question: {question}{choices}",
        .example_answer = "Answer: {answer}",
        .answer_marker = "Answer:",
        .prefill = "Let's think step by step.",
        .conclusion = "\nTherefore, the answer is",
    },
}};

}  // namespace

std::span<const Style> styles() { return kStyles; }

const Style& find_style(std::string_view name) {
  std::string known;
  for (const Style& style : kStyles) {
    if (style.name == name) return style;
    known += (known.empty() ? "" : ", ") + std::string(style.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[prompt] style is '" + std::string(name) + "'; expected one of " + known);
}

}  // namespace ondol::prompt

// Prompt styles: how a question is put. A row of the table is a style; a recipe names it in
// `prompt.style`.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ondol::prompt {

struct Style {
  std::string_view name;
  std::string_view summary;          // one line for help
  std::string_view system;           // system text without passages
  std::string_view system_grounded;  // system text when the prompt brings passages
  std::string_view user;             // user message without passages: {question} {choices}
  std::string_view user_grounded;    // the same when the prompt brings passages
  std::string_view example_answer;   // an example's answer as the assistant gave it: {answer}
  std::string_view answer_marker;  // the answer stands after its last occurrence; empty: all of it
  std::string_view prefill;        // beginning of the assistant's turn
  std::string_view conclusion;     // two-stage: put after the reasoning to get the answer
};

std::span<const Style> styles();
// Throws Error(kInvalidArgument) naming the known styles.
const Style& find_style(std::string_view name);

}  // namespace ondol::prompt

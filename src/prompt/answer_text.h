// From what a model wrote to the answer it meant. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace ondol::prompt {

// The text after the last `marker` (all of it when the marker is empty or absent), its first
// non-empty line, without surrounding spaces, quotes and a leading "The answer is".
std::string extract_answer(std::string_view text, std::string_view marker);

// True for a text that says the answer is not known ("The documents do not say.", "I don't know",
// Korean forms).
bool says_unknown(std::string_view text);

// What two answers must share to count as the same vote: lower case, letters and digits only,
// single spaces.
std::string vote_key(std::string_view answer);

// The sentence given for a refused question.
inline constexpr std::string_view kRefusal = "The documents do not say.";

}  // namespace ondol::prompt

// Words that are no part of a name or a noun phrase, by closed lists. Internal to ground.
#pragma once

#include <string_view>

namespace ondol::ground {

// English: articles, pronouns, prepositions, conjunctions, auxiliaries, and the verbs and adverbs
// so common that they would join noun phrases ("opens every day"). `folded`: lower case.
bool is_english_function_word(std::string_view folded);
// Of these the ones that a capital at the edge of a name does not make part of it: articles,
// pronouns, prepositions, conjunctions. "New York" and "Great Britain" keep their first word.
bool is_english_edge_word(std::string_view folded);
// Months and days of the week, which name no one thing.
bool is_english_calendar_word(std::string_view folded);
// Korean: bound nouns, pronouns, adverbs that look like a noun with a particle (것, 때문, 우리).
bool is_korean_function_word(std::string_view word);

}  // namespace ondol::ground

// When two written names are the same name: the key of an entity in the property graph.
//
//   entity_key("The Anglican Communion's")  ->  "anglican communion"
//   entity_key("서울시청에서")                ->  "서울시청"
//
// NFKC and case folding; punctuation becomes blanks and blanks are squeezed; a leading English
// article, a closing 's and the particle of the last Korean word go. Empty for text without letters
// or digits. Pure function. Aliases, initialisms and spellings are entity resolution's
// (entity_resolution.h), which can be undone; this cannot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol::ground {

std::string entity_key(std::string_view surface);
// The same for a surface whose particle is off already: 고가도로 loses no second one.
std::string entity_key_of_stem(std::string_view surface);
// The words of a key: what is between its blanks.
std::vector<std::string_view> key_words(std::string_view key);

}  // namespace ondol::ground

// Korean particles: what closes a noun phrase and is not part of the name.
#pragma once

#include <string_view>
#include <vector>

namespace ondol::ground {

// The word without its particle: at least two syllables stay, so 아이 and 사과 are left alone.
// `word` is Hangul alone; any other is returned as it is.
std::string_view without_particle(std::string_view word);

// A Hangul word and what it is without each particle it may end in, the longest first: at least two
// syllables stay. Other words: themselves alone.
std::vector<std::string_view> particle_stems(std::string_view folded_word);

}  // namespace ondol::ground

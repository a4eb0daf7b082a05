// Korean particles: what closes a noun phrase and is not part of the name.
#pragma once

#include <string_view>

namespace ondol::ground {

// The word without its particle: at least two syllables stay, so 아이 and 사과 are left alone.
// `word` is Hangul alone; any other is returned as it is.
std::string_view without_particle(std::string_view word);

}  // namespace ondol::ground

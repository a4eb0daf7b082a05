// English suffix stripping for search: steps 1a, 1b and 1c of M. F. Porter, "An algorithm for
// suffix stripping", Program 14(3), 1980. Plurals, -ed and -ing go; derivations (-ation, -ness)
// stay apart, because merging them costs precision.
#pragma once

#include <string>

namespace ondol::ground {

// `word` is folded. Words with other than the letters a-z, and words of one or two letters, are
// returned as they are.
std::string stem_english(std::string word);

}  // namespace ondol::ground

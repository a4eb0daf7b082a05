// English plurals for search, after the S-stemmer of D. Harman, "How effective is suffixing?",
// JASIS 42(1), 1991. Measured on three sets (README of this room): Porter's -ed and -ing rules lose
// more on names than they gain.
#pragma once

#include <string>

namespace ondol::ground {

// `word` is folded. Words with other than the letters a-z, and words of up to three letters,
// are returned as they are.
std::string stem_english(std::string word);

}  // namespace ondol::ground

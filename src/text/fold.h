// Texts made comparable: what a person would call the same words becomes the same bytes.
//
//   nfkc_casefold("ＡＢＣ Straße")  ->  "abc strasse"
//
// ICU underneath: for search and metrics, never for token ids (architecture, contract 15). Bytes
// that are not UTF-8 become U+FFFD. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "text/utf8.h"  // append_utf8, the way back

namespace ondol::text {

// Unicode NFKC_Casefold without the removal of default ignorables: NFKC, full case folding, NFKC.
std::string nfkc_casefold(std::string_view utf8);

// General category P*.
bool is_punctuation(char32_t code_point);

// Code points of a UTF-8 text; each ill-formed byte sequence gives one U+FFFD.
std::u32string to_code_points(std::string_view utf8);

}  // namespace ondol::text

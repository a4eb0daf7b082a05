#include "text/fold.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "base/error.h"

namespace ondol::text {

std::string nfkc_casefold(std::string_view utf8) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())});
  icu::UnicodeString folded;
  if (U_SUCCESS(status)) {
    folded = nfkc->normalize(text, status);
    folded.foldCase();
    folded = nfkc->normalize(folded, status);
  }
  if (U_FAILURE(status)) {
    throw Error(ErrorCode::kInternal,
                std::string("[fold] ICU could not normalise a text: ") + u_errorName(status));
  }
  std::string out;
  folded.toUTF8String(out);
  return out;
}

bool is_punctuation(char32_t code_point) { return u_ispunct(static_cast<UChar32>(code_point)); }

std::u32string to_code_points(std::string_view utf8) {
  const icu::UnicodeString text =
      icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())});
  std::u32string out;
  out.reserve(static_cast<size_t>(text.length()));
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    out.push_back(static_cast<char32_t>(text.char32At(i)));
  }
  return out;
}

}  // namespace ondol::text

// Methods of strings that answer a question.
#include <algorithm>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

using Check = bool (*)(const std::string&);

template <Check check>
Value ask(Runtime&, const Value& self, const Args& args) {
  Params("the method", args, {});
  return Value(check(self.bytes()));
}

template <CharClass which>
bool all(const std::string& bytes) {
  return all_in_class(bytes, which);
}

bool upper(const std::string& bytes) { return is_cased(bytes, true); }
bool lower(const std::string& bytes) { return is_cased(bytes, false); }
bool titled(const std::string& bytes) { return is_title(bytes); }

bool ascii(const std::string& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) == 0; });
}

bool printable(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_at(bytes, at);
    if (!is_printable(point.code)) return false;
    at += point.length;
  }
  return true;
}

bool identifier(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_at(bytes, at);
    if (!is_word(point.code) || (at == 0 && in_class(point.code, CharClass::kNumeric))) {
      return false;
    }
    at += point.length;
  }
  return !bytes.empty();
}

}  // namespace

const std::vector<FilterRow>& text_checks() {
  static const std::vector<FilterRow> kRows = {
      {"isalpha", ask<all<CharClass::kAlpha>>},
      {"isdigit", ask<all<CharClass::kDigit>>},
      {"isdecimal", ask<all<CharClass::kDecimal>>},
      {"isnumeric", ask<all<CharClass::kNumeric>>},
      {"isalnum", ask<all<CharClass::kAlnum>>},
      {"isspace", ask<all<CharClass::kSpace>>},
      {"isupper", ask<upper>},
      {"islower", ask<lower>},
      {"istitle", ask<titled>},
      {"isascii", ask<ascii>},
      {"isprintable", ask<printable>},
      {"isidentifier", ask<identifier>},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

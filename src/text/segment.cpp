#include "text/segment.h"

#include <fmt/format.h>
#include <unicode/brkiter.h>
#include <unicode/filteredbrk.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <limits>

#include "base/error.h"

namespace ondol::text {
namespace {

void check_icu(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) {
    throw Error(ErrorCode::kInternal,
                fmt::format("[segment] {} failed; got ICU status {}, expected U_ZERO_ERROR; try "
                            "installing ICU's full data",
                            what, u_errorName(status)));
  }
}

void check_input(std::string_view utf8) {
  if (utf8.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[segment] text too long; got {} bytes, expected below 2^31; try "
                            "splitting it",
                            utf8.size()));
  }
  if (auto offset = invalid_utf8_offset(utf8)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[segment] text is not UTF-8; got byte 0x{:02x} at offset {}, expected "
                            "UTF-8; try converting it first",
                            static_cast<uint8_t>(utf8[*offset]), *offset));
  }
}

std::string normalize_with(const icu::Normalizer2& form, std::string_view utf8) {
  check_input(utf8);
  std::string out;
  out.reserve(utf8.size());
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode status = U_ZERO_ERROR;
  form.normalizeUTF8(0, icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())), sink,
                     nullptr, status);
  check_icu(status, "normalisation");
  return out;
}

bool is_blank(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

Span trim(std::string_view utf8, Span span) {
  size_t at = span.from;
  while (at < span.to) {
    size_t next = at;
    if (!is_blank(next_code_point(utf8, next))) break;
    at = next;
  }
  span.from = at;
  size_t end = at;  // past the last character that is no blank
  while (at < span.to) {
    if (!is_blank(next_code_point(utf8, at))) end = at;
  }
  span.to = end;
  return span;
}

// Latin letters and digits are one class ("mp3"), Han and kana another; marks join what they
// follow.
enum class WordClass : uint8_t { kNone, kLatin, kHangul, kIdeographic, kOther };

WordClass class_of(char32_t c) {
  switch (script_of(c)) {
    case Script::kLatin:
    case Script::kDigit:
      return WordClass::kLatin;
    case Script::kHangul:
      return WordClass::kHangul;
    case Script::kHan:
    case Script::kKana:
      return WordClass::kIdeographic;
    case Script::kOther:
      return WordClass::kOther;
    case Script::kCommon:
      break;
  }
  return WordClass::kNone;
}

bool is_mark(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0; }

// One word of UAX #29 to words of one class. A separator inside a word ("3.5", "don't") stays only
// between characters of the class it stands in.
void cut_by_class(std::string_view utf8, Span word, std::vector<Span>& out) {
  WordClass current = WordClass::kNone;
  Span part{word.from, word.from};
  size_t at = word.from;
  while (at < word.to) {
    const size_t begin = at;
    const char32_t c = next_code_point(utf8, at);
    const WordClass next = class_of(c);
    if (next == WordClass::kNone) {
      if (current != WordClass::kNone && part.to == begin && is_mark(c)) part.to = at;
      continue;
    }
    if (current != WordClass::kNone && next == current) {
      part.to = at;
      continue;
    }
    if (current != WordClass::kNone) out.push_back(part);
    current = next;
    part = {begin, at};
  }
  if (current != WordClass::kNone) out.push_back(part);
}

bool is_ideographic(std::string_view utf8, const Span& span) {
  size_t at = span.from;
  return class_of(next_code_point(utf8, at)) == WordClass::kIdeographic;
}

// ICU's dictionary cuts Han and kana into words; search wants the run, so neighbours join again.
std::vector<Span> join_ideographic(std::string_view utf8, const std::vector<Span>& words) {
  std::vector<Span> out;
  for (const Span& word : words) {
    const bool joins = !out.empty() && out.back().to == word.from && is_ideographic(utf8, word) &&
                       is_ideographic(utf8, out.back());
    if (joins) {
      out.back().to = word.to;
    } else {
      out.push_back(word);
    }
  }
  return out;
}

// CLDR's list of English abbreviations after which no sentence ends, and some that it lacks.
std::unique_ptr<icu::BreakIterator> make_sentence_rules() {
  constexpr const char16_t* kAbbreviations[] = {
      u"Dr.",  u"Jr.",  u"Sr.",  u"St.",  u"Fig.", u"fig.", u"vs.", u"e.g.",   u"i.e.",
      u"U.S.", u"U.K.", u"a.m.", u"p.m.", u"Inc.", u"Ltd.", u"Co.", u"approx."};
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> plain(
      icu::BreakIterator::createSentenceInstance(icu::Locale::getEnglish(), status));
  check_icu(status, "loading sentence rules");
  std::unique_ptr<icu::FilteredBreakIteratorBuilder> builder(
      icu::FilteredBreakIteratorBuilder::createInstance(icu::Locale::getEnglish(), status));
  check_icu(status, "loading abbreviations");
  for (const char16_t* word : kAbbreviations) {
    builder->suppressBreakAfter(icu::UnicodeString(word), status);
  }
  std::unique_ptr<icu::BreakIterator> filtered(builder->build(plain.release(), status));
  check_icu(status, "joining abbreviations");
  return filtered;
}

// Calls visit(span) for every piece between two boundaries.
template <class Visit>
void for_each_piece(const icu::BreakIterator& prototype, std::string_view utf8, Visit visit) {
  std::unique_ptr<icu::BreakIterator> breaks(prototype.clone());
  UErrorCode status = U_ZERO_ERROR;
  UText* view = utext_openUTF8(nullptr, utf8.data(), static_cast<int64_t>(utf8.size()), &status);
  check_icu(status, "opening a text");
  std::unique_ptr<UText, UText* (*)(UText*)> closer(view, &utext_close);
  breaks->setText(view, status);
  check_icu(status, "segmentation");
  int32_t from = breaks->first();
  for (int32_t to = breaks->next(); to != icu::BreakIterator::DONE; to = breaks->next()) {
    visit(Span{static_cast<size_t>(from), static_cast<size_t>(to)});
    from = to;
  }
}

}  // namespace

Script script_of(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  if (u_isdigit(c)) return Script::kDigit;
  if (c < 0x80) return u_isalpha(c) ? Script::kLatin : Script::kCommon;
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(c, &status)) {
    case USCRIPT_LATIN:
      return Script::kLatin;
    case USCRIPT_HANGUL:
      return Script::kHangul;
    case USCRIPT_HAN:
      return Script::kHan;
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return Script::kKana;
    default:
      break;
  }
  if (c == 0x30FC) return Script::kKana;  // the long vowel mark belongs to both kana
  return u_isalnum(c) ? Script::kOther : Script::kCommon;
}

std::string fold_for_search(std::string_view utf8) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFKCCasefoldInstance(status);
  check_icu(status, "loading NFKC_Casefold");
  return normalize_with(*form, utf8);
}

std::string normalize_nfc(std::string_view utf8) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(status);
  check_icu(status, "loading NFC");
  return normalize_with(*form, utf8);
}

struct Segmenter::State {
  std::unique_ptr<icu::BreakIterator> words;
  std::unique_ptr<icu::BreakIterator> sentences;
};

Segmenter::Segmenter() : state_(std::make_unique<State>()) {
  UErrorCode status = U_ZERO_ERROR;
  state_->words.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
  check_icu(status, "loading word rules");
  state_->sentences = make_sentence_rules();
}
Segmenter::~Segmenter() = default;
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;

std::vector<Span> Segmenter::words(std::string_view utf8) const {
  check_input(utf8);
  std::vector<Span> parts;
  for_each_piece(*state_->words, utf8, [&](Span piece) { cut_by_class(utf8, piece, parts); });
  return join_ideographic(utf8, parts);
}

std::vector<Span> Segmenter::sentences(std::string_view utf8) const {
  check_input(utf8);
  std::vector<Span> out;
  for_each_piece(*state_->sentences, utf8, [&](Span piece) {
    piece = trim(utf8, piece);
    if (piece.from < piece.to) out.push_back(piece);
  });
  return out;
}

std::optional<size_t> invalid_utf8_offset(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  int64_t at = 0;
  while (at < size) {
    if (data[at] < 0x80) {
      ++at;
      continue;
    }
    const int64_t begin = at;
    UChar32 c = 0;
    U8_NEXT(data, at, size, c);
    if (c < 0) return static_cast<size_t>(begin);
  }
  return std::nullopt;
}

std::string utf16_to_utf8(std::string_view bytes, bool big_endian) {
  const auto fail = [&](size_t offset, const char* got) {
    throw Error(
        ErrorCode::kCorruptData,
        fmt::format("[utf-16] text is broken at byte {}; got {}, expected whole characters; "
                    "try saving the file as UTF-8",
                    offset, got));
  };
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]);
    const auto second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? (first << 8 | second) : (second << 8 | first));
  };
  if (bytes.size() % 2 != 0) fail(bytes.size() - 1, "an odd last byte");
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (U16_IS_TRAIL(c)) fail(at, "a second half of a surrogate pair alone");
    if (U16_IS_LEAD(c)) {
      if (at + 4 > bytes.size() || !U16_IS_TRAIL(unit(at + 2))) {
        fail(at, "a first half of a surrogate pair alone");
      }
      c = static_cast<char32_t>(U16_GET_SUPPLEMENTARY(c, unit(at + 2)));
      at += 2;
    }
    append_code_point(out, c);
  }
  return out;
}

char32_t next_code_point(std::string_view utf8, size_t& at) {
  const auto* data = reinterpret_cast<const uint8_t*>(utf8.data());
  UChar32 c = 0;
  auto position = static_cast<int64_t>(at);
  U8_NEXT_OR_FFFD(data, position, static_cast<int64_t>(utf8.size()), c);
  at = static_cast<size_t>(position);
  return static_cast<char32_t>(c);
}

void append_code_point(std::string& utf8, char32_t code_point) {
  uint8_t buffer[U8_MAX_LENGTH];
  int32_t length = 0;
  UBool error = false;
  U8_APPEND(buffer, length, U8_MAX_LENGTH, static_cast<UChar32>(code_point), error);
  ONDOL_ASSERT(!error);
  utf8.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(length));
}

size_t count_code_points(std::string_view utf8) {
  size_t count = 0;
  for (const char byte : utf8) count += (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
  return count;
}

}  // namespace ondol::text

#include "text/unicode.h"

#include <algorithm>
#include <span>

#include "text/unicode_table.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

// Hangul syllables are composed by arithmetic (Unicode 16, section 3.12).
constexpr char32_t kHangulS = 0xAC00, kHangulL = 0x1100, kHangulV = 0x1161, kHangulT = 0x11A7;
constexpr char32_t kHangulLCount = 19, kHangulVCount = 21, kHangulTCount = 28;
constexpr char32_t kHangulSCount = kHangulLCount * kHangulVCount * kHangulTCount;
// Below this code point nothing decomposes, combines or is composed with what follows but ASCII
// letters, whose partners are all above it.
constexpr char32_t kFirstDecomposing = 0xC0;
constexpr char32_t kFirstCombining = 0x300;

// The row of a table sorted by `first` whose range holds `code`, or null.
template <class Row>
const Row* find_range(std::span<const Row> rows, char32_t code) {
  const auto after = std::upper_bound(rows.begin(), rows.end(), code,
                                      [](char32_t c, const Row& row) { return c < row.first; });
  if (after == rows.begin()) return nullptr;
  const Row* row = &*(after - 1);
  return code <= row->last ? row : nullptr;
}

const table::Decomposition* find_decomposition(std::span<const table::Decomposition> rows,
                                               char32_t code) {
  const auto row =
      std::lower_bound(rows.begin(), rows.end(), code,
                       [](const table::Decomposition& r, char32_t c) { return r.code < c; });
  return row == rows.end() || row->code != code ? nullptr : &*row;
}

void append_decomposed(std::u32string& out, char32_t code, bool compatibility) {
  if (compatibility) {
    const std::span rows(table::kCompatibility, table::kCompatibilitySize);
    if (const auto* row = find_decomposition(rows, code)) {
      out.append(table::kCompatibilityPool + row->offset, row->size);
      return;
    }
  }
  if (code < kFirstDecomposing) {
    out.push_back(code);
    return;
  }
  if (code >= kHangulS && code < kHangulS + kHangulSCount) {
    const char32_t index = code - kHangulS;
    out.push_back(kHangulL + index / (kHangulVCount * kHangulTCount));
    out.push_back(kHangulV + index / kHangulTCount % kHangulVCount);
    if (index % kHangulTCount != 0) out.push_back(kHangulT + index % kHangulTCount);
    return;
  }
  const std::span rows(table::kDecompositions, table::kDecompositionsSize);
  if (const auto* row = find_decomposition(rows, code)) {
    out.append(table::kDecompositionPool + row->offset, row->size);
  } else {
    out.push_back(code);
  }
}

// 0: the two do not compose.
char32_t composed(char32_t first, char32_t second) {
  if (first - kHangulL < kHangulLCount && second - kHangulV < kHangulVCount) {
    return kHangulS + ((first - kHangulL) * kHangulVCount + (second - kHangulV)) * kHangulTCount;
  }
  if (first - kHangulS < kHangulSCount && (first - kHangulS) % kHangulTCount == 0 &&
      second > kHangulT && second < kHangulT + kHangulTCount) {
    return first + (second - kHangulT);
  }
  const std::span rows(table::kCompositions, table::kCompositionsSize);
  const auto row = std::lower_bound(
      rows.begin(), rows.end(), std::pair(first, second),
      [](const table::Composition& r, const std::pair<char32_t, char32_t>& wanted) {
        return r.first != wanted.first ? r.first < wanted.first : r.second < wanted.second;
      });
  if (row == rows.end() || row->first != first || row->second != second) return 0;
  return row->composed;
}

// Sorts every run of combining marks by class, keeping the order of equals.
void order_marks(std::u32string& codes) {
  for (size_t at = 0; at < codes.size();) {
    if (codes[at] < kFirstCombining || combining_class(codes[at]) == 0) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < codes.size() && combining_class(codes[end]) != 0) ++end;
    std::stable_sort(
        codes.begin() + static_cast<ptrdiff_t>(at), codes.begin() + static_cast<ptrdiff_t>(end),
        [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

std::u32string decomposed(std::u32string_view codes, bool compatibility) {
  std::u32string out;
  out.reserve(codes.size());
  for (const char32_t code : codes) append_decomposed(out, code, compatibility);
  order_marks(out);
  return out;
}

// `parts`: decomposed, marks in order.
std::u32string recomposed(const std::u32string& parts) {
  std::u32string out;
  out.reserve(parts.size());
  size_t starter = std::u32string::npos;
  uint8_t last_class = 0;  // of the last code point written
  for (const char32_t code : parts) {
    const uint8_t cls = combining_class(code);
    if (starter != std::u32string::npos && (starter + 1 == out.size() || last_class < cls)) {
      if (const char32_t whole = composed(out[starter], code)) {
        out[starter] = whole;
        continue;
      }
    }
    if (cls == 0) starter = out.size();
    out.push_back(code);
    last_class = cls;
  }
  return out;
}

}  // namespace

const char* unicode_version() { return table::kUnicodeVersion; }

GeneralCategory general_category(char32_t code) {
  constexpr uint32_t kCategoryBits = 5;
  if (code > 0x10FFFF) return GeneralCategory::kCn;
  const std::span rows(table::kCategories, table::kCategoriesSize);
  const uint32_t key = static_cast<uint32_t>(code) << kCategoryBits | 31U;
  const auto after = std::upper_bound(rows.begin(), rows.end(), key);
  return static_cast<GeneralCategory>(*(after - 1) & 31U);
}

char32_t simple_lower(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  const auto* row = find_range(std::span(table::kLower, table::kLowerSize), code);
  if (row == nullptr || (code - row->first) % row->stride != 0) return code;
  return static_cast<char32_t>(static_cast<int32_t>(code) + row->delta);
}

uint8_t combining_class(char32_t code) {
  if (code < kFirstCombining) return 0;
  const auto* row =
      find_range(std::span(table::kCombiningClasses, table::kCombiningClassesSize), code);
  return row == nullptr ? uint8_t{0} : row->combining_class;
}

std::u32string nfd(std::u32string_view codes) { return decomposed(codes, false); }
std::u32string nfc(std::u32string_view codes) { return recomposed(decomposed(codes, false)); }
std::u32string nfkd(std::u32string_view codes) { return decomposed(codes, true); }
std::u32string nfkc(std::u32string_view codes) { return recomposed(decomposed(codes, true)); }

std::string nfc_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::u32string codes;
  bool changes = false;  // no code point below U+0300 changes or follows a partner
  const auto flush = [&] {
    out += to_utf8(changes ? nfc(codes) : codes);
    codes.clear();
    changes = false;
  };
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.code == kInvalidUtf8) {
      flush();
      out.push_back(text[at]);
    } else {
      codes.push_back(c.code);
      changes = changes || c.code >= kFirstCombining;
    }
    at += c.size;
  }
  flush();
  return out;
}

std::string normalize_utf8(std::string_view text,
                           std::u32string (*normal_form)(std::u32string_view)) {
  std::string out;
  std::u32string codes;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.code == kInvalidUtf8) {
      out += to_utf8(normal_form(codes));
      codes.clear();
      out.push_back(text[at]);
    } else {
      codes.push_back(c.code);
    }
    at += c.size;
  }
  return out + to_utf8(normal_form(codes));
}

}  // namespace ondol::text

#include "text/jinja_text.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <algorithm>

namespace ondol::text::jinja {

CodePoint decode_at(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > bytes.size()) return {};
  int32_t code = lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte(at + i) & 0x3F);
  }
  constexpr int32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, length};
}

std::string encode_utf8(int32_t code) {
  std::string out;
  const auto put = [&](int32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

std::vector<size_t> char_offsets(std::string_view bytes) {
  std::vector<size_t> offsets;
  offsets.reserve(bytes.size() + 1);
  for (size_t at = 0; at < bytes.size(); at += decode_at(bytes, at).length) offsets.push_back(at);
  offsets.push_back(bytes.size());
  return offsets;
}

size_t char_count(std::string_view bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes.size(); at += decode_at(bytes, at).length) ++count;
  return count;
}

bool is_space(int32_t code) {
  return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word(int32_t code) { return code == '_' || in_class(code, CharClass::kAlnum); }

bool is_printable(int32_t code) {
  if (code == ' ') return true;
  if (code < 0) return false;
  const uint32_t hidden = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CS_MASK | U_GC_CO_MASK | U_GC_CN_MASK |
                          U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_ZS_MASK;
  return (U_GET_GC_MASK(code) & hidden) == 0;
}

bool in_class(int32_t code, CharClass which) {
  if (code < 0) return false;
  const auto number_type = [&] { return u_getIntPropertyValue(code, UCHAR_NUMERIC_TYPE); };
  switch (which) {
    case CharClass::kAlpha:
      return (U_GET_GC_MASK(code) & U_GC_L_MASK) != 0;
    case CharClass::kDecimal:
      return number_type() == U_NT_DECIMAL;
    case CharClass::kDigit:
      return number_type() == U_NT_DECIMAL || number_type() == U_NT_DIGIT;
    case CharClass::kNumeric:
      return number_type() != U_NT_NONE;
    case CharClass::kAlnum:
      return (U_GET_GC_MASK(code) & U_GC_L_MASK) != 0 || number_type() != U_NT_NONE;
    case CharClass::kUpper:
      return u_hasBinaryProperty(code, UCHAR_UPPERCASE);
    case CharClass::kLower:
      return u_hasBinaryProperty(code, UCHAR_LOWERCASE);
    case CharClass::kSpace:
      return is_space(code);
  }
  return false;
}

bool all_in_class(std::string_view bytes, CharClass which) {
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_at(bytes, at);
    if (!in_class(point.code, which)) return false;
    at += point.length;
  }
  return !bytes.empty();
}

bool is_cased(std::string_view bytes, bool upper) {
  bool any = false;
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_at(bytes, at);
    at += point.length;
    if (in_class(point.code, upper ? CharClass::kLower : CharClass::kUpper)) return false;
    if (point.code >= 0 && u_istitle(point.code)) {
      if (!in_class(point.code, upper ? CharClass::kUpper : CharClass::kLower)) return false;
    }
    any = any || in_class(point.code, upper ? CharClass::kUpper : CharClass::kLower);
  }
  return any;
}

bool is_title(std::string_view bytes) {
  bool any = false, after_cased = false;
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_at(bytes, at);
    at += point.length;
    const bool upper =
        in_class(point.code, CharClass::kUpper) || (point.code >= 0 && u_istitle(point.code));
    const bool lower = in_class(point.code, CharClass::kLower);
    if ((upper && after_cased) || (lower && !after_cased)) return false;
    after_cased = upper || lower;
    any = any || after_cased;
  }
  return any;
}

namespace {

// Full case mapping of one character (a sharp s becomes SS), independent of language.
std::string map_char(std::string_view bytes, int32_t code, Case which) {
  if (code < 0) return std::string(bytes);
  if (code < 0x80) {
    const char c = static_cast<char>(code);
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    const bool raise =
        lower && (which == Case::kUpper || which == Case::kTitle || which == Case::kSwap);
    const bool sink =
        upper && (which == Case::kLower || which == Case::kFold || which == Case::kSwap);
    return std::string(1, static_cast<char>(raise ? c - 32 : sink ? c + 32 : c));
  }
  if (which == Case::kSwap) {
    which = in_class(code, CharClass::kUpper) ? Case::kLower : Case::kUpper;
  }
  UChar in[2], out[8];
  int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  U16_APPEND_UNSAFE(in, length, code);
  int32_t made = 0;
  if (which == Case::kUpper) made = u_strToUpper(out, 8, in, length, "", &error);
  if (which == Case::kLower) made = u_strToLower(out, 8, in, length, "", &error);
  if (which == Case::kTitle) made = u_strToTitle(out, 8, in, length, nullptr, "", &error);
  if (which == Case::kFold) made = u_strFoldCase(out, 8, in, length, U_FOLD_CASE_DEFAULT, &error);
  if (U_FAILURE(error)) return std::string(bytes);
  std::string mapped;
  for (int32_t i = 0; i < made;) {
    UChar32 one = 0;
    U16_NEXT(out, i, made, one);
    mapped += encode_utf8(one);
  }
  return mapped;
}

void append_mapped(Text& out, const Text& text, size_t at, const CodePoint& point, Case which) {
  out.append(map_char(std::string_view(text.bytes).substr(at, point.length), point.code, which),
             text.marks[at]);
}

}  // namespace

Text with_case(const Text& text, Case which) {
  Text out;
  out.markup = text.markup;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text.bytes, at);
    append_mapped(out, text, at, point, which);
    at += point.length;
  }
  return out;
}

Text escaped(const Text& text) {
  if (text.markup) return text;
  Text out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text.bytes[i];
    const std::string_view entity = c == '&'    ? "&amp;"
                                    : c == '<'  ? "&lt;"
                                    : c == '>'  ? "&gt;"
                                    : c == '\'' ? "&#39;"
                                    : c == '"'  ? "&#34;"
                                                : "";
    out.append(entity.empty() ? std::string_view(&c, 1) : entity, text.marks[i]);
  }
  out.markup = true;
  return out;
}

Text capitalized(const Text& text) {
  if (text.size() == 0) return {};
  const size_t first = decode_at(text.bytes, 0).length;
  Text out = with_case(text.sub(0, first), Case::kTitle);
  out.append(with_case(text.sub(first, text.size()), Case::kLower));
  return out;
}

Text title_words(const Text& text) {
  Text out;
  bool after_cased = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text.bytes, at);
    append_mapped(out, text, at, point, after_cased ? Case::kLower : Case::kTitle);
    after_cased = point.code >= 0 && u_hasBinaryProperty(point.code, UCHAR_CASED);
    at += point.length;
  }
  return out;
}

Text strip(const Text& text, Side side, std::optional<std::string_view> chars) {
  const std::vector<size_t> offsets = char_offsets(text.bytes);
  const std::string_view bytes = text.bytes;
  const auto goes = [&](size_t i) {
    const std::string_view one = bytes.substr(offsets[i], offsets[i + 1] - offsets[i]);
    if (!chars) return is_space(decode_at(one, 0).code);
    for (size_t at = 0; at < chars->size();) {
      const size_t length = decode_at(*chars, at).length;
      if (chars->substr(at, length) == one) return true;
      at += length;
    }
    return false;
  };
  size_t begin = 0, end = offsets.size() - 1;
  if (side != Side::kRight) {
    while (begin < end && goes(begin)) ++begin;
  }
  if (side != Side::kLeft) {
    while (end > begin && goes(end - 1)) --end;
  }
  return text.sub(offsets[begin], offsets[end]);
}

Text replace(const Text& text, const Text& from, const Text& to, int64_t count) {
  Text out;
  size_t at = 0;
  if (from.size() == 0) {  // Python puts `to` before every character and at the end
    for (; count != 0; --count) {
      out.append(to);
      if (at >= text.size()) return out;
      const size_t next = at + decode_at(text.bytes, at).length;
      out.append(text.sub(at, next));
      at = next;
    }
  }
  while (count != 0) {
    const size_t found = text.bytes.find(from.bytes, at);
    if (found == std::string::npos) break;
    out.append(text.sub(at, found));
    out.append(to);
    at = found + from.size();
    --count;
  }
  out.append(text.sub(at, text.size()));
  return out;
}

namespace {

std::vector<Text> split_spaces(const Text& text, int64_t maximum, bool from_right) {
  const std::vector<size_t> offsets = char_offsets(text.bytes);
  const size_t count = offsets.size() - 1;
  const auto space = [&](size_t i) { return is_space(decode_at(text.bytes, offsets[i]).code); };
  std::vector<Text> parts;
  if (from_right) {
    size_t end = count;
    while (true) {
      while (end > 0 && space(end - 1)) --end;
      if (end == 0) break;
      size_t begin = end;
      const bool last = maximum == 0;
      while (begin > 0 && (last || !space(begin - 1))) --begin;
      parts.push_back(text.sub(offsets[begin], offsets[end]));
      --maximum;
      end = begin;
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  size_t begin = 0;
  while (true) {
    while (begin < count && space(begin)) ++begin;
    if (begin == count) return parts;
    size_t end = begin;
    const bool last = maximum == 0;
    while (end < count && (last || !space(end))) ++end;
    parts.push_back(text.sub(offsets[begin], offsets[end]));
    --maximum;
    begin = end;
  }
}

}  // namespace

std::vector<Text> split(const Text& text, std::optional<std::string_view> separator,
                        int64_t maximum, bool from_right) {
  if (!separator) return split_spaces(text, maximum, from_right);
  if (separator->empty()) fail("split() got an empty separator");
  std::vector<Text> parts;
  if (from_right) {
    size_t end = text.size();
    while (maximum != 0 && end >= separator->size()) {
      const size_t found = text.bytes.rfind(*separator, end - separator->size());
      if (found == std::string::npos) break;
      parts.push_back(text.sub(found + separator->size(), end));
      end = found;
      --maximum;
    }
    parts.push_back(text.sub(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  size_t at = 0;
  while (maximum != 0) {
    const size_t found = text.bytes.find(*separator, at);
    if (found == std::string::npos) break;
    parts.push_back(text.sub(at, found));
    at = found + separator->size();
    --maximum;
  }
  parts.push_back(text.sub(at, text.size()));
  return parts;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text.bytes, at);
    const int32_t c = point.code;
    size_t next = at + point.length;
    const bool ends =
        (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (ends) {
      if (c == '\r' && next < text.size() && text.bytes[next] == '\n') ++next;
      lines.push_back(text.sub(begin, keep_ends ? next : at));
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) lines.push_back(text.sub(begin, text.size()));
  return lines;
}

Text repeat(const Text& text, int64_t times) {
  Text out;
  for (int64_t i = 0; i < times && text.size() > 0; ++i) out.append(text);
  return out;
}

Text pad(const Text& text, int64_t width, const Text& fill, Side where) {
  const int64_t length = static_cast<int64_t>(char_count(text.bytes));
  if (width <= length) return text;
  if (char_count(fill.bytes) != 1) fail("the fill character must be exactly one character long");
  const int64_t room = width - length;
  // Where both sides cannot be equal, str.center gives the odd place to the left of an odd width.
  const int64_t left = where == Side::kBoth   ? room / 2 + (room & width & 1)
                       : where == Side::kLeft ? room
                                              : 0;
  Text out = repeat(fill, left);
  out.append(text);
  out.append(repeat(fill, room - left));
  return out;
}

Text slice_chars(const Text& text, int64_t begin, int64_t end) {
  const std::vector<size_t> offsets = char_offsets(text.bytes);
  const int64_t count = static_cast<int64_t>(offsets.size()) - 1;
  const auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + count : at, 0, count);
  };
  begin = clamp(begin);
  end = std::max(begin, clamp(end));
  return text.sub(offsets[static_cast<size_t>(begin)], offsets[static_cast<size_t>(end)]);
}

std::vector<size_t> slice_indices(size_t size, std::optional<int64_t> begin,
                                  std::optional<int64_t> end, std::optional<int64_t> step) {
  const int64_t count = static_cast<int64_t>(size);
  const int64_t by = step.value_or(1);
  if (by == 0) fail("slice step cannot be zero");
  const int64_t low = by < 0 ? -1 : 0, high = by < 0 ? count - 1 : count;
  const auto place = [&](std::optional<int64_t> at, int64_t otherwise) {
    if (!at) return otherwise;
    return std::clamp(*at < 0 ? (*at < -count ? low : *at + count) : *at, low, high);
  };
  const int64_t from = place(begin, by < 0 ? high : low), to = place(end, by < 0 ? low : high);
  std::vector<size_t> indices;
  for (int64_t at = from; by > 0 ? at < to : at > to;) {
    indices.push_back(static_cast<size_t>(at));
    const int64_t left = by > 0 ? to - at : at - to;
    const uint64_t width = by > 0 ? static_cast<uint64_t>(by) : 0 - static_cast<uint64_t>(by);
    if (width >= static_cast<uint64_t>(left)) break;
    at += by;
  }
  return indices;
}

}  // namespace ondol::text::jinja

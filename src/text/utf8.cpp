#include "text/utf8.h"

#include "text/tokenizer.h"  // complete_utf8_prefix

namespace ondol::text {
namespace {

struct LeadByte {
  uint32_t size = 0;  // 0: cannot begin a character
  uint32_t second_min = 0x80;
  uint32_t second_max = 0xBF;
};

LeadByte lead_byte(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

// How many of the bytes from `at` are the beginning of one well-formed character.
size_t well_formed_bytes(std::string_view text, size_t at, const LeadByte& lead) {
  size_t count = 1;
  for (; count < lead.size && at + count < text.size(); ++count) {
    const auto byte = static_cast<unsigned char>(text[at + count]);
    const uint32_t low = count == 1 ? lead.second_min : 0x80;
    const uint32_t high = count == 1 ? lead.second_max : 0xBF;
    if (byte < low || byte > high) break;
  }
  return count;
}

}  // namespace

namespace internal {

Utf8Char read_utf8_multibyte(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const LeadByte lead = lead_byte(first);
  if (lead.size == 0 || well_formed_bytes(text, at, lead) < lead.size) return {kInvalidUtf8, 1};
  if (lead.size == 1) return {first, 1};
  char32_t code = first & (0x7FU >> lead.size);
  for (uint32_t i = 1; i < lead.size; ++i) {
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return {code, lead.size};
}

}  // namespace internal

void append_utf8(std::string& out, char32_t code) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80U | ((code >> shift) & 0x3FU)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0U | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | code >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string to_utf8(std::u32string_view codes) {
  std::string out;
  for (const char32_t code : codes) append_utf8(out, code);
  return out;
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.code == kInvalidUtf8) return false;
    at += c.size;
  }
  return true;
}

size_t complete_utf8_prefix(std::string_view bytes) {
  // Only the last three bytes can begin a character that is still to be finished.
  const size_t back_max = bytes.size() < 3 ? bytes.size() : 3;
  for (size_t back = 1; back <= back_max; ++back) {
    const size_t at = bytes.size() - back;
    const LeadByte lead = lead_byte(static_cast<unsigned char>(bytes[at]));
    if (lead.size <= back) continue;
    if (well_formed_bytes(bytes, at, lead) == back) return at;
  }
  return bytes.size();
}

}  // namespace ondol::text

#include "ground/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "ground/readers/readers.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

constexpr std::string_view kTextEndings[] = {".txt", ".text"};
constexpr std::string_view kMarkdownEndings[] = {".md", ".markdown"};
constexpr std::string_view kHtmlEndings[] = {".html", ".htm", ".xhtml"};
constexpr std::string_view kCsvEndings[] = {".csv"};
constexpr std::string_view kJsonlEndings[] = {".jsonl", ".ndjson"};

// The table of readers. A new format is one file in readers/ and one row here.
constexpr Reader kReaders[] = {
    {"text", kTextEndings, &read_text},    {"markdown", kMarkdownEndings, &read_markdown},
    {"html", kHtmlEndings, &read_html},    {"csv", kCsvEndings, &read_csv},
    {"jsonl", kJsonlEndings, &read_jsonl},
};

// UTF-16 without a mark is told by its zero bytes: in text with ASCII in it, every second byte of
// the first few is zero.
enum class Encoding { kUtf8, kUtf16Little, kUtf16Big };

Encoding detect_encoding(std::string_view bytes, size_t& mark_bytes) {
  mark_bytes = 0;
  if (bytes.starts_with("\xEF\xBB\xBF")) return mark_bytes = 3, Encoding::kUtf8;
  if (bytes.starts_with("\xFF\xFE")) return mark_bytes = 2, Encoding::kUtf16Little;
  if (bytes.starts_with("\xFE\xFF")) return mark_bytes = 2, Encoding::kUtf16Big;
  const std::string_view head = bytes.substr(0, 256);
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == 0;
  const size_t pairs = head.size() / 2;
  if (bytes.size() % 2 == 0 && pairs > 0) {
    if (zeros[1] * 2 > pairs && zeros[0] == 0) return Encoding::kUtf16Little;
    if (zeros[0] * 2 > pairs && zeros[1] == 0) return Encoding::kUtf16Big;
  }
  return Encoding::kUtf8;
}

[[noreturn]] void fail_byte(std::string_view uri, uint8_t byte, size_t offset) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[read] '{}' is not text; got byte 0x{:02x} at offset {}, expected UTF-8 "
                          "or UTF-16; try saving it as UTF-8",
                          uri, byte, offset));
}

std::string to_utf8(std::string_view uri, std::string_view bytes) {
  size_t mark = 0;
  const Encoding encoding = detect_encoding(bytes, mark);
  std::string utf8;
  if (encoding == Encoding::kUtf8) {
    if (const auto offset = text::invalid_utf8_offset(bytes)) {
      fail_byte(uri, static_cast<uint8_t>(bytes[*offset]), *offset);
    }
    utf8 = bytes.substr(mark);
    if (const size_t zero = utf8.find('\0'); zero != std::string::npos) {
      fail_byte(uri, 0, zero + mark);
    }
  } else {
    try {
      utf8 = text::utf16_to_utf8(bytes.substr(mark), encoding == Encoding::kUtf16Big);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("[read] '{}': {}", uri, error.what()));
    }
    if (utf8.find('\0') != std::string::npos) fail_byte(uri, 0, mark + 2 * utf8.find('\0'));
  }
  return utf8;
}

// One kind of line end, so that line numbers and offsets do not depend on the system it came from.
std::string unify_line_ends(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

std::span<const Reader> readers() { return kReaders; }

const Reader* find_reader(std::string_view file_name) {
  const std::string ending =
      lower_ascii(std::filesystem::path(std::string(file_name)).extension().string());
  for (const Reader& reader : kReaders) {
    if (std::find(reader.endings.begin(), reader.endings.end(), ending) != reader.endings.end()) {
      return &reader;
    }
  }
  return nullptr;
}

Document read_document(std::string_view uri, std::string_view bytes, const ReadLimits& limits) {
  const Reader* reader = find_reader(uri);
  if (reader == nullptr) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("[read] nothing reads '{}'; expected one of .txt .md .html .csv .jsonl; "
                    "try converting it",
                    uri));
  }
  if (bytes.size() > limits.bytes_max) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[read] '{}' is too large; got {} bytes, expected at most {}; try "
                            "splitting it",
                            uri, bytes.size(), limits.bytes_max));
  }
  Document document;
  document.uri = uri;
  reader->read(unify_line_ends(to_utf8(uri, bytes)), limits, document);
  if (document.title.empty()) {
    document.title = std::filesystem::path(std::string(uri)).stem().string();
  }
  document.language = guess_language(document.text);
  return document;
}

}  // namespace ondol::ground

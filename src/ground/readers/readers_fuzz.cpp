// Any bytes as a file, whose first byte picks the reader: an Error, or a document whose chunks
// are exactly the ranges of its text that they name.
// Links: base/error.cpp text/segment.cpp
// Links: ground/readers ground/document.cpp ground/chunker.cpp ground/language.cpp
// Covers: builder.cpp csv_reader.cpp html_reader.cpp jsonl_reader.cpp
// Covers: markdown_reader.cpp text_reader.cpp ../document.cpp ../chunker.cpp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "ground/chunker.h"
#include "ground/document.h"
#include "text/segment.h"

namespace {

using namespace ondol::ground;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_chunks(const Document& document, const TokenCounter& count) {
  ChunkOptions options{.words_target = 8, .tokens_target = 16, .tokens_max = 24, .words_max = 12};
  options.sentence_overlap = document.text.size() % 2;
  for (const TextChunk& chunk : chunk_document(document, options, count)) {
    check(0 <= chunk.char_from && chunk.char_from < chunk.char_to);
    size_t byte = 0;
    for (int64_t i = 0; i < chunk.char_from; ++i) {
      ondol::text::next_code_point(document.text, byte);
    }
    check(std::string_view(document.text).substr(byte).starts_with(chunk.text));
    check(ondol::text::count_code_points(chunk.text) ==
          static_cast<size_t>(chunk.char_to - chunk.char_from));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kNames[] = {"d.md", "e.html", "f.csv", "g.jsonl", "h.txt"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReadLimits limits;
  limits.sections_max = 50;
  limits.nesting_max = 20;
  limits.bytes_max = 1 << 16;
  try {
    const Document document = read_document(kNames[data[0] % 5], bytes, limits);
    check_chunks(document, {});
    check_chunks(document,
                 [](const std::string& text) { return static_cast<int64_t>(text.size()); });
  } catch (const ondol::Error& error) {
    check(error.code() != ondol::ErrorCode::kInternal);
  }
  return 0;
}

// Fuzz target of the readers and the chunker: the first byte picks the reader, the rest is the
// file.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "ground/chunker.h"
#include "ground/document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kNames[] = {"a.md", "a.html", "a.csv", "a.jsonl", "a.txt"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const auto document = ondol::ground::read_document(kNames[data[0] % 5], bytes);
    ondol::ground::chunk_document(document, {.words_target = 8}, {});
  } catch (const ondol::Error& error) {
    if (error.code() == ondol::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}

// Any bytes as a file of word vectors: refused, or vectors that come back from both formats.
// Links: base text
// Links: train/word2vec_file.cpp
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "train/word2vec_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::train;
  if (size == 0) return 0;
  constexpr WordVectorFormat kFormats[] = {WordVectorFormat::kText, WordVectorFormat::kBinary};
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  WordVectors read;
  try {
    read = parse_word_vectors(bytes, kFormats[data[0] % 2], "fuzz");
  } catch (const ondol::Error&) {  // refused, as it should be
    return 0;
  }
  for (const WordVectorFormat format : kFormats) {
    const WordVectors again = parse_word_vectors(word_vector_bytes(read, format), format, "again");
    if (again.words() != read.words() || again.values() != read.values()) std::abort();
    if (again.find(read.words().back()) != read.size() - 1) std::abort();
  }
  return 0;
}

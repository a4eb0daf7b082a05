// Documents to chunks: whole sentences and whole rows, never across a heading.
//
//   std::vector<TextChunk> chunks = chunk_document(document, {}, embedder ? &count : nullptr);
//
// A chunk's text is exactly document.text[char_from, char_to). What is indexed and embedded is
// indexed_text(): "title > heading path", a line break, the text. Only a sentence or row longer
// than the hard limit is cut, at word boundaries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ground/document.h"

namespace ondol::ground {

struct ChunkOptions {
  int64_t words_target = 180;    // a chunk is closed before it would have more
  int64_t tokens_target = 256;   // the same in tokens of the embedder, if there is one
  int64_t tokens_max = 254;      // hard limit with title and heading: the embedder's window
  int64_t words_max = 400;       // hard limit where there is no embedder
  int64_t sentence_overlap = 0;  // whole sentences repeated from the chunk before
};

struct TextChunk {
  int64_t ordinal = 0;
  std::string heading;  // the path joined with " > "
  std::string text;
  int64_t char_from = 0;
  int64_t char_to = 0;
  int32_t line = 0;
};

// Tokens of a text, without special ones. Empty function: words are counted instead.
using TokenCounter = std::function<int64_t(const std::string&)>;

std::vector<TextChunk> chunk_document(const Document& document, const ChunkOptions& options,
                                      const TokenCounter& count_tokens);
std::string indexed_text(const std::string& title, const std::string& heading,
                         const std::string& text);

}  // namespace ondol::ground

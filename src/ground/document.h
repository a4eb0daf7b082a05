// A file as text: what every reader gives and every chunker takes.
//
//   Document d = read_document("guide.md", bytes);
//   d.text.substr(...)   // plain text; sections and blocks are code point ranges of it
//
// Readers: .txt .md .html .csv .jsonl, UTF-8 or UTF-16 (by byte order mark, or by where the zero
// bytes stand). Errors: kCorruptData naming the offset of a byte that is no text, kUnsupported for
// an ending nobody reads, kResourceExhausted above a limit. Functions are pure and thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {
class Embedder;
}

namespace ondol::ground {

enum class BlockKind : uint8_t {
  kProse,  // cut at sentences
  kRows,   // one record ("column: value; column: value"), kept whole; neighbours are a table
};

struct Block {
  BlockKind kind = BlockKind::kProse;
  int64_t char_from = 0;  // code points of Document::text
  int64_t char_to = 0;
  int32_t line = 0;  // 1-based line of the file where it begins; 0: unknown
};

// Consecutive blocks under one heading. Chunks never cross sections.
struct Section {
  std::vector<std::string> heading_path;  // outermost first; empty before the first heading
  std::vector<Block> blocks;
};

struct Document {
  std::string uri;
  std::string title;     // of the document itself, or its file name
  std::string language;  // ISO 639-1 guess: "en", "ko", "ja", "zh", "de", ...
  std::string text;      // UTF-8, NFC
  std::vector<Section> sections;
  std::map<std::string, std::string> tags;  // metadata the file itself states (front matter)
};

struct ReadLimits {
  size_t bytes_max = size_t{64} << 20;  // of a file
  size_t sections_max = 200000;         // of a document
  size_t nesting_max = 200;             // of HTML and Markdown elements
};

// One row of the table of readers.
struct Reader {
  std::string_view name;
  std::span<const std::string_view> endings;  // ".md", lower case
  void (*read)(std::string_view utf8, const ReadLimits& limits, Document& document);
};
std::span<const Reader> readers();
// nullptr: nobody reads files of this name.
const Reader* find_reader(std::string_view file_name);

// `uri` is the path below the documents folder; its ending chooses the reader.
Document read_document(std::string_view uri, std::string_view bytes, const ReadLimits& limits = {});

// The language of a text by its writing system and, for Latin letters, its function words.
std::string guess_language(std::string_view utf8);
// False for a text in letters that the embedder's languages do not use: it would be compared by
// noise.
bool embedder_reads(const Embedder& embedder, std::string_view text);

}  // namespace ondol::ground

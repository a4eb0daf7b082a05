#include "ground/chunker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// A sentence, a row, or a piece of one that is longer than a chunk may be.
struct Unit {
  size_t byte_from = 0;
  size_t byte_to = 0;
  int64_t char_from = 0;
  int64_t char_to = 0;
  int32_t line = 0;
  int64_t words = 0;
  int64_t tokens = 0;
  bool row = false;  // belongs to the table of its neighbours
};

struct Limits {
  int64_t words_target;
  int64_t tokens_target;
  int64_t words_max;
  int64_t tokens_max;
};

// Byte offsets of code point offsets, walking forwards only.
class OffsetWalker {
 public:
  explicit OffsetWalker(const std::string& text) : text_(text) {}
  size_t byte_of(int64_t char_offset) {
    ONDOL_ASSERT(char_offset >= chars_);
    while (chars_ < char_offset && byte_ < text_.size()) {
      text::next_code_point(text_, byte_);
      ++chars_;
    }
    return byte_;
  }

 private:
  const std::string& text_;
  size_t byte_ = 0;
  int64_t chars_ = 0;
};

class SectionChunker {
 public:
  SectionChunker(const Document& document, const ChunkOptions& options, const TokenCounter& count)
      : document_(document), options_(options), count_(count), offsets_(document.text) {}

  std::vector<TextChunk> run() {
    for (const Section& section : document_.sections) {
      heading_ = fmt::format("{}", fmt::join(section.heading_path, " > "));
      set_limits();
      std::vector<Unit> units;
      for (const Block& block : section.blocks) add_block(block, units);
      pack(units);
    }
    return std::move(chunks_);
  }

 private:
  int64_t tokens_of(std::string_view text) const { return count_ ? count_(std::string(text)) : 0; }

  // What the title and the headings take is not there for the text.
  void set_limits() {
    limits_ = {options_.words_target, options_.tokens_target, options_.words_max,
               options_.tokens_max};
    if (!count_) return;
    const int64_t prefix = tokens_of(indexed_text(document_.title, heading_, ""));
    // A heading longer than half the window is the text's own fault: embedding then says so.
    limits_.tokens_max = std::max(options_.tokens_max - prefix, options_.tokens_max / 2);
    limits_.tokens_target = std::min(options_.tokens_target, limits_.tokens_max);
    limits_.words_max = options_.tokens_max;  // a word is at least a token
  }

  Unit make_unit(size_t byte_from, size_t byte_to, int64_t char_from, const Block& block) const {
    const std::string_view text =
        std::string_view(document_.text).substr(byte_from, byte_to - byte_from);
    Unit unit{byte_from, byte_to, char_from,
              char_from + static_cast<int64_t>(text::count_code_points(text)), block.line};
    unit.words = static_cast<int64_t>(segmenter_.words(text).size());
    unit.tokens = tokens_of(text);
    unit.row = block.kind == BlockKind::kRows;
    return unit;
  }

  bool too_long(const Unit& unit) const {
    return unit.words > limits_.words_max || (count_ && unit.tokens > limits_.tokens_max);
  }

  void add_block(const Block& block, std::vector<Unit>& units) {
    const size_t begin = offsets_.byte_of(block.char_from);
    const size_t end = offsets_.byte_of(block.char_to);
    if (block.kind == BlockKind::kRows) {
      add_unit(make_unit(begin, end, block.char_from, block), block, units);
      return;
    }
    const std::string_view text = std::string_view(document_.text).substr(begin, end - begin);
    int64_t chars = block.char_from;
    size_t at = 0;
    for (const text::Span& sentence : segmenter_.sentences(text)) {
      chars += static_cast<int64_t>(text::count_code_points(text.substr(at, sentence.from - at)));
      const Unit unit = make_unit(begin + sentence.from, begin + sentence.to, chars, block);
      add_unit(unit, block, units);
      chars = unit.char_to;
      at = sentence.to;
    }
  }

  // Halves what is too long, at a word boundary if there is one.
  void add_unit(const Unit& unit, const Block& block, std::vector<Unit>& units) {
    const std::string_view text =
        std::string_view(document_.text).substr(unit.byte_from, unit.byte_to - unit.byte_from);
    if (!too_long(unit) || unit.char_to - unit.char_from < 2) {
      units.push_back(unit);
      return;
    }
    const std::vector<text::Span> words = segmenter_.words(text);
    size_t cut = words.size() > 1 ? words[words.size() / 2].from : text.size() / 2;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    if (cut == 0) {  // the first character is longer than half of the piece
      text::next_code_point(text, cut);
    }
    size_t left_end = cut;
    while (left_end > 1 && (text[left_end - 1] == ' ' || text[left_end - 1] == '\n')) --left_end;
    const Unit left = make_unit(unit.byte_from, unit.byte_from + left_end, unit.char_from, block);
    const int64_t right_char =
        unit.char_from + static_cast<int64_t>(text::count_code_points(text.substr(0, cut)));
    const Unit right = make_unit(unit.byte_from + cut, unit.byte_to, right_char, block);
    add_unit(left, block, units);
    add_unit(right, block, units);
  }

  // One past the last unit of the table that begins at `first`; first + 1 where there is none.
  static size_t table_end(const std::vector<Unit>& units, size_t first) {
    size_t end = first + 1;
    while (units[first].row && end < units.size() && units[end].row) ++end;
    return end;
  }

  struct Size {
    int64_t words = 0;
    int64_t tokens = 0;
  };
  static Size size_of(const std::vector<Unit>& units, size_t from, size_t to) {
    Size size;
    for (size_t i = from; i < to; ++i) {
      size.words += units[i].words;
      size.tokens += units[i].tokens;
    }
    return size;
  }
  bool fits(Size size) const {
    return size.words <= limits_.words_target && size.tokens <= limits_.tokens_target;
  }

  // Greedy: a chunk takes units while they fit. Changed text then changes only the chunks of its
  // section from there on.
  void pack(const std::vector<Unit>& units) {
    size_t from = 0;
    while (from < units.size()) {
      size_t to = from + 1;
      while (to < units.size() && fits(size_of(units, from, to + 1))) {
        // A table that fits a chunk of its own is not begun at the end of another.
        const bool table_begins = units[to].row && !units[to - 1].row;
        const size_t end = table_begins ? table_end(units, to) : to;
        if (table_begins && !fits(size_of(units, from, end)) && fits(size_of(units, to, end))) {
          break;
        }
        ++to;
      }
      emit(units, from, to);
      if (to >= units.size()) break;
      from = overlapped(units, from, to);
    }
  }

  // Where the next chunk begins: up to sentence_overlap prose units earlier, if what follows them
  // still fits.
  size_t overlapped(const std::vector<Unit>& units, size_t from, size_t to) const {
    size_t begin = to;
    for (int64_t i = 0; i < options_.sentence_overlap; ++i) {
      if (begin <= from + 1 || units[begin - 1].row) break;
      if (!fits(size_of(units, begin - 1, to + 1))) break;
      --begin;
    }
    return begin;
  }

  void emit(const std::vector<Unit>& units, size_t from, size_t to) {
    const Unit& first = units[from];
    const Unit& last = units[to - 1];
    TextChunk chunk;
    chunk.ordinal = static_cast<int64_t>(chunks_.size());
    chunk.heading = heading_;
    chunk.text = document_.text.substr(first.byte_from, last.byte_to - first.byte_from);
    chunk.char_from = first.char_from;
    chunk.char_to = last.char_to;
    chunk.line = first.line;
    chunks_.push_back(std::move(chunk));
  }

  const Document& document_;
  const ChunkOptions& options_;
  const TokenCounter& count_;
  OffsetWalker offsets_;
  text::Segmenter segmenter_;
  std::string heading_;
  Limits limits_{};
  std::vector<TextChunk> chunks_;
};

}  // namespace

std::vector<TextChunk> chunk_document(const Document& document, const ChunkOptions& options,
                                      const TokenCounter& count_tokens) {
  if (options.words_target < 1 || options.tokens_target < 1 || options.tokens_max < 2 ||
      options.words_max < 1 || options.sentence_overlap < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "[chunks] a chunk size is out of range; got a value below 1, expected positive "
                "sizes; try the defaults");
  }
  return SectionChunker(document, options, count_tokens).run();
}

std::string indexed_text(const std::string& title, const std::string& heading,
                         const std::string& text) {
  std::string prefix = title;
  // A document's first heading is often its title: not said twice.
  std::string_view path = heading;
  if (!title.empty() && path.starts_with(title) &&
      (path.size() == title.size() || path.substr(title.size()).starts_with(" > "))) {
    path.remove_prefix(std::min(path.size(), title.size() + 3));
  }
  if (!path.empty()) prefix += (prefix.empty() ? "" : " > ") + std::string(path);
  if (prefix.empty()) return text;
  return text.empty() ? prefix : prefix + "\n" + text;
}

}  // namespace ondol::ground

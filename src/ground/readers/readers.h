// The reading functions of the table in document.cpp, and what they share. Each gets valid UTF-8
// with "\n" line ends and fills title, text, sections and tags of the document.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ground/document.h"

namespace ondol::ground {

void read_text(std::string_view utf8, const ReadLimits& limits, Document& document);
void read_markdown(std::string_view utf8, const ReadLimits& limits, Document& document);
void read_html(std::string_view utf8, const ReadLimits& limits, Document& document);
void read_csv(std::string_view utf8, const ReadLimits& limits, Document& document);
void read_jsonl(std::string_view utf8, const ReadLimits& limits, Document& document);

// Puts a document together: keeps the text, its length in code points and the open headings, so
// that readers name no offsets.
//
//   DocumentBuilder builder(document, limits);
//   builder.heading(1, "Opening hours");
//   builder.block(BlockKind::kProse, "We open at nine.", line);
class DocumentBuilder {
 public:
  DocumentBuilder(Document& document, const ReadLimits& limits)
      : document_(document), limits_(limits) {}

  // Level 1 is outermost; a heading closes all of its own level and below.
  void heading(int level, std::string_view title);
  // A section with exactly this path.
  void path(std::vector<std::string> heading_path);
  // Blank-trimmed and in NFC; nothing is added for a blank one. Blocks are parted by an empty line,
  // the rows of a table by a line break.
  void block(BlockKind kind, std::string_view text, int32_t line);

 private:
  void open_section();

  Document& document_;
  const ReadLimits& limits_;
  std::vector<std::pair<int, std::string>> open_;
  std::vector<std::string> path_;
  bool section_open_ = false;
  int64_t chars_ = 0;
};

// "column: value; column: value" of one record; empty values are left out. Records that are wider
// than the header name the columns "column 4".
std::string record_line(const std::vector<std::string>& columns,
                        const std::vector<std::string>& values);
// The visible text of a piece of HTML, blocks parted by line breaks.
std::string html_to_plain(std::string_view html, const ReadLimits& limits);
// Runs of blanks, line breaks included, become one space; the ends are trimmed.
std::string squeeze(std::string_view text);

}  // namespace ondol::ground

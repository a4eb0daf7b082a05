// Plain text: paragraphs parted by empty lines. Lines of a paragraph are joined by a space, because
// a line break inside a sentence is only where the editor wrapped; lines that begin like a list
// item or are indented keep their break.
#include <algorithm>

#include "ground/readers/readers.h"

namespace ondol::ground {
namespace {

bool keeps_its_break(std::string_view row) {
  if (row[0] == ' ' || row[0] == '\t') return true;
  if (row.starts_with("- ") || row.starts_with("* ") || row.starts_with("• ")) return true;
  const size_t digits = row.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && digits + 1 < row.size() &&
         (row[digits] == '.' || row[digits] == ')') && row[digits + 1] == ' ';
}

}  // namespace

void read_text(std::string_view utf8, const ReadLimits& limits, Document& document) {
  DocumentBuilder builder(document, limits);
  std::string paragraph;
  int32_t line = 0;
  int32_t first_line = 1;
  const auto close = [&] {
    builder.block(BlockKind::kProse, paragraph, first_line);
    paragraph.clear();
  };
  for (size_t at = 0; at <= utf8.size();) {
    const size_t end = std::min(utf8.find('\n', at), utf8.size());
    const std::string_view row = utf8.substr(at, end - at);
    ++line;
    if (row.find_first_not_of(" \t\f\v") == std::string_view::npos) {
      close();
    } else {
      if (paragraph.empty()) {
        first_line = line;
      } else {
        paragraph += keeps_its_break(row) ? '\n' : ' ';
      }
      paragraph += row;
    }
    at = end + 1;
  }
  close();
}

}  // namespace ondol::ground

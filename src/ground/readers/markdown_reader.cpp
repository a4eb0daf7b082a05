// Markdown (GitHub's dialect, by cmark-gfm): headings make the path, tables become records, every
// paragraph and list item is prose. A front matter of plain `key: value` lines gives title and
// tags.
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "ground/readers/readers.h"

namespace ondol::ground {
namespace {

std::string_view literal(cmark_node* node) {
  const char* text = cmark_node_get_literal(node);
  return text ? text : "";
}

std::string inline_text(cmark_node* parent, const ReadLimits& limits, size_t depth) {
  std::string out;
  if (depth > limits.nesting_max) return out;
  for (cmark_node* node = cmark_node_first_child(parent); node; node = cmark_node_next(node)) {
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_TEXT:
      case CMARK_NODE_CODE:
        out += literal(node);
        break;
      case CMARK_NODE_SOFTBREAK:
        out += ' ';
        break;
      case CMARK_NODE_LINEBREAK:
        out += '\n';
        break;
      case CMARK_NODE_HTML_INLINE:
        break;  // a tag; what stands between tags comes as text
      default:
        out += inline_text(node, limits, depth + 1);
    }
  }
  return out;
}

class MarkdownReader {
 public:
  MarkdownReader(const ReadLimits& limits, Document& document, int32_t lines_before)
      : limits_(limits),
        document_(document),
        builder_(document, limits),
        lines_before_(lines_before) {}

  void blocks(cmark_node* parent, size_t depth) {
    if (depth > limits_.nesting_max) {
      throw Error(ErrorCode::kResourceExhausted,
                  fmt::format("[read] '{}' is nested too deeply; got more than {} levels, expected "
                              "fewer; try flattening it",
                              document_.uri, limits_.nesting_max));
    }
    for (cmark_node* node = cmark_node_first_child(parent); node; node = cmark_node_next(node)) {
      block(node, depth);
    }
  }

 private:
  void block(cmark_node* node, size_t depth) {
    const int32_t line = lines_before_ + cmark_node_get_start_line(node);
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_HEADING:
        heading(node);
        break;
      case CMARK_NODE_PARAGRAPH:
        builder_.block(BlockKind::kProse, inline_text(node, limits_, 0), line);
        break;
      case CMARK_NODE_CODE_BLOCK:
        builder_.block(BlockKind::kProse, literal(node), line);
        break;
      case CMARK_NODE_HTML_BLOCK:
        builder_.block(BlockKind::kProse, html_to_plain(literal(node), limits_), line);
        break;
      default:
        if (std::string_view(cmark_node_get_type_string(node)) == "table") {
          table(node);
        } else {
          blocks(node, depth + 1);
        }
    }
  }

  void heading(cmark_node* node) {
    const int level = cmark_node_get_heading_level(node);
    const std::string name = squeeze(inline_text(node, limits_, 0));
    if (level == 1 && document_.title.empty()) document_.title = name;
    builder_.heading(level, name);
  }

  void table(cmark_node* node) {
    std::vector<std::string> columns;
    for (cmark_node* row = cmark_node_first_child(node); row; row = cmark_node_next(row)) {
      std::vector<std::string> cells;
      for (cmark_node* cell = cmark_node_first_child(row); cell; cell = cmark_node_next(cell)) {
        cells.push_back(inline_text(cell, limits_, 0));
      }
      if (row == cmark_node_first_child(node)) {
        columns = cells;
      } else {
        builder_.block(BlockKind::kRows, record_line(columns, cells),
                       lines_before_ + cmark_node_get_start_line(row));
      }
    }
  }

  const ReadLimits& limits_;
  Document& document_;
  DocumentBuilder builder_;
  int32_t lines_before_;
};

// Takes a front matter off the text. One that is not plain `key: value` lines stays text.
int32_t take_front_matter(std::string_view& text, Document& document) {
  if (!text.starts_with("---\n")) return 0;
  std::map<std::string, std::string> tags;
  int32_t lines = 1;
  for (size_t at = 4; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    ++lines;
    at = end + 1;
    if (row == "---") {
      text.remove_prefix(std::min(at, text.size()));
      if (const auto title = tags.extract("title")) document.title = title.mapped();
      document.tags = std::move(tags);
      return lines;
    }
    const size_t colon = row.find(':');
    if (row.empty() || colon == 0 || colon == std::string_view::npos || row[0] == ' ') return 0;
    std::string value = squeeze(row.substr(colon + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    tags[squeeze(row.substr(0, colon))] = value;
  }
  return 0;
}

}  // namespace

void read_markdown(std::string_view utf8, const ReadLimits& limits, Document& document) {
  const int32_t lines_before = take_front_matter(utf8, document);
  cmark_gfm_core_extensions_ensure_registered();
  std::unique_ptr<cmark_parser, void (*)(cmark_parser*)> parser(cmark_parser_new(CMARK_OPT_DEFAULT),
                                                                &cmark_parser_free);
  for (const char* name : {"table", "strikethrough", "autolink"}) {
    cmark_syntax_extension* extension = cmark_find_syntax_extension(name);
    if (extension == nullptr) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("[read] cmark-gfm lacks '{}'; expected its core "
                              "extensions; try installing it again",
                              name));
    }
    cmark_parser_attach_syntax_extension(parser.get(), extension);
  }
  cmark_parser_feed(parser.get(), utf8.data(), utf8.size());
  std::unique_ptr<cmark_node, void (*)(cmark_node*)> root(cmark_parser_finish(parser.get()),
                                                          &cmark_node_free);
  MarkdownReader(limits, document, lines_before).blocks(root.get(), 0);
}

}  // namespace ondol::ground

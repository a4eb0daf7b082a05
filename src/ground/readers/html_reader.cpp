// HTML (by gumbo): headings make the path, tables become records, every block element is prose;
// scripts, styles, navigation and forms' options are left out.
//
// A hostile page can make an HTML5 parser build a tree far larger than the page, and its work is
// quadratic in the depth. So tags left open are counted before parsing, the tree lives in an arena
// with a budget, the walk keeps its own stack, and the tree is never freed node by node (gumbo does
// that recursively).
#include <fmt/format.h>
#include <gumbo.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>

#include "base/error.h"
#include "ground/readers/readers.h"

namespace ondol::ground {
namespace {

// A tree takes about 15 times its page; a bomb thousands of times.
constexpr size_t kArenaBytesPerByte = 100;
constexpr size_t kArenaBytesMin = size_t{16} << 20;
constexpr size_t kArenaSlabBytes = size_t{1} << 20;
// Elements open at once; browsers stop at 512 too.
constexpr int kOpenTagsMax = 512;

class Arena {
 public:
  explicit Arena(size_t budget) : budget_(budget) {}

  // nullptr above the budget and where memory ends: no exception may pass through C.
  void* allocate(size_t bytes) noexcept {
    bytes = (bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    if (bytes > left_ && !add_slab(std::max(bytes, kArenaSlabBytes))) return nullptr;
    void* result = next_;
    next_ += bytes;
    left_ -= bytes;
    return result;
  }

  std::jmp_buf out_of_budget;

 private:
  bool add_slab(size_t bytes) noexcept {
    if (bytes > budget_) return false;
    try {
      slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    } catch (const std::bad_alloc&) {
      return false;
    }
    budget_ -= bytes;
    next_ = slabs_.back().get();
    left_ = bytes;
    return true;
  }

  size_t budget_;
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
};

void* arena_allocate(void* arena, size_t bytes) {
  void* result = static_cast<Arena*>(arena)->allocate(bytes);
  // The only way out of a C library whose allocator may not fail; only C frames are skipped.
  if (result == nullptr) std::longjmp(static_cast<Arena*>(arena)->out_of_budget, 1);
  return result;
}
void arena_release(void*, void*) {}

// nullptr when the tree does not fit the arena. No object with a destructor lives in this frame.
const GumboOutput* parse(Arena& arena, std::string_view html) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &arena_allocate;
  options.deallocator = &arena_release;
  options.userdata = &arena;
  options.max_errors = 0;
  if (setjmp(arena.out_of_budget) != 0) return nullptr;
  return gumbo_parse_with_options(&options, html.data(), html.size());
}

// Tags whose element ends by itself, so that pages leave them open.
bool closes_itself(std::string_view name) {
  constexpr std::array<std::string_view, 26> kNames = {
      "p",     "li",     "dt",    "dd",    "td",     "th",    "tr",   "thead",   "tbody",
      "tfoot", "option", "br",    "hr",    "img",    "input", "meta", "link",    "area",
      "base",  "col",    "embed", "param", "source", "track", "wbr",  "colgroup"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string tag_name(std::string_view html, size_t at) {
  std::string name;
  for (; at < html.size() && name.size() < 16; ++at) {
    const char c = html[at];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool letter = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
    if (!letter) break;
    name += lower;
  }
  return name;
}

// Whether more than kOpenTagsMax elements are open at one place, as far as the tags tell.
bool too_deep(std::string_view html) {
  std::map<std::string, int> open;
  int total = 0;
  for (size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const bool end = at + 1 < html.size() && html[at + 1] == '/';
    const std::string name = tag_name(html, at + (end ? 2 : 1));
    if (name.empty() || closes_itself(name)) continue;
    if (!end) {
      ++open[name];
      if (++total > kOpenTagsMax) return true;
      if (name == "script" || name == "style") {
        at = html.find("</" + name, at);
        if (at == std::string_view::npos) break;
        --at;
      }
    } else if (open[name] > 0) {
      --open[name];
      --total;
    }
  }
  return false;
}

bool is_one_of(GumboTag tag, std::initializer_list<GumboTag> tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}
bool is_skipped(GumboTag tag) {
  return is_one_of(tag, {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_NAV, GUMBO_TAG_NOSCRIPT,
                         GUMBO_TAG_TEMPLATE, GUMBO_TAG_SVG, GUMBO_TAG_MATH, GUMBO_TAG_SELECT,
                         GUMBO_TAG_TEXTAREA, GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT});
}
bool is_inline(GumboTag tag) {
  return is_one_of(
      tag, {GUMBO_TAG_A,     GUMBO_TAG_B,      GUMBO_TAG_I,    GUMBO_TAG_EM,   GUMBO_TAG_STRONG,
            GUMBO_TAG_SPAN,  GUMBO_TAG_CODE,   GUMBO_TAG_SUB,  GUMBO_TAG_SUP,  GUMBO_TAG_SMALL,
            GUMBO_TAG_U,     GUMBO_TAG_S,      GUMBO_TAG_MARK, GUMBO_TAG_ABBR, GUMBO_TAG_CITE,
            GUMBO_TAG_Q,     GUMBO_TAG_KBD,    GUMBO_TAG_SAMP, GUMBO_TAG_VAR,  GUMBO_TAG_TIME,
            GUMBO_TAG_LABEL, GUMBO_TAG_BUTTON, GUMBO_TAG_INS,  GUMBO_TAG_DEL,  GUMBO_TAG_DFN,
            GUMBO_TAG_FONT,  GUMBO_TAG_TT,     GUMBO_TAG_BDI,  GUMBO_TAG_BDO,  GUMBO_TAG_RUBY,
            GUMBO_TAG_RB,    GUMBO_TAG_DATA,   GUMBO_TAG_BIG,  GUMBO_TAG_IMG,  GUMBO_TAG_WBR,
            GUMBO_TAG_BR});
}
int heading_level(GumboTag tag) {
  constexpr std::array kTags = {GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3,
                                GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6};
  const auto found = std::find(kTags.begin(), kTags.end(), tag);
  return found == kTags.end() ? 0 : static_cast<int>(found - kTags.begin()) + 1;
}
bool is_element(const GumboNode* node) {
  return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE;
}

class HtmlWalker {
 public:
  HtmlWalker(const ReadLimits& limits, Document& document, bool headings_as_text)
      : document_(document), builder_(document, limits), headings_as_text_(headings_as_text) {}

  void walk(const GumboNode* root) {
    struct Frame {
      const GumboNode* node;
      unsigned next_child;
    };
    std::vector<Frame> stack{{root, 0}};
    enter(root);
    while (!stack.empty()) {
      Frame& top = stack.back();
      const GumboVector& children = top.node->v.element.children;
      if (top.next_child >= children.length) {
        leave(top.node);
        stack.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[top.next_child++]);
      if (!is_element(child)) {
        text(child);
      } else if (!is_skipped(child->v.element.tag)) {
        enter(child);
        stack.push_back({child, 0});
      }
    }
    flush();
  }

 private:
  void enter(const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_BR) {
      while (!current_.empty() && current_.back() == ' ') current_.pop_back();
      current_ += '\n';
    } else if (tag == GUMBO_TAG_TABLE) {
      if (table_depth_++ == 0) flush(), columns_.reset();
    } else if (table_depth_ == 1 && tag == GUMBO_TAG_TR) {
      flush();
      cells_.clear();
      all_headers_ = true;
    } else if (table_depth_ == 1 && (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH)) {
      current_.clear();
      all_headers_ = all_headers_ && tag == GUMBO_TAG_TH;
    } else if (table_depth_ > 0) {
      if (!is_inline(tag)) append(" ");
    } else if (!is_inline(tag)) {
      flush();
      pre_depth_ += tag == GUMBO_TAG_PRE;
    }
  }

  void leave(const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_TABLE) {
      --table_depth_;
    } else if (table_depth_ == 1 && (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH)) {
      cells_.push_back(std::move(current_));
      current_.clear();
    } else if (table_depth_ == 1 && tag == GUMBO_TAG_TR) {
      row(static_cast<int32_t>(node->v.element.start_pos.line));
    } else if (table_depth_ > 0) {
      if (!is_inline(tag)) append(" ");
    } else if (tag == GUMBO_TAG_TITLE) {
      document_.title = squeeze(current_);
      current_.clear();
    } else if (const int level = heading_level(tag); level > 0 && !headings_as_text_) {
      if (level == 1 && document_.title.empty()) document_.title = squeeze(current_);
      builder_.heading(level, current_);
      current_.clear();
    } else if (!is_inline(tag)) {
      flush();
      pre_depth_ -= tag == GUMBO_TAG_PRE;
    }
  }

  void text(const GumboNode* node) {
    if (node->type == GUMBO_NODE_COMMENT) return;
    if (current_.empty()) line_ = static_cast<int32_t>(node->v.text.start_pos.line);
    if (pre_depth_ > 0) {
      current_ += node->v.text.text;
    } else {
      append(node->v.text.text);
    }
  }

  // Runs of blanks count as one, as a browser shows them.
  void append(std::string_view text) {
    for (const char c : text) {
      const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\f';
      if (!blank) {
        current_ += c;
      } else if (!current_.empty() && current_.back() != ' ' && current_.back() != '\n') {
        current_ += ' ';
      }
    }
  }

  void row(int32_t line) {
    if (all_headers_ && !columns_) {
      columns_ = cells_;
    } else {
      // A table without a header row has values and no names.
      const std::vector<std::string> unnamed(cells_.size());
      builder_.block(BlockKind::kRows, record_line(columns_ ? *columns_ : unnamed, cells_), line);
    }
    cells_.clear();
    current_.clear();
  }

  void flush() {
    builder_.block(BlockKind::kProse, current_, line_);
    current_.clear();
  }

  Document& document_;
  DocumentBuilder builder_;
  bool headings_as_text_;
  std::string current_;
  int32_t line_ = 0;
  int pre_depth_ = 0;
  int table_depth_ = 0;
  std::optional<std::vector<std::string>> columns_;
  std::vector<std::string> cells_;
  bool all_headers_ = true;
};

void read_tree(std::string_view utf8, const ReadLimits& limits, Document& document,
               bool headings_as_text) {
  if (too_deep(utf8)) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[read] '{}' is nested too deeply; got more than {} open elements, "
                            "expected fewer; try closing its tags",
                            document.uri, kOpenTagsMax));
  }
  Arena arena(std::max(kArenaBytesMin, utf8.size() * kArenaBytesPerByte));
  const GumboOutput* output = parse(arena, utf8);
  if (output == nullptr) {
    throw Error(
        ErrorCode::kResourceExhausted,
        fmt::format("[read] '{}' makes an element tree out of all proportion; got more than "
                    "{} bytes for each of the file's, expected fewer; try repairing its tags",
                    document.uri, kArenaBytesPerByte));
  }
  HtmlWalker(limits, document, headings_as_text).walk(output->root);
}

}  // namespace

void read_html(std::string_view utf8, const ReadLimits& limits, Document& document) {
  read_tree(utf8, limits, document, /*headings_as_text=*/false);
}

std::string html_to_plain(std::string_view html, const ReadLimits& limits) {
  Document document;
  read_tree(html, limits, document, /*headings_as_text=*/true);
  return document.text;
}

}  // namespace ondol::ground

// CSV after RFC 4180: quoted fields may hold commas, line breaks and doubled quotes. The first
// record names the columns. Commas only, except that a header without a comma but with semicolons
// or tabs (spreadsheets in many countries) chooses that separator.
#include <fmt/format.h>

#include "base/error.h"
#include "ground/readers/readers.h"

namespace ondol::ground {
namespace {

char choose_separator(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  if (header.find(',') != std::string_view::npos) return ',';
  if (header.find('\t') != std::string_view::npos) return '\t';
  if (header.find(';') != std::string_view::npos) return ';';
  return ',';
}

class CsvScanner {
 public:
  CsvScanner(std::string_view text, const std::string& uri)
      : text_(text), uri_(uri), separator_(choose_separator(text)) {}

  // false at the end. `line` is where the record begins.
  bool next(std::vector<std::string>& values, int32_t& line) {
    values.clear();
    if (at_ >= text_.size()) return false;
    line = line_;
    while (true) {
      values.push_back(field());
      if (at_ >= text_.size()) return true;
      const char c = text_[at_++];
      if (c == '\n') {
        ++line_;
        return true;
      }
    }
  }

 private:
  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const int32_t first_line = line_;
    std::string value;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c != '"') {
        value += c;
      } else if (at_ < text_.size() && text_[at_] == '"') {
        value += '"';
        ++at_;
      } else {
        return end_of_quoted(std::move(value), first_line);
      }
    }
    fail(first_line, "a quote that is never closed", "a closing quote");
  }

  std::string end_of_quoted(std::string value, int32_t first_line) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
      fail(first_line, "text after a closing quote", "a separator or the end of the line");
    }
    return value;
  }

  [[noreturn]] void fail(int32_t line, const char* got, const char* expected) const {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[read] '{}' line {} is no CSV; got {}, expected {}; try exporting it "
                            "again",
                            uri_, line, got, expected));
  }

  std::string_view text_;
  const std::string& uri_;
  char separator_;
  size_t at_ = 0;
  int32_t line_ = 1;
};

}  // namespace

void read_csv(std::string_view utf8, const ReadLimits& limits, Document& document) {
  CsvScanner scanner(utf8, document.uri);
  DocumentBuilder builder(document, limits);
  std::vector<std::string> columns;
  std::vector<std::string> values;
  int32_t line = 1;
  if (!scanner.next(columns, line)) return;
  bool any = false;
  while (scanner.next(values, line)) {
    const std::string row = record_line(columns, values);
    any = any || !row.empty();
    builder.block(BlockKind::kRows, row, line);
  }
  if (!any)
    builder.block(BlockKind::kRows, record_line(std::vector<std::string>(columns.size()), columns),
                  1);
}

}  // namespace ondol::ground

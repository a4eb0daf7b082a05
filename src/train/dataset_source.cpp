#include "train/dataset_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

size_t count_lines(std::string_view bytes) {
  return static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

size_t first_invalid_byte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const text::Utf8Char c = text::read_utf8(text, at);
    if (c.code == text::kInvalidUtf8) return at;
    at += c.size;
  }
  return text.size();
}

}  // namespace

RowSource::RowSource(const std::string& name, std::string bytes, size_t row_bytes_max)
    : name_(name), bytes_(std::move(bytes)), row_bytes_max_(row_bytes_max) {
  if (bytes_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  const std::string extension = lower_extension(name);
  if (extension == ".txt" || extension == ".md") {
    kind_ = SourceKind::kText;
  } else if (extension == ".csv" || extension == ".tsv") {
    kind_ = SourceKind::kTable;
    if (extension == ".tsv") separator_ = '\t';
    read_header();
  } else if (extension == ".parquet" || extension == ".arrow") {
    throw Error(ErrorCode::kUnsupported, "[data] " + name_ + " is a " + extension.substr(1) +
                                             " file; expected .jsonl, .json, .csv, .tsv or .txt; "
                                             "try to_json(..., lines=True) of the tool that wrote "
                                             "it");
  } else {
    skip_space();
    if (at_ < bytes_.size() && bytes_[at_] == '[') {
      kind_ = SourceKind::kJsonArray;
      ++at_;
    }
  }
}

std::optional<RawRow> RowSource::next() {
  if (done_) return std::nullopt;
  switch (kind_) {
    case SourceKind::kJsonLines:
      return next_line();
    case SourceKind::kJsonArray:
      return next_element();
    case SourceKind::kTable:
      return next_record();
    case SourceKind::kText:
      return next_text();
  }
  return std::nullopt;
}

void RowSource::skip_space() {
  for (; at_ < bytes_.size() && is_space(bytes_[at_]); ++at_) line_ += bytes_[at_] == '\n' ? 1 : 0;
}

void RowSource::check(size_t line, std::string_view bytes) const {
  if (bytes.size() > row_bytes_max_) {
    throw RowFault(line,
                   fmt::format("the row is too long; got {} bytes, expected at most {}; try "
                               "splitting the text into several rows (is a line break missing?)",
                               bytes.size(), row_bytes_max_));
  }
  const size_t bad = first_invalid_byte(bytes);
  if (bad == bytes.size()) return;
  throw RowFault(line, fmt::format("the row is not UTF-8; got byte 0x{:02X} at its byte {}; try "
                                   "saving the file as UTF-8",
                                   static_cast<unsigned char>(bytes[bad]), bad + 1));
}

void RowSource::fail_rest(size_t line, const std::string& message) {
  done_ = true;
  RowFault fault(line, message);
  fault.last = true;
  throw fault;
}

// ---- one JSON value a line ----

std::optional<RawRow> RowSource::next_line() {
  skip_space();
  if (at_ >= bytes_.size()) return std::nullopt;
  const size_t end = std::min(bytes_.find('\n', at_), bytes_.size());
  const RawRow row{line_, std::string_view(bytes_).substr(at_, end - at_), {}};
  at_ = end;
  check(row.line, row.json);
  return row;
}

// ---- a JSON array ----

// The end of the value at at_: the comma or bracket behind it, found without understanding it.
size_t RowSource::value_end() const {
  size_t depth = 0;
  for (size_t i = at_; i < bytes_.size(); ++i) {
    const char c = bytes_[i];
    if (c == '"') {
      for (++i; i < bytes_.size() && bytes_[i] != '"'; ++i) {
        if (bytes_[i] == '\\') ++i;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
      return i;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return bytes_.size();
}

std::optional<RawRow> RowSource::next_element() {
  skip_space();
  const size_t begin_line = line_;
  if (at_ < bytes_.size() && bytes_[at_] == ']' && first_) {
    done_ = true;
    return std::nullopt;
  }
  const size_t end = value_end();
  RawRow row{begin_line, std::string_view(bytes_).substr(at_, end - at_), {}};
  line_ += count_lines(row.json);
  at_ = end;
  first_ = false;
  if (end >= bytes_.size()) {
    fail_rest(begin_line,
              "the array is never closed; got the end of the file, expected ']'; try "
              "downloading or writing the file again");
  }
  if (bytes_[end] == ',') {
    ++at_;
  } else {
    done_ = true;
    const size_t rest = bytes_.find_first_not_of(" \t\r\n", end + 1);
    if (bytes_[end] == '}' || rest != std::string::npos) {
      fail_rest(line_,
                "text stands behind the array; expected one array of rows; try one object a "
                "line (.jsonl)");
    }
  }
  check(row.line, row.json);
  return row;
}

// ---- CSV ----

std::string RowSource::quoted_cell() {
  const size_t line = line_;
  std::string value;
  for (++at_; at_ < bytes_.size(); ++at_) {
    const char c = bytes_[at_];
    if (c == '\n') ++line_;
    if (c != '"') {
      value += c;
    } else if (at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '"') {
      value += '"';
      ++at_;
    } else {
      ++at_;
      return value;
    }
  }
  fail_rest(line,
            "a quoted field is never closed; got the end of the file, expected '\"'; try "
            "doubling quotes inside fields (\"\")");
}

std::string RowSource::cell(bool* record_ends) {
  std::string value;
  if (at_ < bytes_.size() && bytes_[at_] == '"') {
    value = quoted_cell();
  } else {
    while (at_ < bytes_.size() && bytes_[at_] != separator_ && bytes_[at_] != '\n') {
      if (bytes_[at_] == '"') {
        throw RowFault(line_,
                       "a quote stands inside a field that does not begin with one; expected "
                       "\"...\" around the whole field; try doubling quotes inside (\"\")");
      }
      value += bytes_[at_++];
    }
    if (value.ends_with('\r')) value.pop_back();
  }
  if (at_ < bytes_.size() && bytes_[at_] == '\r' && at_ + 1 < bytes_.size() &&
      bytes_[at_ + 1] == '\n') {
    ++at_;
  }
  *record_ends = at_ >= bytes_.size() || bytes_[at_] == '\n';
  if (!*record_ends && bytes_[at_] != separator_) {
    throw RowFault(line_,
                   fmt::format("text stands behind a closing quote; got '{}', expected '{}'; "
                               "try doubling quotes inside fields (\"\")",
                               bytes_[at_], separator_ == '\t' ? "\\t" : ","));
  }
  if (at_ < bytes_.size()) line_ += bytes_[at_++] == '\n' ? 1 : 0;
  return value;
}

// After a fault: on behind the line it stands in.
void RowSource::skip_record() {
  at_ = std::min(bytes_.find('\n', at_), bytes_.size());
  if (at_ < bytes_.size()) {
    ++at_;
    ++line_;
  }
}

std::optional<RawRow> RowSource::next_record() {
  // A line with nothing on it is no record.
  while (at_ < bytes_.size() && (bytes_[at_] == '\n' || bytes_.compare(at_, 2, "\r\n") == 0)) {
    at_ += bytes_[at_] == '\n' ? 1 : 2;
    ++line_;
  }
  if (at_ >= bytes_.size()) return std::nullopt;
  RawRow row{line_, {}, {}};
  const size_t begin = at_;
  try {
    for (bool ends = false; !ends;) row.cells.push_back(cell(&ends));
  } catch (const RowFault&) {
    if (!done_) skip_record();
    throw;
  }
  check(row.line, std::string_view(bytes_).substr(begin, at_ - begin));
  if (!columns_.empty() && row.cells.size() != columns_.size()) {
    throw RowFault(
        row.line,
        fmt::format("the record has {} fields; expected {}, as the header has; try quotes "
                    "around fields that hold the separator",
                    row.cells.size(), columns_.size()));
  }
  return row;
}

void RowSource::read_header() {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCorruptData, "[data] " + name_ + ":1: " + what);
  };
  std::optional<RawRow> header;
  try {
    header = next_record();
  } catch (const RowFault& fault) {
    fail(fault.what());
  }
  if (!header) fail("the file is empty; expected a line of column names");
  std::set<std::string> seen;
  for (const std::string& name : header->cells) {
    if (name.empty()) fail("a column has no name; expected a name for each of the columns");
    if (!seen.insert(name).second) fail("two columns are named '" + name + "'");
  }
  columns_ = std::move(header->cells);
}

// ---- a whole text ----

std::optional<RawRow> RowSource::next_text() {
  done_ = true;
  if (at_ >= bytes_.size()) return std::nullopt;
  const std::string_view all = std::string_view(bytes_).substr(at_);
  const size_t bad = first_invalid_byte(all);
  if (bad < all.size()) {
    const size_t line = 1 + count_lines(all.substr(0, bad));
    fail_rest(line, fmt::format("the text is not UTF-8; got byte 0x{:02X}; try saving the file as "
                                "UTF-8",
                                static_cast<unsigned char>(all[bad])));
  }
  return RawRow{1, {}, {std::string(all)}};
}

}  // namespace ondol::train

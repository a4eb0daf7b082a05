// Raw rows of a file: where each begins and its bytes, not yet understood.
//
//   RowSource source("train.csv", read_file("train.csv"), 16'000'000);
//   while (std::optional<RawRow> row = source.next()) ...
//
// next() throws RowFault for a row that can be stepped over (the following call goes on behind it)
// and Error for a file that cannot be read on. Private to the room.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::train {

struct RowFault : std::runtime_error {
  RowFault(size_t at, const std::string& message) : std::runtime_error(message), line(at) {}
  size_t line;
  bool last = false;  // nothing behind it can be read
};

struct RawRow {
  size_t line = 0;
  std::string_view json;           // one JSON value; empty for cells
  std::vector<std::string> cells;  // of CSV, in the order of columns()
};

enum class SourceKind { kJsonLines, kJsonArray, kTable, kText };

class RowSource {
 public:
  // The ending of `name` says what the bytes are.
  RowSource(const std::string& name, std::string bytes, size_t row_bytes_max);
  std::optional<RawRow> next();
  SourceKind kind() const { return kind_; }
  const std::vector<std::string>& columns() const { return columns_; }

 private:
  std::optional<RawRow> next_line();
  std::optional<RawRow> next_element();
  std::optional<RawRow> next_record();
  std::optional<RawRow> next_text();
  std::string cell(bool* record_ends);
  std::string quoted_cell();
  void skip_space();
  void skip_record();
  size_t value_end() const;
  void check(size_t line, std::string_view bytes) const;
  [[noreturn]] void fail_rest(size_t line, const std::string& message);
  void read_header();

  std::string name_;
  std::string bytes_;
  size_t row_bytes_max_;
  SourceKind kind_ = SourceKind::kJsonLines;
  char separator_ = ',';
  size_t at_ = 0;
  size_t line_ = 1;
  bool first_ = true;
  bool done_ = false;
  std::vector<std::string> columns_;
};

}  // namespace ondol::train

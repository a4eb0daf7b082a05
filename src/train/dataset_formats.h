// One raw row made a typed one: the table of formats. Private to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/dataset.h"
#include "train/dataset_source.h"

namespace ondol::train {

// Reads the rows of one file. Not thread-safe.
class RowReader {
 public:
  // `format` empty: decided by the first row. Throws Error(kInvalidArgument) for an unknown name.
  RowReader(std::string format, SourceKind kind, std::vector<std::string> columns);
  RowData read(const RawRow& raw);  // throws RowFault
  const std::string& format() const { return format_; }
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  std::string format_;
  bool asked_;  // the format was given, not detected
  SourceKind kind_;
  std::vector<std::string> columns_;
  size_t first_line_ = 0;
  std::vector<std::string> ignored_;
};

}  // namespace ondol::train

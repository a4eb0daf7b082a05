// Any bytes as any kind of file: rows or faults with a line, nothing else.
// Links: base text
// Links: train/dataset.cpp train/dataset_fields.cpp
// Links: train/dataset_formats.cpp train/dataset_source.cpp
// Covers: dataset.cpp dataset_fields.cpp
// Covers: dataset_formats.cpp dataset_source.cpp
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "train/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::train;
  if (size == 0) return 0;
  // The first byte is the kind of file.
  const char* const names[] = {"a.jsonl", "a.csv", "a.tsv", "a.txt"};
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto lines = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  std::vector<RowProblem> problems;
  ReadOptions options;
  options.row_bytes_max = 4096;
  options.problems = &problems;
  try {
    const Dataset read = parse_dataset(names[data[0] % 4], bytes, options);
    size_t last = 1;
    for (const Row& row : read.rows) {
      if (row.line < last || row.line > lines) std::abort();
      last = row.line;
      if (row_text(row, false).empty()) std::abort();
    }
    for (const RowProblem& problem : problems) {
      if (problem.line < 1 || problem.line > lines || problem.message.empty()) std::abort();
    }
  } catch (const ondol::Error&) {  // refused, as it should be
  }
  return 0;
}

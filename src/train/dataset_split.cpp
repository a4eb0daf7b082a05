#include "train/dataset_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "text/fold.h"

namespace ondol::train {
namespace {

std::string group_of(const Row& row) {
  std::string key = row_key(row, true);
  return key.empty() ? row_key(row, false) : key;
}

}  // namespace

std::string row_key(const Row& row, bool prompt_only) {
  const std::string text = row_text(row, prompt_only);
  if (text.empty()) return "";
  std::string folded;
  for (const char c : text::nfkc_casefold(text)) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!space) {
      folded += c;
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
  if (folded.ends_with(' ')) folded.pop_back();
  return sha256_hex(folded);
}

Dataset split_validation(Dataset& data, double share, uint64_t seed) {
  if (!(share > 0 && share < 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[data] the share of validation rows is {}; expected more than 0 and "
                            "less than 1",
                            share));
  }
  // By a hash of seed and group, groups stand in an order that nothing else decides.
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < data.rows.size(); ++i) {
    groups[sha256_hex(fmt::format("{} {}", seed, group_of(data.rows[i])))].push_back(i);
  }
  if (groups.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "[data] all rows ask the same; no validation set can be taken from them; try "
                "another file for validation");
  }
  const auto wanted =
      static_cast<size_t>(std::max(1.0, std::round(share * static_cast<double>(data.rows.size()))));
  std::vector<uint8_t> moved(data.rows.size(), 0);
  size_t rows = 0, used = 0;
  for (const auto& [hash, members] : groups) {
    if (rows >= wanted || used + 1 == groups.size()) break;
    for (const size_t i : members) moved[i] = 1;
    rows += members.size();
    ++used;
  }
  Dataset validation{data.files, {}};
  std::vector<Row> rest;
  for (size_t i = 0; i < moved.size(); ++i) {
    (moved[i] ? validation.rows : rest).push_back(std::move(data.rows[i]));
  }
  data.rows = std::move(rest);
  for (Dataset* part : {&data, &validation}) {
    for (DataFile& file : part->files) file.rows = 0;
    for (const Row& row : part->rows) ++part->files[row.file].rows;
  }
  return validation;
}

}  // namespace ondol::train

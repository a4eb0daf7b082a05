// What `ondol data check` prints: for people in 80 columns, for programs as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "train/data_check.h"

namespace ondol::cli {

struct DataTextOptions {
  std::string model;       // empty: none was given
  int64_t max_length = 0;  // 0: no limit
  bool color = false;      // else what is learned stands in [brackets]
};

std::string data_check_text(const train::DataCheck& check, const DataTextOptions& options);
// One example, its learned text marked, below a line that says `what` it is.
std::string sample_text(const train::Sample& sample, const std::string& what, bool color);
std::string data_check_json(const train::DataCheck& check, const DataTextOptions& options);

}  // namespace ondol::cli

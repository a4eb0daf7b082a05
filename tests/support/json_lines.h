// Reads files of one JSON object a line (goldens, test vectors). Only for test sources.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace ondol::testing {

inline std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) rows.push_back(nlohmann::json::parse(line));
  }
  return rows;
}

// The rows of a golden file, without the line that says what made it.
inline std::vector<nlohmann::json> read_golden_rows(const std::filesystem::path& path) {
  std::vector<nlohmann::json> rows = read_json_lines(path);
  if (rows.empty() || !rows[0].contains("made_by")) {
    throw std::runtime_error(path.string() + " has no made_by line");
  }
  rows.erase(rows.begin());
  return rows;
}

}  // namespace ondol::testing

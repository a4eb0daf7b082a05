// What the tests of mixtures share: small files, plain tasks. Only for test sources.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "train/mixture.h"
#include "train/test_support.h"

namespace ondol::train {

// {"q": "<stem> 0", "a": "a0"}, ...
inline std::string numbered(const std::string& stem, int count) {
  std::string rows;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    rows += R"({"q": "<)" + stem + " " + n + R"(>", "a": "a)" + n + "\"}\n";
  }
  return rows;
}

inline MixTask plain_task(const std::string& name, const TempFile& file) {
  MixTask task;
  task.name = name;
  task.file = file.path();
  task.line = 7;
  task.templates = {{"{{ q }}", "{{ a }}", 1}};
  return task;
}

inline Mixture mixture_of(std::vector<MixTask> tasks) {
  Mixture mixture;
  mixture.source = "mix.toml";
  mixture.tasks = std::move(tasks);
  return mixture;
}

inline const Seq2SeqRow& pair(const Row& row) { return std::get<Seq2SeqRow>(row.data); }

inline std::vector<std::string> sources(const MixRows& rows) {
  std::vector<std::string> all;
  for (const Row& row : rows.data.rows) all.push_back(pair(row).source);
  return all;
}

// What mix() throws; "no error" when nothing.
inline std::string fault(const Mixture& mixture, const MixOptions& options = {}) {
  try {
    mix(mixture, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace ondol::train

// What `ondol data check --mixture` prints beside what is said of all rows: how many rows each task
// gives, and one example of every kind of row.
#pragma once

#include <string>
#include <vector>

#include "cli/data_text.h"
#include "train/mixture.h"

namespace ondol::cli {

struct MixtureExample {
  std::string task;
  train::MixVariant variant;
  bool held_out = false;
  train::Sample sample;
};

// The first row of each task with and without examples, with and without reasoning. `renderer`
// null: the row's own text, without a chat template.
std::vector<MixtureExample> mixture_examples(const train::Mixed& mixed,
                                             const train::Renderer* renderer);
std::string mixture_text(const train::Mixed& mixed, const std::vector<MixtureExample>& examples,
                         bool color);
// `check`: what data_check_json gave; the mixture stands in the same object.
std::string mixture_json(const train::Mixed& mixed, const std::vector<MixtureExample>& examples,
                         const std::string& check);

}  // namespace ondol::cli

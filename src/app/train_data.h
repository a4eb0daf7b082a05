// The rows of a run from the files that its settings name: what is learned, what is measured with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/train_fields.h"
#include "app/train_task.h"

namespace ondol::app {

struct TrainData {
  TaskRows rows;
  std::vector<std::filesystem::path> files;  // all that was read to learn from
  std::string words;                         // what a person should know about a mixture
};

// Throws Error as read_dataset, read_mixture and mix do; kInvalidArgument when nothing is named, or
// a mixture where the method takes none.
TrainData read_train_data(const TrainFields& fields, const TrainTask& task);

}  // namespace ondol::app

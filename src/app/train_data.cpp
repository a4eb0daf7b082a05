#include "app/train_data.h"

#include <utility>

#include "app/mixture_file.h"
#include "base/error.h"
#include "train/dataset_split.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

// Fewer rows of texts that become blocks are not split: one row may be all there is.
constexpr size_t kRowsToSplit = 100;

std::vector<std::filesystem::path> paths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

void check_mixture(const TrainFields& fields, const TrainTask& task) {
  if (!task.takes_mixtures()) invalid("mixture; it is for sft and seq2seq, expected none");
  if (!fields.dataset.empty()) {
    invalid("dataset and mixture are both given; expected one; try the file as a task of " +
            fields.mixture);
  }
  if (!fields.dataset_format.empty()) {
    invalid("dataset_format; the templates of a mixture say how to read rows, expected none");
  }
}

void read_mixture_rows(const TrainFields& fields, const TrainTask& task, TrainData* data) {
  check_mixture(fields, task);
  const train::Mixture mixture = read_mixture(fields.mixture, fields.mixture_folder);
  const bool split = fields.validation_dataset.empty() && fields.validation_split > 0;
  train::Mixed mixed =
      train::mix(mixture, {.validation_share = split ? fields.validation_split : 0});
  data->words = mixed.sentence();
  data->rows.learn = std::move(mixed.learn.data);
  data->rows.validation = std::move(mixed.validation.data);
  data->rows.held_out = std::move(mixed.held_out);
  data->files.emplace_back(fields.mixture);
  for (const train::MixTask& one : mixture.tasks) data->files.push_back(one.file);
}

}  // namespace

TrainData read_train_data(const TrainFields& fields, const TrainTask& task) {
  TrainData data;
  const train::ReadOptions read{.format = fields.dataset_format};
  if (!fields.mixture.empty()) {
    read_mixture_rows(fields, task, &data);
  } else {
    if (fields.dataset.empty()) {
      invalid("no rows to learn; name files with --dataset, or a mixture with --mixture");
    }
    data.files = paths(fields.dataset);
    data.rows.learn = train::read_dataset(data.files, read);
  }
  if (!fields.validation_dataset.empty()) {
    data.rows.validation = train::read_dataset(paths(fields.validation_dataset), read);
  } else if (fields.mixture.empty() && fields.validation_split > 0 &&
             (!task.is_of_blocks() || data.rows.learn.rows.size() >= kRowsToSplit)) {
    data.rows.validation = train::split_validation(data.rows.learn, fields.validation_split,
                                                   static_cast<uint64_t>(fields.seed));
  }
  return data;
}

}  // namespace ondol::app

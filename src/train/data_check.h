// What a person should know about files before training on them.
//
//   DataCheck check = check_data({"train.jsonl"}, {"valid.jsonl"}, &renderer, {});
//   check.good()     // nothing that would stop a training run
//
// Finds without training what otherwise shows as a loss of zero, an answer that never ends or a
// validation score that is too good. Never throws for what is wrong with a row (that is its
// result); throws Error as read_dataset does for a file that cannot be read at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "train/dataset.h"
#include "train/example.h"

namespace ondol::train {

struct LengthStats {
  int64_t count = 0;
  int64_t p50 = 0;  // nearest rank
  int64_t p95 = 0;
  int64_t max = 0;
  double mean = 0;
  int64_t bars_from = 0;  // bar i counts lengths in [from + i * width, from + (i + 1) * width)
  int64_t bar_width = 1;
  std::vector<int64_t> bars;  // at most 12
};
LengthStats length_stats(std::span<const int64_t> lengths);

// Rows that say the same: NFKC, case folded, white space collapsed.
struct Repeats {
  int64_t rows = 0;                // that repeat another
  std::vector<std::string> first;  // "train.jsonl:7 = train.jsonl:3", a few
};

struct Overlap {
  int64_t rows = 0;     // of the validation set
  Repeats same;         // also in train
  Repeats same_prompt;  // asked in train too, with this or another answer
};

// A rendered example, cut where it is learned and where it is not.
struct Sample {
  std::string where;
  struct Stretch {
    std::string text;
    bool learned = false;
  };
  std::vector<Stretch> stretches;
};

struct DataCheckOptions {
  std::string format;  // empty: by the keys
  bool drop_empty = false;
  size_t sample_row = 0;             // which row is shown, from 0
  ProgressSink* progress = nullptr;  // stages "read", "render"
};

struct DataCheck {
  std::vector<DataFile> files;
  std::vector<DataFile> validation_files;
  int64_t rows = 0;
  std::vector<RowProblem> problems;  // of both, in order; each would stop a training run
  bool in_tokens = false;            // else lengths are characters, and counts are empty
  LengthStats lengths;               // before max_length
  RenderCounts counts;               // of the training files
  Repeats duplicates;
  std::optional<Overlap> overlap;
  std::optional<Sample> sample;
  bool good() const { return problems.empty(); }
};

// `renderer` null: no model, so nothing is known of tokens. Rows of labels and pairs are counted in
// tokens of their texts and have no mask.
DataCheck check_data(std::span<const std::filesystem::path> files,
                     std::span<const std::filesystem::path> validation, const Renderer* renderer,
                     const DataCheckOptions& options);
// The same of rows that are there already; `validation` may have none. `options.format` is not
// read, and problems that reading had are the caller's.
DataCheck check_rows(const Dataset& data, const Dataset& validation, const Renderer* renderer,
                     const DataCheckOptions& options);
// One row as the model will see it; throws Error as Renderer::render.
Sample sample_of(const Dataset& data, const Row& row, const Renderer& renderer);

}  // namespace ondol::train

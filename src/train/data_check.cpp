#include "train/data_check.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "train/dataset_split.h"

namespace ondol::train {
namespace {

constexpr size_t kRepeatsShown = 3;
constexpr int64_t kBars = 12;

// 1, 2, 5, 10, 20, ...: the least that needs no more than kBars bars.
int64_t bar_width(int64_t min, int64_t max) {
  for (int64_t ten = 1;; ten *= 10) {
    for (const int64_t step : {1, 2, 5}) {
      if (max / (ten * step) - min / (ten * step) < kBars) return ten * step;
    }
  }
}

// ---- rows that say the same ----

using Seen = std::unordered_map<std::string, const Row*>;

void note(Repeats* repeats, const std::string& what, const std::string& other) {
  ++repeats->rows;
  if (repeats->first.size() < kRepeatsShown) repeats->first.push_back(what + " = " + other);
}

Repeats find_duplicates(const Dataset& data, Seen* seen, Seen* prompts) {
  Repeats repeats;
  for (const Row& row : data.rows) {
    const auto [found, added] = seen->try_emplace(row_key(row, false), &row);
    if (!added) note(&repeats, data.where(row), data.where(*found->second));
    const std::string prompt = row_key(row, true);
    if (!prompt.empty()) prompts->try_emplace(prompt, &row);
  }
  return repeats;
}

Overlap find_overlap(const Dataset& train, const Dataset& validation, const Seen& seen,
                     const Seen& prompts) {
  Overlap overlap;
  overlap.rows = static_cast<int64_t>(validation.rows.size());
  for (const Row& row : validation.rows) {
    const auto same = seen.find(row_key(row, false));
    if (same != seen.end()) {
      note(&overlap.same, validation.where(row), train.where(*same->second));
    }
    const std::string prompt = row_key(row, true);
    const auto asked = prompt.empty() ? prompts.end() : prompts.find(prompt);
    if (asked != prompts.end()) {
      note(&overlap.same_prompt, validation.where(row), train.where(*asked->second));
    }
  }
  return overlap;
}

// ---- lengths ----

bool has_mask(const Row& row) {
  return !std::holds_alternative<LabelRow>(row.data) && !std::holds_alternative<PairRow>(row.data);
}

int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// The texts that an encoder reads of a row, each by itself.
std::vector<std::string> encoder_texts(const Row& row) {
  if (const auto* pair = std::get_if<PairRow>(&row.data)) {
    std::vector<std::string> texts = {pair->first, pair->second};
    if (!pair->negative.empty()) texts.push_back(pair->negative);
    return texts;
  }
  const auto& label = std::get<LabelRow>(row.data);
  return {label.second.empty() ? label.text : label.text + " " + label.second};
}

void count_encoder_rows(const Dataset& data, const Renderer& renderer, DataCheck* check,
                        std::vector<int64_t>* lengths) {
  const int64_t limit = renderer.options().max_length;
  for (const Row& row : data.rows) {
    ++check->counts.rows;
    for (const std::string& text : encoder_texts(row)) {
      const auto size =
          static_cast<int64_t>(renderer.tokenizer().encode(text, {.add_special = true}).size());
      const int64_t cut = limit > 0 ? std::max<int64_t>(0, size - limit) : 0;
      lengths->push_back(size);
      ++check->counts.examples;
      check->counts.tokens += size - cut;
      check->counts.tokens_cut += cut;
      check->counts.truncated += cut > 0 ? 1 : 0;
    }
  }
}

void count_tokens(const Dataset& data, const Renderer& renderer, const DataCheckOptions& options,
                  DataCheck* check, std::vector<int64_t>* lengths) {
  check->in_tokens = true;
  if (!data.rows.empty() && !has_mask(data.rows[0])) {
    count_encoder_rows(data, renderer, check, lengths);
    return;
  }
  render_dataset(data, renderer,
                 {.drop_empty = options.drop_empty,
                  .problems = &check->problems,
                  .counts = &check->counts,
                  .full_lengths = lengths,
                  .progress = options.progress});
  if (data.rows.empty()) return;
  const Row& shown = data.rows[std::min(options.sample_row, data.rows.size() - 1)];
  // A row whose mask is empty is worth a look; one that does not render is among the problems.
  try {
    check->sample = sample_of(data, shown, renderer);
  } catch (const Error&) {
    ONDOL_ASSERT(!check->problems.empty());
  }
}

// What is said of the rows to learn, and then looked for in those of validation.
struct Learned {
  Seen rows, prompts;
};

Learned check_learned(const Dataset& data, const Renderer* renderer,
                      const DataCheckOptions& options, DataCheck* check) {
  check->files = data.files;
  check->rows = static_cast<int64_t>(data.rows.size());
  std::vector<int64_t> lengths;
  if (renderer) {
    count_tokens(data, *renderer, options, check, &lengths);
  } else {
    for (const Row& row : data.rows) lengths.push_back(characters(row_text(row, false)));
  }
  check->lengths = length_stats(lengths);
  Learned learned;
  check->duplicates = find_duplicates(data, &learned.rows, &learned.prompts);
  return learned;
}

void check_validation(const Dataset& data, const Dataset& validation, const Learned& learned,
                      const Renderer* renderer, const DataCheckOptions& options, DataCheck* check) {
  check->validation_files = validation.files;
  check->overlap = find_overlap(data, validation, learned.rows, learned.prompts);
  if (renderer && !validation.rows.empty() && has_mask(validation.rows[0])) {
    render_dataset(validation, *renderer,
                   {.drop_empty = options.drop_empty, .problems = &check->problems});
  }
}

}  // namespace

Sample sample_of(const Dataset& data, const Row& row, const Renderer& renderer) {
  const Example example = renderer.render(row).at(0);
  Sample sample{data.where(row), {}};
  for (size_t begin = 0, end = 0; begin < example.ids.size(); begin = end) {
    while (end < example.ids.size() && example.loss[end] == example.loss[begin]) ++end;
    sample.stretches.push_back(
        {renderer.tokenizer().decode(std::span(example.ids).subspan(begin, end - begin), true),
         example.loss[begin] != 0});
  }
  return sample;
}

LengthStats length_stats(std::span<const int64_t> lengths) {
  LengthStats stats;
  stats.count = static_cast<int64_t>(lengths.size());
  if (lengths.empty()) return stats;
  std::vector<int64_t> sorted(lengths.begin(), lengths.end());
  std::sort(sorted.begin(), sorted.end());
  const auto rank = [&](double share) {
    const double at = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<size_t>(std::max(1.0, at)) - 1];
  };
  stats.p50 = rank(0.5);
  stats.p95 = rank(0.95);
  stats.max = sorted.back();
  stats.mean = static_cast<double>(std::accumulate(sorted.begin(), sorted.end(), int64_t{0})) /
               static_cast<double>(sorted.size());
  const int64_t width = bar_width(sorted.front(), stats.max);
  const int64_t first = sorted.front() / width;
  stats.bar_width = width;
  stats.bars_from = first * width;
  stats.bars.resize(static_cast<size_t>(stats.max / width - first) + 1);
  for (const int64_t length : sorted) ++stats.bars[static_cast<size_t>(length / width - first)];
  return stats;
}

DataCheck check_rows(const Dataset& data, const Dataset& validation, const Renderer* renderer,
                     const DataCheckOptions& options) {
  DataCheck check;
  const Learned learned = check_learned(data, renderer, options, &check);
  if (!validation.files.empty()) {
    check_validation(data, validation, learned, renderer, options, &check);
  }
  return check;
}

DataCheck check_data(std::span<const std::filesystem::path> files,
                     std::span<const std::filesystem::path> validation, const Renderer* renderer,
                     const DataCheckOptions& options) {
  DataCheck check;
  ReadOptions read;
  read.format = options.format;
  read.problems = &check.problems;
  if (options.progress) options.progress->update("read", 0, 0);
  const Dataset data = read_dataset(files, read);
  const Learned learned = check_learned(data, renderer, options, &check);
  if (!validation.empty()) {
    const Dataset other = read_dataset(validation, read);
    check_validation(data, other, learned, renderer, options, &check);
  }
  return check;
}

}  // namespace ondol::train

// Instruction mixtures: rows of several tasks made into prompts and answers by templates, some with
// solved examples in front, some with reasoning before the answer (FLAN; Longpre et al. 2023).
//
//   Mixed mixed = mix(mixture, {.validation_share = 0.05});
//   render_dataset(mixed.learn, renderer, {});          // ordinary rows from here on
//   for (const HeldOut& task : mixed.held_out) ...      // measured, never learned
//
// What is drawn for a row (template, examples, reasoning) is a function of the mixture's seed, the
// task's name, the row's line and how often it came before; so nothing depends on other tasks, and
// a run that goes on has the same rows. What is promised:
// - no row is its own example, nor is one that asks the same;
// - a row that a held-out task has too (by `compare`) is learned nowhere and is nobody's example;
// - examples of validation rows and of rows to learn are rows to learn.
//
// How many rows a task gives (Raffel et al. 2020, section 3.5.2): its share is proportional to
// weight * min(n, cap)^(1 / temperature), n the rows it has to learn. Where that is more than n,
// rows come again, drawn anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "train/dataset.h"

namespace ondol::train {

// Jinja over the fields of a row (text/field_template.h).
struct MixTemplate {
  std::string input;
  std::string target;
  double weight = 1;  // of being drawn
};

// Variants that reason before they answer.
struct MixReasoning {
  std::string rationale;  // the reasoning of a row; a row whose reasoning is empty has no variant
  double share = 0.5;     // of the rows
  std::vector<std::string> ask = {"Let's think step by step."};  // one stands below the input
  std::string target = "{{ rationale }}\nSo the answer is {{ target }}.";
};

enum class OptionMarks : uint8_t { kLetters, kDashes };  // "(A) yes", "- yes"

// Multiple choice. Templates then have `options` (a line each), `choice` (the text of the right
// one) and `letter`. Letters that the choices themselves begin with ("A)36") are taken off.
struct MixChoices {
  std::string field;    // a list of texts; empty: no multiple choice
  std::string correct;  // a field: the index from 0, a letter, or the text of one of them
  OptionMarks marks = OptionMarks::kLetters;
  bool shuffle = false;  // the order of the options is drawn for each row
};

struct MixTask {
  std::string name;
  std::filesystem::path file;
  int64_t line = 0;  // where the mixture names it
  bool held_out = false;
  double weight = 1;
  int64_t limit = 0;  // at most so many of its rows, drawn; 0: all
  // Only rows whose field is one of these; a value that ends in '*' is a beginning.
  std::vector<std::pair<std::string, std::vector<std::string>>> where;
  // Fields by which rows of two tasks are the same; empty: every text of the file's row.
  std::vector<std::string> compare;
  MixChoices choices;
  std::vector<std::pair<std::string, std::string>> fields;  // made of others, in this order
  std::vector<MixTemplate> templates;
  std::vector<MixReasoning> reasoning;  // none or one
  int64_t shots = 0;                    // most examples of a row
  double shots_share = 0;               // of the rows, which get 1 to `shots` of them
};

enum class ShotsAs : uint8_t { kText, kTurns };  // in the input itself, or as earlier turns

struct Mixture {
  std::string source;  // the file it was read from, for errors
  uint64_t seed = 42;
  int64_t rows = 0;        // in all; 0: the sum of min(n, cap)
  int64_t cap = 0;         // of a task's rows when shares are computed; 0: none
  double temperature = 1;  // above 1: shares become more alike
  ShotsAs shots_as = ShotsAs::kText;
  std::string separator = "\n\n";  // between examples in a text
  std::vector<MixTask> tasks;
};

struct MixOptions {
  double validation_share = 0;  // of the rows of every task that is learned; 0: none
  std::vector<RowProblem>* problems = nullptr;  // where bad rows are put; null: the first is thrown
};

// What was drawn for a row.
struct MixVariant {
  uint32_t task = 0;  // index into Mixture::tasks
  uint32_t template_index = 0;
  int64_t shots = 0;
  bool reasoning = false;
};

struct MixRows {
  Dataset data;
  std::vector<MixVariant> variants;  // by row
};

struct HeldOut {
  std::string name;
  MixRows rows;
};

struct MixCounts {
  std::string name;
  std::string file;
  bool held_out = false;
  int64_t in_file = 0;   // rows of the file
  int64_t matched = 0;   // of them, by `where`
  int64_t left_out = 0;  // of them, because a held-out task or the validation rows have them too
  int64_t pool = 0;      // rows to learn (of a held-out task: to measure), after `limit`
  int64_t validation = 0;
  std::vector<int64_t> by_template;  // rows of the mixture (of a held-out task: measured) by it
  std::vector<int64_t> by_shots;     // with 0, 1, 2, ... examples
  int64_t reasoning = 0;             // with reasoning
  int64_t mixed = 0;                 // rows of the mixture
  double share = 0;                  // of them all
  int64_t no_rationale = 0;  // rows of the pool without reasoning, where there are such variants
};

struct Mixed {
  MixRows learn;
  MixRows validation;
  std::vector<HeldOut> held_out;
  std::vector<MixCounts> counts;  // by task
  std::string sentence() const;   // "3000 rows of 4 tasks: gsm8k 25.0 %, ..."
};

// Throws Error: kNotFound (a file), kCorruptData (a row), kInvalidArgument (a mixture that has no
// meaning: a weight of 0, a name twice, a template that names no field, a task without rows; with
// file, line and the nearest name).
Mixed mix(const Mixture& mixture, const MixOptions& options);

}  // namespace ondol::train

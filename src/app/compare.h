// The main job: every recipe on the user's questions, scored, costed, compared, and one
// recommended.
//
//   CompareOutcome outcome = compare(workspace, session, {.recipes = {}}, progress);
//   // outcome.folder holds report.html, report.json and recommended.toml
//
// Answers are kept as they come (`.ondol/cache/answers.jsonl`, keyed by everything that decides
// them), so that an interrupted comparison goes on where it stopped, a second one is instant and a
// new recipe runs alone. Scores are computed anew each time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/workspace.h"
#include "base/progress.h"
#include "eval/report.h"

namespace ondol::app {

struct CompareOptions {
  // What is compared
  std::vector<std::string> recipes;                // empty: all of ondol.toml
  std::optional<std::filesystem::path> questions;  // a JSONL file; default: the workspace's
  std::string dataset;                             // or a set of eval/dataset.h, with its documents
  std::filesystem::path data;                      // folder of that set (or of all sets)
  std::string language = "en";                     // of that set
  // Which questions; nullopt: all of them, for what nothing is fitted on (search alone).
  std::optional<eval::Split> split = eval::Split::kTest;
  int64_t questions_max = 0;  // 0: all of the split
  int repeats = 1;
  bool given_facts = false;     // the set's own facts are its graph, in a collection of their own
  bool retrieval_only = false;  // search quality alone: no answers, scored by recall
  // What decides
  double margin = 0.02;
  // How
  bool fresh = false;  // do not read cached answers
  int64_t latency_questions =
      20;  // of the serial pass (contract 13); 0: no pass, latency is not compared
  uint64_t seed = 0;
  bool korean = false;  // notices in Korean
  std::string command;  // how to make the report again
};

struct CompareOutcome {
  eval::CompareReport report;
  std::filesystem::path folder;       // of this run
  std::filesystem::path recommended;  // recommended.toml; empty when nothing can be recommended
  int64_t answers_computed = 0;
  int64_t answers_cached = 0;
};

CompareOutcome compare(const Workspace& workspace, Session& session, const CompareOptions& options,
                       ProgressSink& progress);

// Writes the recommended recipe into ondol.toml as the workspace's choice.
void apply_recommendation(const Workspace& workspace, const CompareOutcome& outcome);

}  // namespace ondol::app

// Where the questions of a comparison come from, and the documents they are about: the workspace's
// own files, or a public set with its passages.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/compare.h"
#include "eval/question.h"
#include "store/store.h"

namespace ondol::app {

struct QuestionSource {
  std::string title;
  std::string collection;             // of the store
  std::vector<eval::Question> asked;  // the split that is compared
  std::vector<eval::Question> train;  // examples and thresholds
  std::string hash;                   // of the asked questions
  double build_seconds = 0;           // of ingesting the documents, when they were last ingested
};

// Reads the questions; ingests the documents of a public set, with their graph if a recipe needs
// one. Throws Error(kInvalidArgument) when
// the split is empty.
QuestionSource load_questions(const Workspace& workspace, Session& session,
                              const CompareOptions& options, std::span<const Recipe> recipes,
                              ProgressSink& progress);

// How long ingesting a collection took: a one-off cost of every recipe that searches it. 0: not
// known.
void record_build_seconds(const Workspace& workspace, const std::string& collection,
                          double seconds);
double read_build_seconds(const Workspace& workspace, const std::string& collection);

}  // namespace ondol::app

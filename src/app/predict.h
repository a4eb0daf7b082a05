// What a model writes for rows that have an answer, and how right it is: exact match, BLEU, or a
// metric of eval/metrics.h.
//
//   PredictSummary s = predict_rows(session, {.model = "runs/x/best", .dataset = {"test.jsonl"}},
//                                   progress);
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "base/progress.h"
#include "eval/bleu.h"

namespace ondol::app {

struct PredictOptions {
  std::string model;
  std::filesystem::path adapter = {};  // empty: none
  std::vector<std::filesystem::path> dataset;
  std::string dataset_format = {};
  int64_t tokens_max = 128;  // of an answer
  int64_t rows_max = 0;      // the first ones; 0: all
  std::string metric = {};   // of eval::metrics(), of the written text alone; empty: none
  eval::BleuTokens bleu_tokens = eval::BleuTokens::k13a;
};

struct Prediction {
  std::string source;
  std::string target;
  std::string written;
};

struct PredictSummary {
  std::vector<Prediction> rows;
  bool are_labels = false;  // of a classifier: `exact` are the right ones, there is no BLEU
  int64_t exact = 0;        // written as the target, white space at the ends aside
  eval::BleuScore bleu;
  std::optional<double> metric;  // mean over the rows, in [0, 1]
  int64_t written_tokens = 0;
  double seconds = 0;
};

// Greedy, several rows at a time. Rows have source and target, prompt and completion, or are
// conversations whose last message is the assistant's (so questions with answers too): an
// encoder-decoder reads the source, a decoder the messages before the target, of a text one message
// of the user, or, without a chat template, the text before a line break, as training has it; an
// encoder that `ondol train classify` made says labels of texts. Throws Error for other rows and
// for a metric that is not known or says nothing about a text.
PredictSummary predict_rows(Session& session, const PredictOptions& options,
                            ProgressSink& progress);

}  // namespace ondol::app

// Question sets that exist already, read from their own formats by one table (add a set: one row
// and one function in dataset.cpp).
//
//   QuestionSet set = read_dataset("rag_xquad", "../shared/data", {.language = "en"});
//   // set.documents: 240 passages to ingest, set.questions: 595 with gold passages
//
// Sets without splits of their own get them from assign_split: by the gold passage where there is
// one (so that no passage is in two splits), else by the question id. Errors as in question.h.
#pragma once

#include <array>

#include "eval/question.h"

namespace ondol::eval {

struct Document {
  std::string id{};
  std::string title{};
  std::string text{};
  // What the set itself says of it: subject, relation, object.
  std::vector<std::array<std::string, 3>> facts{};
};

struct QuestionSet {
  std::string name{};
  std::string language{};  // "en", "de", "zh", "ko"
  std::vector<Question> questions{};
  std::vector<Document> documents{};  // empty: nothing to retrieve from
};

struct DatasetOptions {
  std::string language = "en";  // sets in one language refuse any other
  size_t questions_max = 0;     // 0: all; else the first ones in the order of hash(id), so that a
                                // smaller sample is part of a bigger one
};

struct DatasetReader {
  const char* name;
  const char* purpose;    // one sentence for help texts
  const char* languages;  // space-separated; the first is the default
  bool has_documents;
  // `path`: the set's own folder, or the file for "questions".
  QuestionSet (*read)(const std::filesystem::path& path, const DatasetOptions& options);
};

std::span<const DatasetReader> dataset_readers();

// `data` is the folder of all sets (data/NAME) or the set's own folder; for "questions" a JSONL
// file. Throws Error(kNotFound) with the known names for an unknown set.
QuestionSet read_dataset(std::string_view name, const std::filesystem::path& data,
                         const DatasetOptions& options = {});

}  // namespace ondol::eval

// Questions with known answers: what every comparison is measured on (architecture, contract 12).
//
//   std::vector<Question> questions = read_questions("questions.jsonl");
//   for (const Question& q : in_split(questions, Split::kTest)) ...
//
// File format: JSON Lines, UTF-8, one object a line:
//   {"id": "q7", "question": "How long is the warranty?", "answers": ["two years", "24 months"],
//    "gold": [{"document": "warranty.md", "quote": "covered for two years"}], "split": "test"}
// `question` is required, everything else optional: `answers` (none: the documents do not say),
// `choices` + `answer_index` (multiple choice, 0-based), `metric` (none: "auto", see metrics.h),
// `cluster` (questions that stand or fall together: one article, one topic), `split`.
// Splits: `train` may be shown to models (examples, adapters, prompt search), `dev` chooses,
// `test` reports; nothing that learns or chooses sees `test`. A question without a split gets one
// from its id, see assign_split. Values only; thread-safe. Errors name source, line and field.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::eval {

enum class Split { kTrain, kDev, kTest };

const char* split_name(Split split);                      // "train", "dev", "test"
std::optional<Split> parse_split(std::string_view name);  // nullopt: no such split

struct GoldPassage {
  std::string document{};  // id or path, as retrieval names it
  std::string quote{};     // the words that hold the answer; may be empty
  bool operator==(const GoldPassage&) const = default;
};

struct Question {
  std::string id{};
  std::string question{};
  std::vector<std::string> answers{};  // any of them is right; empty and no choices: unanswerable
  std::optional<int> answer_index{};   // into choices
  std::vector<std::string> choices{};
  std::vector<GoldPassage> gold{};  // recall counts documents
  std::string metric{};             // a name of metrics.h; empty: auto
  std::string cluster{};            // empty: the question stands alone
  Split split = Split::kTest;

  bool unanswerable() const { return answers.empty() && !answer_index.has_value(); }
  bool operator==(const Question&) const = default;
};

struct QuestionLimits {
  size_t file_bytes_max = size_t{256} << 20;
  size_t line_bytes_max = size_t{1} << 20;
  size_t questions_max = 1'000'000;
  size_t list_items_max = 1000;  // answers, choices, gold of one question
};

// Throws Error(kCorruptData) naming `source`, line and field; ids must differ; a missing id becomes
// "line-N". An empty set is an error too: a comparison on nothing is a mistake.
std::vector<Question> parse_questions(std::string_view jsonl, const std::string& source,
                                      const QuestionLimits& limits = {});
std::vector<Question> read_questions(const std::filesystem::path& file,
                                     const QuestionLimits& limits = {});

// One line of the format above, without the line end; parse_questions reads it back unchanged.
std::string format_question(const Question& question);

// 40 % train, 20 % dev, 40 % test, by the first 8 bytes of SHA-256("ondol-split-1:" + key): the
// same key gets the same split on every machine, and adding questions moves none of the others.
Split assign_split(std::string_view key);

std::vector<Question> in_split(std::span<const Question> questions, Split split);

}  // namespace ondol::eval

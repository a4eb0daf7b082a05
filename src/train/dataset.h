// The rows a model is trained on, read strictly from files of many shapes.
//
//   Dataset data = read_dataset({"train.jsonl"}, {});     // the format is known by its keys
//   for (const Row& row : data.rows) ...                  // std::visit(row.data)
//
// Files: .jsonl, a JSON array, .csv and .tsv (RFC 4180, first line: names), .txt (one text). Which
// of JSON's two is decided by the first byte. A format is one row of the table in
// dataset_formats.cpp: the keys it needs and the function that reads them. Every fault names file
// and line. Values only; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "text/chat.h"

namespace ondol::train {

// A string that is used as it is, or messages that go through the chat template (then not empty).
struct Passage {
  std::string text;
  std::vector<text::ChatMessage> messages;
  bool is_chat() const { return !messages.empty(); }
  bool operator==(const Passage&) const = default;
};

struct TextRow {
  std::string text;
};

// Strings: the two are joined as they are. Messages: one conversation.
struct PromptRow {
  Passage prompt;
  Passage completion;
  std::string tools_json;
};

struct ChatRow {
  std::vector<text::ChatMessage> messages;
  std::vector<uint8_t> unlearned;  // by message: 1 where the file says "weight": 0; empty: none
  std::string tools_json;          // JSON array; empty: none
};

// prompt may be empty: then chosen and rejected hold it.
struct PreferenceRow {
  Passage prompt;
  Passage chosen;
  Passage rejected;
  std::optional<double> margin;
  std::string tools_json;
};

struct FeedbackRow {
  Passage prompt;
  Passage completion;
  bool good = false;
  std::string tools_json;
};

struct LabelRow {
  std::string text;
  std::string second;  // of a pair of sentences; else empty
  std::string label;   // numbers and booleans as they are written
};

struct PairRow {
  std::string first;
  std::string second;
  std::string negative;  // empty: none
  std::optional<double> score;
};

struct Seq2SeqRow {
  std::string source;
  std::string target;
};

using RowData = std::variant<TextRow, PromptRow, ChatRow, PreferenceRow, FeedbackRow, LabelRow,
                             PairRow, Seq2SeqRow>;

struct Row {
  RowData data;
  uint32_t file = 0;  // index into Dataset::files
  size_t line = 0;    // where it begins, from 1
};

struct RowProblem {
  std::string file;
  size_t line = 0;
  std::string message;  // "what; got X, expected Y; try Z"
  std::string sentence() const;
};

// Throws the problem where nobody collects them, or when there are kProblemsMax already.
void add_problem(std::vector<RowProblem>* problems, ErrorCode code, RowProblem problem);

struct DataFile {
  std::string name;  // as it was given
  std::string format;
  size_t rows = 0;
  std::vector<std::string> ignored;  // keys that the format does not read
};

struct Dataset {
  std::vector<DataFile> files;
  std::vector<Row> rows;
  std::string where(const Row& row) const;  // "train.jsonl:17"
};

// More wrong rows than this are one error: the file is of another kind.
inline constexpr size_t kProblemsMax = 10'000;

struct ReadOptions {
  std::string format;  // a name of data_formats(); empty: by the keys of the first row
  size_t row_bytes_max = 16'000'000;
  // Where bad rows are put; they are left out then. Null: the first one is thrown.
  std::vector<RowProblem>* problems = nullptr;
};

// Throws Error: kNotFound, kCorruptData (a row; or a file without rows), kInvalidArgument (a format
// that is not known, with the nearest known), kResourceExhausted (a file above 2 GiB).
Dataset read_dataset(std::span<const std::filesystem::path> files, const ReadOptions& options);
// The same from memory; the ending of `name` says what the bytes are.
Dataset parse_dataset(const std::string& name, std::string bytes, const ReadOptions& options);

struct FormatInfo {
  std::string name;
  std::string keys;  // as people write them: "chosen, rejected [, prompt, margin]"
  std::string used_for;
};
std::span<const FormatInfo> data_formats();

// What a row says, in one string: for duplicates. With `prompt_only` what is asked of the model;
// empty where a format has no such part.
std::string row_text(const Row& row, bool prompt_only);

}  // namespace ondol::train

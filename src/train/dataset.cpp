#include "train/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "train/dataset_formats.h"
#include "train/dataset_source.h"

namespace ondol::train {
namespace {

namespace fs = std::filesystem;

void report(const ReadOptions& options, const std::string& file, const RowFault& fault,
            size_t line) {
  RowProblem problem{file, line, fault.what()};
  add_problem(options.problems, ErrorCode::kCorruptData, std::move(problem));
}

void read_rows(const std::string& name, std::string bytes, const ReadOptions& options,
               Dataset* data) {
  DataFile file{name, options.format, 0, {}};
  const auto index = static_cast<uint32_t>(data->files.size());
  RowSource source(name, std::move(bytes), options.row_bytes_max);
  RowReader reader(options.format, source.kind(), source.columns());
  size_t faults = 0;
  for (;;) {
    size_t line = 0;
    try {
      const std::optional<RawRow> raw = source.next();
      if (!raw) break;
      line = raw->line;
      data->rows.push_back({reader.read(*raw), index, line});
      ++file.rows;
    } catch (const RowFault& fault) {
      ++faults;
      report(options, file.name, fault, fault.line > 0 ? fault.line : line);
    }
  }
  if (file.rows == 0 && faults == 0) {
    throw Error(ErrorCode::kCorruptData,
                "[data] " + file.name + " has no rows; expected at least one");
  }
  file.format = reader.format();
  file.ignored = reader.ignored();
  data->files.push_back(std::move(file));
}

std::string passage_text(const Passage& passage) {
  std::string all = passage.text;
  for (const text::ChatMessage& message : passage.messages) {
    all += "\x1e" + message.role + "\x1f" + message.content + "\x1f" + message.extra_json;
  }
  return all;
}

std::string joined(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) all += part + "\x1d";
  return all;
}

struct TextOf {
  bool prompt_only;

  std::string operator()(const TextRow& row) const { return prompt_only ? "" : row.text; }
  std::string operator()(const PromptRow& row) const {
    if (prompt_only) return passage_text(row.prompt);
    return joined({passage_text(row.prompt), passage_text(row.completion)});
  }
  std::string operator()(const ChatRow& row) const {
    Passage passage{"", row.messages};
    if (!prompt_only) return joined({passage_text(passage), row.tools_json});
    // Up to the first answer.
    const auto answer = std::find_if(row.messages.begin(), row.messages.end(),
                                     [](const auto& m) { return m.role == "assistant"; });
    return passage_text({"", {row.messages.begin(), answer}});
  }
  std::string operator()(const PreferenceRow& row) const {
    if (prompt_only) return passage_text(row.prompt);
    return joined({passage_text(row.prompt), passage_text(row.chosen), passage_text(row.rejected)});
  }
  std::string operator()(const FeedbackRow& row) const {
    if (prompt_only) return passage_text(row.prompt);
    return joined({passage_text(row.prompt), passage_text(row.completion)});
  }
  std::string operator()(const LabelRow& row) const {
    const std::string asked = joined({row.text, row.second});
    return prompt_only ? asked : joined({asked, row.label});
  }
  std::string operator()(const PairRow& row) const {
    const std::string asked = joined({row.first, row.second, row.negative});
    return prompt_only ? asked : joined({asked, row.score ? std::to_string(*row.score) : ""});
  }
  std::string operator()(const Seq2SeqRow& row) const {
    return prompt_only ? row.source : joined({row.source, row.target});
  }
};

}  // namespace

void add_problem(std::vector<RowProblem>* problems, ErrorCode code, RowProblem problem) {
  if (!problems) throw Error(code, problem.sentence());
  if (problems->size() >= kProblemsMax) {
    throw Error(code, fmt::format("[data] more than {} rows are wrong; the last: {}", kProblemsMax,
                                  problem.sentence()));
  }
  problems->push_back(std::move(problem));
}

std::string RowProblem::sentence() const {
  return fmt::format("[data] {}:{}: {}", file, line, message);
}

std::string Dataset::where(const Row& row) const {
  return fmt::format("{}:{}", files.at(row.file).name, row.line);
}

Dataset read_dataset(std::span<const fs::path> files, const ReadOptions& options) {
  Dataset data;
  for (const fs::path& file : files) read_rows(file.string(), read_file(file), options, &data);
  return data;
}

Dataset parse_dataset(const std::string& name, std::string bytes, const ReadOptions& options) {
  Dataset data;
  read_rows(name, std::move(bytes), options, &data);
  return data;
}

std::string row_text(const Row& row, bool prompt_only) {
  return std::visit(TextOf{prompt_only}, row.data);
}

}  // namespace ondol::train

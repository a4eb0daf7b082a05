#include "train/dataset_formats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "train/dataset_fields.h"

namespace ondol::train {
namespace {

using text::ChatMessage;
using Messages = std::vector<ChatMessage>;

void need_answer(const Messages& messages, std::string_view key) {
  const auto answers = [](const ChatMessage& m) { return m.role == "assistant"; };
  if (std::any_of(messages.begin(), messages.end(), answers)) return;
  row_fault(
      fmt::format("'{}' has no message of the assistant; expected at least one, as it is what "
                  "the model learns",
                  key));
}

void put_system(const Fields& fields, Messages* messages) {
  const std::string system = fields.text_or_empty("system");
  if (!system.empty()) messages->insert(messages->begin(), {"system", system, ""});
}

// A string beside messages is a turn.
void align(Passage* prompt, Passage* answer) {
  if (prompt->is_chat() && !answer->is_chat()) {
    *answer = {"", {{"assistant", answer->text, ""}}};
  } else if (!prompt->is_chat() && answer->is_chat() && !prompt->text.empty()) {
    *prompt = {"", {{"user", prompt->text, ""}}};
  }
}

void need_text(const Passage& passage, std::string_view key) {
  if (!passage.is_chat() && passage.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    row_fault(fmt::format("field '{}' is empty; expected text; try leaving the row out", key));
  }
}

RowData read_text(const Fields& fields) { return TextRow{fields.full_text("text")}; }

RowData read_prompt(const Fields& fields) {
  PromptRow row{fields.passage("prompt"), fields.passage("completion"),
                fields.list_or_empty("tools")};
  need_text(row.completion, "completion");
  align(&row.prompt, &row.completion);
  if (row.completion.is_chat()) need_answer(row.completion.messages, "completion");
  return row;
}

RowData read_messages(const Fields& fields) {
  ChatRow row;
  row.messages = fields.messages("messages", &row.unlearned);
  need_answer(row.messages, "messages");
  row.tools_json = fields.list_or_empty("tools");
  return row;
}

RowData read_conversations(const Fields& fields) {
  ChatRow row{fields.messages("conversations"), {}, fields.list_or_empty("tools")};
  need_answer(row.messages, "conversations");
  put_system(fields, &row.messages);
  return row;
}

Messages instruction_prompt(const Fields& fields) {
  Messages messages;
  put_system(fields, &messages);
  for (auto& [question, answer] : fields.history("history")) {
    messages.push_back({"user", question, ""});
    messages.push_back({"assistant", answer, ""});
  }
  std::string asked = fields.full_text("instruction");
  const std::string input = fields.text_or_empty("input");
  if (!input.empty()) asked += "\n" + input;
  messages.push_back({"user", asked, ""});
  return messages;
}

RowData read_instruction(const Fields& fields) {
  ChatRow row{instruction_prompt(fields), {}, ""};
  row.messages.push_back({"assistant", fields.full_text("output"), ""});
  return row;
}

RowData read_question(const Fields& fields) {
  ChatRow row;
  put_system(fields, &row.messages);
  row.messages.push_back({"user", fields.full_text("question"), ""});
  row.messages.push_back({"assistant", fields.full_text("answer"), ""});
  return row;
}

// What both lists of messages begin with is the prompt.
void split_prompt(PreferenceRow* row) {
  Messages& chosen = row->chosen.messages;
  Messages& rejected = row->rejected.messages;
  const auto [end, other] =
      std::mismatch(chosen.begin(), chosen.end(), rejected.begin(), rejected.end());
  row->prompt.messages.assign(chosen.begin(), end);
  rejected.erase(rejected.begin(), other);
  chosen.erase(chosen.begin(), end);
}

RowData read_preference(const Fields& fields) {
  PreferenceRow row;
  if (fields.has("conversations")) {
    row.prompt.messages = fields.messages("conversations");
    put_system(fields, &row.prompt.messages);
  } else if (fields.has("prompt")) {
    row.prompt = fields.passage("prompt");
  }
  row.chosen = fields.passage("chosen");
  row.rejected = fields.passage("rejected");
  need_text(row.chosen, "chosen");
  need_text(row.rejected, "rejected");
  if (row.chosen == row.rejected) {
    row_fault("'chosen' and 'rejected' are the same; expected a better and a worse answer");
  }
  align(&row.prompt, &row.chosen);
  align(&row.prompt, &row.rejected);
  if (row.chosen.is_chat() != row.rejected.is_chat()) {
    row_fault("one of 'chosen' and 'rejected' is text and the other messages; expected the same");
  }
  if (row.chosen.is_chat() && !row.prompt.is_chat()) split_prompt(&row);
  if (row.chosen.is_chat()) {
    need_answer(row.chosen.messages, "chosen");
    need_answer(row.rejected.messages, "rejected");
  }
  row.margin = fields.number_or_none("margin");
  row.tools_json = fields.list_or_empty("tools");
  return row;
}

RowData read_feedback(const Fields& fields) {
  FeedbackRow row{fields.passage("prompt"), fields.passage("completion"),
                  fields.boolean("label|kto_tag"), fields.list_or_empty("tools")};
  need_text(row.completion, "completion");
  align(&row.prompt, &row.completion);
  return row;
}

// The last message is what was judged.
FeedbackRow judged(Messages messages, std::string_view key, bool good) {
  if (messages.back().role != "assistant" || messages.size() < 2) {
    row_fault(
        fmt::format("'{}' must end with the judged message of the assistant, after another; "
                    "got '{}' last of {}",
                    key, messages.back().role, messages.size()));
  }
  FeedbackRow row{{}, {"", {messages.back()}}, good, ""};
  messages.pop_back();
  row.prompt.messages = std::move(messages);
  return row;
}

RowData read_feedback_messages(const Fields& fields) {
  return judged(fields.messages("messages"), "messages", fields.boolean("label|kto_tag"));
}

RowData read_feedback_conversations(const Fields& fields) {
  FeedbackRow row =
      judged(fields.messages("conversations"), "conversations", fields.boolean("label|kto_tag"));
  put_system(fields, &row.prompt.messages);
  return row;
}

RowData read_feedback_instruction(const Fields& fields) {
  Messages messages = instruction_prompt(fields);
  messages.push_back({"assistant", fields.full_text("output"), ""});
  return judged(std::move(messages), "instruction", fields.boolean("kto_tag"));
}

RowData read_label(const Fields& fields) {
  return LabelRow{fields.full_text("text"), "", fields.label("label")};
}

RowData read_entailment(const Fields& fields) {
  return LabelRow{fields.full_text("premise"), fields.full_text("hypothesis"),
                  fields.label("label")};
}

RowData read_pair(const Fields& fields) {
  return PairRow{fields.full_text("sentence1"), fields.full_text("sentence2"), "",
                 fields.number_or_none("score|label")};
}

RowData read_anchor(const Fields& fields) {
  return PairRow{fields.full_text("anchor"), fields.full_text("positive"),
                 fields.text_or_empty("negative"), std::nullopt};
}

RowData read_inputs(const Fields& fields) {
  return Seq2SeqRow{fields.full_text("inputs"), fields.full_text("targets")};
}

RowData read_source(const Fields& fields) {
  return Seq2SeqRow{fields.full_text("source"), fields.full_text("target")};
}

struct Format {
  std::string_view name;
  std::array<std::string_view, 3> needs;  // "label|kto_tag": one of the two
  std::array<std::string_view, 5> may;
  std::string_view used_for;
  RowData (*read)(const Fields& fields);
};

// The first row of the table whose keys are all there is the format.
constexpr std::array kFormats = {
    Format{"preference",
           {"chosen", "rejected"},
           {"prompt", "margin", "conversations", "system", "tools"},
           "preferences",
           read_preference},
    Format{"feedback",
           {"prompt", "completion", "label|kto_tag"},
           {"tools"},
           "feedback",
           read_feedback},
    Format{
        "feedback-messages", {"messages", "label|kto_tag"}, {}, "feedback", read_feedback_messages},
    Format{"feedback-conversations",
           {"conversations", "label|kto_tag"},
           {"system"},
           "feedback",
           read_feedback_conversations},
    Format{"feedback-instruction",
           {"instruction", "output", "kto_tag"},
           {"input", "system", "history"},
           "feedback",
           read_feedback_instruction},
    Format{"messages", {"messages"}, {"tools"}, "conversations", read_messages},
    Format{"conversations",
           {"conversations"},
           {"system", "tools"},
           "conversations",
           read_conversations},
    Format{"instruction",
           {"instruction", "output"},
           {"input", "system", "history"},
           "conversations",
           read_instruction},
    Format{"prompt-completion",
           {"prompt", "completion"},
           {"tools"},
           "prompts with answers",
           read_prompt},
    Format{"question-answer", {"question", "answer"}, {"system"}, "conversations", read_question},
    Format{"inputs-targets", {"inputs", "targets"}, {}, "prompts with answers", read_inputs},
    Format{"source-target", {"source", "target"}, {}, "sequence to sequence", read_source},
    Format{"sentence-pair",
           {"sentence1", "sentence2"},
           {"score", "label"},
           "sentence vectors",
           read_pair},
    Format{
        "anchor-positive", {"anchor", "positive"}, {"negative"}, "sentence vectors", read_anchor},
    Format{
        "entailment", {"premise", "hypothesis", "label"}, {}, "classes of pairs", read_entailment},
    Format{"text-label", {"text", "label"}, {}, "classes", read_label},
    Format{"text", {"text"}, {}, "plain text", read_text},
};

std::string joined(const auto& keys) {
  std::string all;
  for (const std::string_view key : keys) {
    if (!key.empty()) all += (all.empty() ? "" : ", ") + std::string(key);
  }
  return all;
}

bool fits(const Format& format, const Fields& fields) {
  return std::all_of(format.needs.begin(), format.needs.end(),
                     [&](std::string_view key) { return key.empty() || fields.has_place(key); });
}

std::string known_names() {
  std::string all;
  for (const Format& format : kFormats) all += (all.empty() ? "" : ", ") + std::string(format.name);
  return all;
}

const Format* find_format(std::string_view name) {
  for (const Format& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

const Format* detect(const Fields& fields) {
  for (const Format& format : kFormats) {
    if (fits(format, fields)) return &format;
  }
  return nullptr;
}

bool reads(const Format& format, std::string_view key) {
  const auto names = [&](std::string_view keys) {
    for (size_t begin = 0; begin < keys.size();) {
      const size_t end = std::min(keys.find('|', begin), keys.size());
      if (keys.substr(begin, end - begin) == key) return true;
      begin = end + 1;
    }
    return false;
  };
  return std::any_of(format.needs.begin(), format.needs.end(), names) ||
         std::any_of(format.may.begin(), format.may.end(), names);
}

[[noreturn]] void fail_mixed(const Fields& fields, const Format& wanted, size_t first_line,
                             bool asked) {
  for (const std::string_view key : wanted.needs) {
    if (fields.is_null(key)) row_fault(fmt::format("field '{}' is null; expected a value", key));
  }
  const Format* other = detect(fields);
  const std::string why = asked
                              ? fmt::format("expected '{}', as asked for", wanted.name)
                              : fmt::format("expected '{}' as in line {}", wanted.name, first_line);
  row_fault(fmt::format(
      "the row is {}; got {}, {} ({}); try one file a format",
      other ? fmt::format("of another format, '{}'", other->name) : "of no known format",
      fmt::format("the keys {}", fmt::join(fields.names(), ", ")), why, joined(wanted.needs)));
}

[[noreturn]] void fail_unknown(const Fields& fields) {
  std::vector<std::string> known;
  for (const Format& format : kFormats) known.push_back("{" + joined(format.needs) + "}");
  row_fault(
      fmt::format("the keys are of no known format; got {}, expected one of {}; try renaming "
                  "the fields",
                  fmt::join(fields.names(), ", "), fmt::join(known, ", ")));
}

}  // namespace

std::span<const FormatInfo> data_formats() {
  static const std::vector<FormatInfo> kInfos = [] {
    std::vector<FormatInfo> infos;
    for (const Format& format : kFormats) {
      const std::string may = joined(format.may);
      infos.push_back({std::string(format.name),
                       joined(format.needs) + (may.empty() ? "" : " [, " + may + "]"),
                       std::string(format.used_for)});
    }
    return infos;
  }();
  return kInfos;
}

RowReader::RowReader(std::string format, SourceKind kind, std::vector<std::string> columns)
    : format_(std::move(format)),
      asked_(!format_.empty()),
      kind_(kind),
      columns_(std::move(columns)) {
  if (kind_ == SourceKind::kText && format_.empty()) format_ = "text";
  if (!format_.empty() && !find_format(format_)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[data] the format '{}' is not known; expected one of {}", format_,
                            known_names()));
  }
  if (kind_ == SourceKind::kText && format_ != "text") {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[data] a .txt file is 'text', not '{}'; try .jsonl", format_));
  }
}

RowData RowReader::read(const RawRow& raw) {
  if (kind_ == SourceKind::kText) {
    need_text({raw.cells.at(0), {}}, "text");
    return TextRow{raw.cells[0]};
  }
  const Fields fields(raw, columns_);
  const Format* format = format_.empty() ? detect(fields) : find_format(format_);
  if (!format) fail_unknown(fields);
  if (!fits(*format, fields)) fail_mixed(fields, *format, first_line_, asked_);
  if (format_.empty()) {
    format_ = format->name;
    first_line_ = raw.line;
  } else if (!asked_ && detect(fields) != format) {
    // Its keys are there, but so are those of a format that says more: a row of another kind.
    fail_mixed(fields, *format, first_line_, asked_);
  }
  for (const std::string& name : fields.names()) {
    const bool known = std::find(ignored_.begin(), ignored_.end(), name) != ignored_.end();
    if (!known && !reads(*format, name)) ignored_.push_back(name);
  }
  return format->read(fields);
}

}  // namespace ondol::train

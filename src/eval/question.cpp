#include "eval/question.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::eval {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char*, 3> kSplitNames = {"train", "dev", "test"};
constexpr std::array<const char*, 9> kFields = {
    "id", "question", "answers", "answer_index", "choices", "gold", "metric", "cluster", "split"};

// One line of a file: where an error is, and the fields with their types checked.
class Line {
 public:
  Line(const Json& object, std::string where, const QuestionLimits& limits)
      : object_(object), where_(std::move(where)), limits_(limits) {}

  [[noreturn]] void fail(const std::string& field, const std::string& what) const {
    throw Error(ErrorCode::kCorruptData, where_ + " field '" + field + "' " + what);
  }

  const Json* find(const char* field) const {
    const auto at = object_.find(field);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
  }

  std::string string(const char* field, const Json& value) const {
    if (!value.is_string()) {
      fail(field, std::string("must be a text; got ") + value.type_name());
    }
    return value.get<std::string>();
  }

  std::string optional_string(const char* field) const {
    const Json* value = find(field);
    return value ? string(field, *value) : std::string();
  }

  std::vector<std::string> strings(const char* field) const {
    std::vector<std::string> out;
    if (const Json* value = find(field)) {
      for (const Json& item : list(field, *value)) out.push_back(string(field, item));
    }
    return out;
  }

  const Json& list(const char* field, const Json& value) const {
    if (!value.is_array()) fail(field, std::string("must be a list; got ") + value.type_name());
    if (value.size() > limits_.list_items_max) {
      fail(field, "is too long; got " + std::to_string(value.size()) + " items, expected at most " +
                      std::to_string(limits_.list_items_max));
    }
    return value;
  }

  std::vector<GoldPassage> gold() const {
    std::vector<GoldPassage> out;
    const Json* value = find("gold");
    if (!value) return out;
    for (const Json& item : list("gold", *value)) {
      if (item.is_string()) {
        out.push_back({item.get<std::string>(), ""});
        continue;
      }
      if (!item.is_object() || !item.contains("document")) {
        fail("gold",
             "items must be {\"document\": ..., \"quote\": ...}; got " +
                 std::string(item.is_object() ? "an object without 'document'" : item.type_name()));
      }
      for (const auto& [key, unused] : item.items()) {
        if (key != "document" && key != "quote") {
          fail("gold." + key, "is not known; expected 'document' and 'quote'");
        }
      }
      GoldPassage passage{string("gold.document", item["document"]), ""};
      if (item.contains("quote") && !item["quote"].is_null()) {
        passage.quote = string("gold.quote", item["quote"]);
      }
      out.push_back(std::move(passage));
    }
    return out;
  }

 private:
  const Json& object_;
  std::string where_;
  const QuestionLimits& limits_;
};

void check_fields(const Json& object, const Line& line) {
  for (const auto& [key, unused] : object.items()) {
    if (std::find(kFields.begin(), kFields.end(), key) == kFields.end()) {
      line.fail(key,
                "is not known; expected one of id, question, answers, answer_index, choices, "
                "gold, metric, cluster, split");
    }
  }
}

void read_choice(const Line& line, Question& question) {
  const Json* index = line.find("answer_index");
  if (!index) {
    if (!question.choices.empty() && question.answers.empty()) {
      line.fail("choices", "need an 'answer_index' or 'answers'");
    }
    return;
  }
  if (question.choices.empty()) line.fail("answer_index", "needs 'choices'");
  const auto count = static_cast<int64_t>(question.choices.size());
  if (!index->is_number_integer() || index->get<int64_t>() < 0 || index->get<int64_t>() >= count) {
    line.fail("answer_index", "must be a whole number from 0 to " + std::to_string(count - 1) +
                                  "; got " + index->dump());
  }
  question.answer_index = index->get<int>();
}

Question read_question(const Json& object, const Line& line, size_t line_number) {
  check_fields(object, line);
  Question question;
  question.id = line.optional_string("id");
  if (question.id.empty()) question.id = "line-" + std::to_string(line_number);
  question.question = line.optional_string("question");
  if (question.question.empty()) line.fail("question", "is missing or empty");
  question.answers = line.strings("answers");
  for (const std::string& answer : question.answers) {
    if (answer.empty()) {
      line.fail("answers", "holds an empty text; try an empty list for an unanswerable question");
    }
  }
  question.choices = line.strings("choices");
  read_choice(line, question);
  question.gold = line.gold();
  question.metric = line.optional_string("metric");
  question.cluster = line.optional_string("cluster");
  const std::string split = line.optional_string("split");
  if (split.empty()) {
    question.split = assign_split(question.id);
  } else if (const auto known = parse_split(split)) {
    question.split = *known;
  } else {
    line.fail("split", "must be train, dev or test; got '" + split + "'");
  }
  return question;
}

}  // namespace

const char* split_name(Split split) { return kSplitNames[static_cast<size_t>(split)]; }

std::optional<Split> parse_split(std::string_view name) {
  for (size_t i = 0; i < kSplitNames.size(); ++i) {
    if (name == kSplitNames[i]) return static_cast<Split>(i);
  }
  return std::nullopt;
}

std::vector<Question> parse_questions(std::string_view jsonl, const std::string& source,
                                      const QuestionLimits& limits) {
  std::vector<Question> questions;
  std::unordered_set<std::string> ids;
  if (jsonl.starts_with("\xEF\xBB\xBF")) jsonl.remove_prefix(3);
  for (size_t number = 1; !jsonl.empty(); ++number) {
    const size_t end = jsonl.find('\n');
    const std::string_view text = jsonl.substr(0, end);
    jsonl.remove_prefix(end == std::string_view::npos ? jsonl.size() : end + 1);
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = "[questions] " + source + " line " + std::to_string(number) + ":";
    if (text.size() > limits.line_bytes_max || questions.size() >= limits.questions_max) {
      throw Error(ErrorCode::kResourceExhausted,
                  where + " over the limit; expected at most " +
                      std::to_string(limits.line_bytes_max) + " bytes a line and " +
                      std::to_string(limits.questions_max) + " questions");
    }
    const Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) {
      throw Error(ErrorCode::kCorruptData,
                  where + " not a JSON object; got '" + std::string(text.substr(0, 40)) +
                      "', expected {\"question\": ..., \"answers\": [...]} on one line");
    }
    const Line line(object, where, limits);
    questions.push_back(read_question(object, line, number));
    if (!ids.insert(questions.back().id).second) {
      line.fail("id", "is there twice; got '" + questions.back().id + "' again");
    }
  }
  if (questions.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[questions] " + source + " holds no question; expected one JSON object a line");
  }
  return questions;
}

std::vector<Question> read_questions(const std::filesystem::path& file,
                                     const QuestionLimits& limits) {
  return parse_questions(read_file(file, limits.file_bytes_max), file.string(), limits);
}

std::string format_question(const Question& question) {
  nlohmann::ordered_json object = {{"id", question.id}, {"question", question.question}};
  if (!question.answers.empty() || question.choices.empty()) object["answers"] = question.answers;
  if (question.answer_index) object["answer_index"] = *question.answer_index;
  if (!question.choices.empty()) object["choices"] = question.choices;
  if (!question.gold.empty()) {
    object["gold"] = nlohmann::ordered_json::array();
    for (const GoldPassage& passage : question.gold) {
      nlohmann::ordered_json item = {{"document", passage.document}};
      if (!passage.quote.empty()) item["quote"] = passage.quote;
      object["gold"].push_back(std::move(item));
    }
  }
  if (!question.metric.empty()) object["metric"] = question.metric;
  if (!question.cluster.empty()) object["cluster"] = question.cluster;
  object["split"] = split_name(question.split);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Split assign_split(std::string_view key) {
  const std::string digest = sha256_hex("ondol-split-1:" + std::string(key));
  const uint64_t number = std::stoull(digest.substr(0, 16), nullptr, 16);
  const double place = static_cast<double>(number >> 11) * 0x1.0p-53;
  return place < 0.4 ? Split::kTrain : place < 0.6 ? Split::kDev : Split::kTest;
}

std::vector<Question> in_split(std::span<const Question> questions, Split split) {
  std::vector<Question> out;
  for (const Question& question : questions) {
    if (question.split == split) out.push_back(question);
  }
  return out;
}

}  // namespace ondol::eval

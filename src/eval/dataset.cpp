#include "eval/dataset.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::eval {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

// Calls row(object, "line N of FILE") for every line; a row that lacks a field or has it in another
// type becomes an error naming file, line and field.
template <class Row>
void each_row(const fs::path& file, Row row) {
  std::istringstream lines(read_file(file));
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    try {
      if (!object.is_object()) throw std::runtime_error("not a JSON object");
      row(object, number);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error(ErrorCode::kCorruptData, "[dataset] " + file.string() + " line " +
                                               std::to_string(number) + ": " + error.what());
    }
  }
}

std::vector<Document> read_corpus(const fs::path& file) {
  std::vector<Document> documents;
  each_row(file, [&](const Json& row, size_t) {
    documents.push_back({row.at("id").get<std::string>(), row.at("title").get<std::string>(),
                         row.at("text").get<std::string>()});
  });
  return documents;
}

// The sentence of `text` around the code point `start`, as the quote that a citation should meet.
std::string sentence_at(const std::string& text, size_t start) {
  size_t byte = 0;
  for (size_t seen = 0; byte < text.size() && seen < start; ++seen) {
    do ++byte;
    while (byte < text.size() && (text[byte] & 0xC0) == 0x80);
  }
  const auto ends = [&](size_t at) {
    return (text[at] == '.' && (at + 1 == text.size() || text[at + 1] == ' ')) ||
           text.compare(at, 3, "。") == 0;
  };
  size_t from = byte, to = byte;
  while (from > 0 && !(text[from - 1] == ' ' && from >= 2 && ends(from - 2)) &&
         !(from >= 3 && text.compare(from - 3, 3, "。") == 0)) {
    --from;
  }
  while (to < text.size() && !ends(to)) ++to;
  if (to < text.size()) to += text[to] == '.' ? 1 : 3;
  return text.substr(from, to - from);
}

// BEIR-like sets: corpus + queries, gold = corpus ids.
QuestionSet read_rag(const fs::path& corpus, const fs::path& queries, std::string language) {
  QuestionSet set{.language = std::move(language), .documents = read_corpus(corpus)};
  std::unordered_map<std::string, const Document*> by_id;
  for (const Document& document : set.documents) by_id[document.id] = &document;
  each_row(queries, [&](const Json& row, size_t) {
    Question question{.id = row.at("id"), .question = row.at("question")};
    question.answers = row.at("answers").get<std::vector<std::string>>();
    const Json starts = row.value("answer_starts", Json::array());
    for (const std::string id : row.at("gold")) {
      const auto found = by_id.find(id);
      if (found == by_id.end()) throw std::runtime_error("gold names no document: '" + id + "'");
      std::string quote;
      if (!starts.empty()) quote = sentence_at(found->second->text, starts[0].get<size_t>());
      question.gold.push_back({id, quote});
    }
    if (question.gold.empty()) throw std::runtime_error("field 'gold' is empty");
    question.cluster = question.gold.front().document;
    question.split = assign_split(question.cluster);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_own(const fs::path& path, const DatasetOptions& options) {
  return {.language = options.language, .questions = read_questions(path)};
}

QuestionSet read_xquad(const fs::path& folder, const DatasetOptions& options) {
  return read_rag(folder / ("corpus." + options.language + ".jsonl"),
                  folder / ("queries." + options.language + ".jsonl"), options.language);
}

QuestionSet read_musique(const fs::path& folder, const DatasetOptions&) {
  QuestionSet set = read_rag(folder / "corpus.jsonl", folder / "queries.jsonl", "en");
  std::unordered_map<std::string, Document*> by_id;
  for (Document& document : set.documents) by_id[document.id] = &document;
  each_row(folder / "openie_triples.jsonl", [&](const Json& row, size_t) {
    const std::string id = row.at("id");
    const auto found = by_id.find(id);
    if (found == by_id.end()) throw std::runtime_error("field 'id' is no document: '" + id + "'");
    for (const Json& triple : row.at("triples")) {
      if (triple.size() != 3) continue;  // what the model that made them broke off
      found->second->facts.push_back(triple.get<std::array<std::string, 3>>());
    }
  });
  return set;
}

QuestionSet read_hotpotqa(const fs::path& folder, const DatasetOptions&) {
  return read_rag(folder / "corpus.jsonl", folder / "queries.jsonl", "en");
}

// Grade-school arithmetic: the answer is what follows "####" in the last line.
QuestionSet read_gsm8k(const fs::path& folder, const DatasetOptions&) {
  QuestionSet set{.language = "en"};
  each_row(folder / "train.jsonl", [&](const Json& row, size_t number) {
    Question question{.id = "train-" + std::to_string(number - 1), .question = row.at("question")};
    const std::string worked = row.at("answer");
    const size_t mark = worked.rfind("#### ");
    if (mark == std::string::npos) throw std::runtime_error("field 'answer' has no '#### '");
    question.answers = {worked.substr(mark + 5)};
    question.metric = "numeric";
    question.split = assign_split(question.id);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_arc(const fs::path& folder, const DatasetOptions&) {
  QuestionSet set{.language = "en"};
  each_row(folder / "train.jsonl", [&](const Json& row, size_t) {
    Question question{.id = row.at("id"), .question = row.at("question")};
    question.choices = row.at("choices").get<std::vector<std::string>>();
    const int answer = row.at("answer");
    if (answer < 0 || static_cast<size_t>(answer) >= question.choices.size()) {
      throw std::runtime_error("field 'answer' is no index of 'choices'");
    }
    question.answer_index = answer;
    question.split = assign_split(question.id);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_boolq(const fs::path& folder, const DatasetOptions&) {
  QuestionSet set{.language = "en"};
  each_row(folder / "train.jsonl", [&](const Json& row, size_t number) {
    Question question{.id = "train-" + std::to_string(number - 1), .question = row.at("question")};
    question.choices = {"no", "yes"};
    question.answer_index = row.at("answer").get<bool>() ? 1 : 0;
    question.metric = "acc";  // as lm-evaluation-harness reports it
    question.split = assign_split(question.id);
    set.questions.push_back(std::move(question));
  });
  return set;
}

constexpr std::array<DatasetReader, 7> kReaders = {{
    {"questions", "your own questions, JSON Lines", "en ko de zh", false, read_own},
    {"rag_xquad", "questions on 240 encyclopaedia passages (XQuAD)", "en de zh", true, read_xquad},
    {"rag_musique", "questions that join two to four passages (MuSiQue)", "en", true, read_musique},
    {"rag_hotpotqa", "questions that join two passages (HotpotQA)", "en", true, read_hotpotqa},
    {"gsm8k", "grade-school word problems with one number as answer", "en", false, read_gsm8k},
    {"arc_easy", "school science, multiple choice (ARC-Easy)", "en", false, read_arc},
    {"boolq", "yes/no questions, closed book (BoolQ)", "en", false, read_boolq},
}};

void keep_first_by_hash(std::vector<Question>& questions, size_t count) {
  if (count == 0 || count >= questions.size()) return;
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < questions.size(); ++i) {
    order.emplace_back(sha256_hex("ondol-sample-1:" + questions[i].id), i);
  }
  std::sort(order.begin(), order.end());
  order.resize(count);
  std::vector<Question> kept;
  for (const auto& [unused, index] : order) kept.push_back(std::move(questions[index]));
  questions = std::move(kept);
}

}  // namespace

std::span<const DatasetReader> dataset_readers() { return kReaders; }

QuestionSet read_dataset(std::string_view name, const fs::path& data,
                         const DatasetOptions& options) {
  std::string known;
  for (const DatasetReader& reader : kReaders) {
    known += (known.empty() ? "" : ", ") + std::string(reader.name);
    if (name != reader.name) continue;
    const std::string languages = std::string(" ") + reader.languages + " ";
    if (languages.find(" " + options.language + " ") == std::string::npos) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[dataset] '" + std::string(name) + "' is not there in this language; got '" +
                      options.language + "', expected one of " + reader.languages);
    }
    const bool inside = fs::is_directory(data / name);
    QuestionSet set = reader.read(inside ? data / name : data, options);
    set.name = name;
    if (set.questions.empty()) {
      throw Error(ErrorCode::kCorruptData, "[dataset] " + data.string() + " holds no question");
    }
    keep_first_by_hash(set.questions, options.questions_max);
    return set;
  }
  throw Error(ErrorCode::kNotFound, "[dataset] no set of this name; got '" + std::string(name) +
                                        "', expected one of " + known);
}

}  // namespace ondol::eval

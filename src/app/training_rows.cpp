#include "app/training_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/opened_corpus.h"
#include "app/pipeline.h"
#include "app/search.h"
#include "base/error.h"
#include "base/files.h"
#include "eval/metrics.h"

namespace ondol::app {
namespace {

std::string answer_of(const eval::Question& question) {
  if (question.answer_index)
    return question.choices.at(static_cast<size_t>(*question.answer_index));
  return question.answers.empty() ? std::string() : question.answers[0];
}

bool holds_answer(const eval::Question& question, std::span<const Evidence> evidence) {
  if (!question.choices.empty()) return true;
  return std::ranges::any_of(evidence, [&](const Evidence& piece) {
    return std::ranges::any_of(question.answers, [&](const std::string& answer) {
      return eval::contains_answer(piece.text, answer);
    });
  });
}

std::string row_of(const Prompt& prompt, const std::string& answer) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const auto& message : prompt.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  messages.push_back({{"role", "assistant"}, {"content", prompt.prefill + answer}});
  const nlohmann::ordered_json row = {{"messages", messages}};
  return row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

TrainingRows training_rows(const Workspace& workspace, Session& session, const std::string& name,
                           eval::Split split, ProgressSink& progress) {
  const RecipeBook& book = workspace.book();
  session.add_endpoints(book.endpoints);
  Recipe recipe = book.recipe(name);
  recipe.prompt.shots = 0;  // rows must not show one another's answers
  const std::vector<eval::Question> questions =
      eval::in_split(eval::read_questions(workspace.questions()), split);
  if (questions.empty()) {
    throw Error(ErrorCode::kNotFound, "[train] " + workspace.questions().string() +
                                          " has no questions of the " + split_name(split) +
                                          " split");
  }
  OpenedCorpus opened(workspace, knowledge_kinds(std::span(&recipe, 1)));
  Embedder* embedder = book.embedder.empty() ? nullptr : &session.embedder(book.embedder);
  const CompiledRecipe compiled(
      recipe, {.embedder = embedder,
               .corpus = opened.corpus(kDocumentsCollection, embedder, session, book)});
  std::vector<Query> queries;
  for (const eval::Question& question : questions) queries.push_back(to_query(question));
  progress.update("retrieve", 0, queries.size());
  const auto evidence = compiled.retrieve_all(queries);
  TrainingRows rows;
  for (size_t i = 0; i < questions.size(); ++i) {
    const std::string answer = answer_of(questions[i]);
    if (answer.empty()) {
      ++rows.without_question;
    } else if (!recipe.knowledge.empty() && !holds_answer(questions[i], evidence[i])) {
      ++rows.without_answer;
    } else {
      rows.jsonl += row_of(compiled.prompt(queries[i], evidence[i]), answer);
      ++rows.rows;
    }
  }
  return rows;
}

TrainingRows add_recipe_rows(const Workspace& workspace, Session& session,
                             const std::string& recipe, TrainFields& fields,
                             ProgressSink& progress) {
  if (fields.output_dir.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[train] no folder for the run; name --output-dir");
  }
  TrainingRows rows = training_rows(workspace, session, recipe, eval::Split::kTrain, progress);
  const std::filesystem::path folder = fields.output_dir;
  write_file_atomic(folder / "rows.jsonl", rows.jsonl);
  fields.dataset.insert(fields.dataset.begin(), (folder / "rows.jsonl").string());
  const bool has_dev =
      !eval::in_split(eval::read_questions(workspace.questions()), eval::Split::kDev).empty();
  if (!fields.validation_dataset.empty() || !has_dev) return rows;
  const TrainingRows dev = training_rows(workspace, session, recipe, eval::Split::kDev, progress);
  if (dev.rows == 0) return rows;
  write_file_atomic(folder / "dev.jsonl", dev.jsonl);
  fields.validation_dataset = {(folder / "dev.jsonl").string()};
  rows.validation_rows = dev.rows;
  return rows;
}

}  // namespace ondol::app

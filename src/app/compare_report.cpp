#include "app/compare_report.h"

#include <algorithm>
#include <ctime>

#include "app/version.h"

namespace ondol::app {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

eval::GradedAnswer graded(const AnswerRecord& record, bool retrieves) {
  eval::GradedAnswer answer{.text = record.answer.text,
                            .refused = record.answer.refused,
                            .retrieves = retrieves,
                            .choice_log_likelihoods = record.answer.choice_log_likelihoods};
  for (const Evidence& piece : record.answer.evidence) answer.retrieved.push_back(piece.document);
  for (const Citation& citation : record.answer.citations) {
    answer.citations.push_back(
        {citation.document, citation.quote, citation.char_from, citation.char_to});
  }
  return answer;
}

// With retrieval alone there is no answer to grade: the score is the share of gold documents found.
double score_of(const eval::Question& question, const AnswerRecord& record, bool retrieves,
                bool retrieval_only) {
  if (!record.error.empty()) return 0;
  if (!retrieval_only) return eval::score_answer(question, graded(record, retrieves)).value;
  const eval::GradedAnswer answer = graded(record, retrieves);
  std::vector<std::string> gold;
  for (const eval::GoldPassage& passage : question.gold) gold.push_back(passage.document);
  return gold.empty() ? 0 : eval::recall_at(answer.retrieved, gold, 5);
}

// Byte offset of a code point in UTF-8 text.
size_t byte_offset(const std::string& text, int64_t code_point) {
  size_t byte = 0;
  for (; byte < text.size(); ++byte) {
    const bool starts = (static_cast<unsigned char>(text[byte]) & 0xC0) != 0x80;
    if (starts && code_point-- == 0) break;
  }
  return byte;
}

eval::ReportPassage passage(const Evidence& piece, const Answer& answer,
                            const eval::Question& question) {
  eval::ReportPassage out{.document = piece.document,
                          .heading = piece.heading,
                          .text = piece.text,
                          .score = piece.score};
  for (const Citation& citation : answer.citations) {
    if (citation.chunk_id != piece.chunk_id) continue;
    out.cited = true;
    const size_t from = byte_offset(piece.text, citation.char_from - piece.char_from);
    const size_t to = byte_offset(piece.text, citation.char_to - piece.char_from);
    if (from < to) out.highlights.push_back({from, to});
  }
  for (const eval::GoldPassage& gold : question.gold) out.gold |= gold.document == piece.document;
  return out;
}

eval::ReportAnswer report_answer(const eval::Question& question, const ComparedRecipe& recipe,
                                 size_t q, double mean_score, bool retrieval_only) {
  const auto& repeats = recipe.run.answers[q];
  const AnswerRecord& first = repeats[0];
  eval::ReportAnswer out{.text = first.answer.text,
                         .score = mean_score,
                         .refused = first.answer.refused,
                         .error = first.error,
                         .latency_s = first.answer.milliseconds / 1000,
                         .tokens_in = first.answer.usage.prompt_tokens,
                         .tokens_out = first.answer.usage.completion_tokens,
                         .prompt = recipe.prompts[q]};
  for (const Evidence& piece : first.answer.evidence) {
    out.passages.push_back(passage(piece, first.answer, question));
  }
  if (first.error.empty()) {
    out.metrics = eval::all_scores(question, graded(first, !recipe.recipe.knowledge.empty()));
    if (retrieval_only) {
      std::erase_if(out.metrics, [](const eval::MetricValue& m) {
        return m.metric.find("recall") == std::string::npos &&
               m.metric.find("mrr") == std::string::npos &&
               m.metric.find("ndcg") == std::string::npos;
      });
    }
  }
  for (size_t repeat = 1; repeat < repeats.size(); ++repeat) {
    out.other_repeats.push_back(repeats[repeat].answer.text);
  }
  return out;
}

std::vector<eval::NextCommand> next_commands(const eval::Decision& decision) {
  if (decision.chosen < 0) return {};
  return {{{"use the recommended recipe from now on", "추천 레시피를 계속 쓰기"},
           "ondol compare --apply"},
          {{"ask a question with it", "이 레시피로 질문하기"}, "ondol ask \"...\""},
          {{"try it on your own documents", "내 문서로 해 보기"},
           "ondol init my-assistant, then ondol ingest and ondol compare in that folder"}};
}

// Questions that took an error, and answers cut at their limit, are said and not hidden.
std::vector<eval::Text> warnings(const std::vector<ComparedRecipe>& compared) {
  std::vector<eval::Text> out;
  for (const ComparedRecipe& recipe : compared) {
    int64_t errors = 0, cut = 0;
    for (const auto& repeats : recipe.run.answers) {
      errors += !repeats[0].error.empty();
      cut += repeats[0].answer.finish_reason == "length";
    }
    const std::string name = recipe.recipe.name;
    if (errors > 0) {
      out.push_back(
          {name + ": " + std::to_string(errors) + " questions gave an error and count as wrong.",
           name + ": 질문 " + std::to_string(errors) +
               "개가 오류로 끝나 오답으로 처리되었습니다."});
    }
    if (cut > static_cast<int64_t>(recipe.run.answers.size()) / 4) {
      out.push_back(
          {name + ": " + std::to_string(cut) +
               " answers reached max_tokens and were cut; a larger decode.max_tokens may help.",
           name + ": 답변 " + std::to_string(cut) +
               "개가 max_tokens에서 잘렸습니다. decode.max_tokens를 늘려 보세요."});
    }
  }
  return out;
}

}  // namespace

std::string split_text(const CompareOptions& options) {
  return options.split ? eval::split_name(*options.split) : "all";
}

eval::CompareReport build_report(const QuestionSource& source, const CompareOptions& options,
                                 const std::vector<ComparedRecipe>& compared,
                                 std::vector<eval::EnvironmentRow> environment) {
  eval::CompareReport report{.title = source.title,
                             .created = utc_now(),
                             .program = std::string("ondol ") + kVersion,
                             .command = options.command,
                             .split = split_text(options),
                             .repeats = options.repeats,
                             .seed = options.seed,
                             .environment = std::move(environment)};
  eval::DecisionInput input;
  input.cube = eval::ScoreCube(static_cast<int>(compared.size()),
                               static_cast<int>(source.asked.size()), options.repeats);
  input.options.margin = options.margin;
  if (options.latency_questions == 0) input.options.cost_axis = eval::CostAxis::kTokens;
  for (const ComparedRecipe& recipe : compared) {
    input.recipes.push_back({recipe.recipe.name, recipe.run.cost});
    report.recipes.push_back({.name = recipe.recipe.name,
                              .description = {recipe.recipe.description, recipe.recipe.description},
                              .config_text = recipe_toml(recipe.recipe),
                              .cost = recipe.run.cost});
  }
  for (size_t q = 0; q < source.asked.size(); ++q) {
    const eval::Question& question = source.asked[q];
    const eval::MetricChoice metric =
        options.retrieval_only
            ? eval::MetricChoice{"recall@5", {"search alone is compared", "검색만 비교합니다"}}
            : eval::choose_metric(question);
    input.clusters.push_back(question.cluster);
    eval::ReportQuestion row{.id = question.id,
                             .question = question.question,
                             .gold_answers = question.answers,
                             .gold = question.gold,
                             .unanswerable = question.unanswerable(),
                             .metric = metric.metric,
                             .metric_why = metric.why};
    if (question.answer_index) {
      row.gold_answers = {question.choices[static_cast<size_t>(*question.answer_index)]};
    }
    for (size_t r = 0; r < compared.size(); ++r) {
      double sum = 0;
      for (int repeat = 0; repeat < options.repeats; ++repeat) {
        const double score =
            score_of(question, compared[r].run.answers[q][static_cast<size_t>(repeat)],
                     !compared[r].recipe.knowledge.empty(), options.retrieval_only);
        input.cube.at(static_cast<int>(r), static_cast<int>(q), repeat) = score;
        sum += score;
      }
      row.answers.push_back(
          report_answer(question, compared[r], q, sum / options.repeats, options.retrieval_only));
    }
    report.questions.push_back(std::move(row));
  }
  report.decision = eval::decide(input);
  report.metrics = eval::summarize_metrics(report.questions, compared.size(), input.clusters);
  report.warnings = warnings(compared);
  report.next = next_commands(report.decision);
  return report;
}

}  // namespace ondol::app

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "prompt/answer_text.h"
#include "prompt/document_mixture.h"
#include "prompt/strategy.h"

namespace ondol::prompt {
namespace {

// ln(sum of w * e^x), without leaving the range of doubles.
double log_sum(std::span<const double> weights, std::span<const double> logs) {
  double highest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < logs.size(); ++i) {
    if (weights[i] > 0) highest = std::max(highest, logs[i]);
  }
  if (!std::isfinite(highest)) return highest;
  double sum = 0;
  for (size_t i = 0; i < logs.size(); ++i) {
    if (weights[i] > 0) sum += weights[i] * std::exp(logs[i] - highest);
  }
  return highest + std::log(sum);
}

void check_rows(std::span<const double> weights, std::span<const std::vector<double>> tokens) {
  const bool fits = !tokens.empty() && weights.size() == tokens.size() &&
                    std::all_of(tokens.begin(), tokens.end(),
                                [&](const auto& row) { return row.size() == tokens[0].size(); });
  if (!fits) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[strategy] {} weights and {} rows of tokens; expected as many, of one "
                            "length",
                            weights.size(), tokens.size()));
  }
}

class DocumentMixture final : public Strategy {
 public:
  explicit DocumentMixture(const StrategyConfig& config) : config_(config) {}

  Answer answer(Generator& generator, const Task& task) const override {
    if (!generator.capabilities().score) {
      throw Error(ErrorCode::kUnsupported,
                  "[strategy] document-mixture weighs answers by their likelihood, and this model "
                  "gives none; try kind = \"single\"");
    }
    // One passage or none: there is nothing to sum over.
    if (task.evidence.size() < 2) return make_single({})->answer(generator, task);
    Answer answer;
    const bool choices = !task.query.choices.empty();
    std::vector<std::string> candidates = task.query.choices;
    if (!choices) candidates = answers_of(generator, task, answer);
    const std::vector<double> scores = weigh(generator, task, candidates, answer);
    const auto best =
        static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    if (choices) answer.choice_log_likelihoods = scores;
    if (choices)
      answer.text = candidates[best];
    else
      settle(answer, candidates[best], task.builder.style().answer_marker);
    answer.finish_reason = "stop";
    for (size_t i = 0; i < candidates.size(); ++i) {
      answer.trace.push_back({"weigh", fmt::format("{:.3f} {}", scores[i], candidates[i]), 0});
    }
    if (task.on_text) task.on_text({0, answer.text});
    return answer;
  }

 private:
  // The greedy answer to each passage and to all of them, each once, in that order.
  std::vector<std::string> answers_of(Generator& generator, const Task& task,
                                      Answer& answer) const {
    std::vector<std::unique_ptr<Generation>> running;
    for (size_t d = 0; d <= task.evidence.size(); ++d) {
      GenerateRequest request;
      request.prompt = task.builder.build(
          task.query, d < task.evidence.size() ? task.evidence.subspan(d, 1) : task.evidence);
      request.tokens_max = task.decode.tokens_max;
      request.stop = task.decode.stop;
      request.sampler = task.decode.sampler;
      running.push_back(generator.submit(std::move(request)));
    }
    std::vector<std::string> answers;
    for (const auto& one : running) {
      const GenerateResult result = one->wait();
      add_usage(answer, result);
      if (answer.milliseconds_to_first_token == 0) {
        answer.milliseconds_to_first_token = result.milliseconds_to_first_token;
      }
      const std::string& text = result.samples[0].text;
      const bool known = std::find(answers.begin(), answers.end(), text) != answers.end();
      if (!known && text.find_first_not_of(" \n\t") != std::string::npos) answers.push_back(text);
    }
    if (answers.empty()) {
      throw Error(ErrorCode::kUnavailable,
                  "[strategy] the model answered nothing to every passage; try another prompt");
    }
    return answers;
  }

  // ln P(candidate | question), summed over the passages.
  std::vector<double> weigh(Generator& generator, const Task& task,
                            const std::vector<std::string>& candidates, Answer& answer) const {
    const std::vector<double> weights =
        document_weights(task.evidence, config_.document_temperature);
    std::vector<std::vector<std::vector<double>>> tokens(candidates.size());
    for (size_t d = 0; d < task.evidence.size(); ++d) {
      ScoreRequest request;
      const auto passage = task.evidence.subspan(d, 1);
      if (task.query.choices.empty())
        request.prompt = task.builder.build(task.query, passage);
      else
        request.prompt = task.builder.build_for_choices(task.query, passage);
      for (const std::string& candidate : candidates) {
        request.continuations.push_back(task.query.choices.empty() ? candidate : " " + candidate);
      }
      answer.usage.prompt_tokens += generator.count_tokens(request.prompt);
      const std::vector<Score> scores = generator.score(request);
      for (size_t c = 0; c < candidates.size(); ++c) {
        tokens[c].push_back(scores[c].token_log_likelihoods);
        answer.usage.completion_tokens += scores[c].tokens;
      }
    }
    std::vector<double> out;
    for (const auto& rows : tokens) {
      out.push_back(config_.mixture == "token" ? token_log_likelihood(weights, rows)
                                               : sequence_log_likelihood(weights, rows));
    }
    return out;
  }

  StrategyConfig config_;
};

}  // namespace

std::vector<double> document_weights(std::span<const Evidence> evidence, double temperature) {
  double best = 0;
  for (const Evidence& piece : evidence) best = std::max(best, piece.score);
  std::vector<double> weights;
  double sum = 0;
  for (const Evidence& piece : evidence) {
    const double share = best > 0 ? std::max(piece.score, 0.0) / best : 1.0;
    weights.push_back(std::exp((share - 1.0) / temperature));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

double sequence_log_likelihood(std::span<const double> weights,
                               std::span<const std::vector<double>> tokens) {
  check_rows(weights, tokens);
  std::vector<double> sums;
  for (const std::vector<double>& row : tokens) {
    double sum = 0;
    for (const double log : row) sum += log;
    sums.push_back(sum);
  }
  return log_sum(weights, sums);
}

double token_log_likelihood(std::span<const double> weights,
                            std::span<const std::vector<double>> tokens) {
  check_rows(weights, tokens);
  double total = 0;
  for (size_t i = 0; i < tokens[0].size(); ++i) {
    std::vector<double> column;
    for (const std::vector<double>& row : tokens) column.push_back(row[i]);
    total += log_sum(weights, column);
  }
  return total;
}

std::unique_ptr<Strategy> make_document_mixture(const StrategyConfig& config) {
  if (config.mixture != "sequence" && config.mixture != "token") {
    throw Error(ErrorCode::kInvalidArgument,
                "[strategy] mixture is '" + config.mixture + "'; expected sequence or token");
  }
  if (!(config.document_temperature > 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[strategy] document_temperature is {}; expected above 0",
                            config.document_temperature));
  }
  return std::make_unique<DocumentMixture>(config);
}

}  // namespace ondol::prompt

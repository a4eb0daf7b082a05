// Questions about a whole, answered from more evidence than one prompt holds (the global search of
// MS graphrag 3.1): batches of evidence are asked for points, each with a score and the passages
// that it rests on; what scores above 0 is sorted and becomes the evidence of the answer.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "prompt/answer_text.h"
#include "prompt/strategy.h"
#include "text/segment.h"

namespace ondol::prompt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPointsMax = 4;  // of a batch
constexpr int kPointChars = 240;
constexpr int kIdsMax = 3;
constexpr double kFrequencyPenalty = 0.3;  // against loops of small models

struct Point {
  std::string text;
  double score = 0;
  size_t passage = 0;  // the first that it names, of the task's evidence
};

struct Batch {
  size_t begin = 0;
  size_t end = 0;  // of the task's evidence
};

std::string schema_of(size_t passages) {
  const Json id = {{"type", "integer"}, {"minimum", 1}, {"maximum", passages}};
  const Json point = {
      {"type", "object"},
      {"properties",
       {{"text", {{"type", "string"}, {"minLength", 1}, {"maxLength", kPointChars}}},
        {"score", {{"type", "integer"}, {"minimum", 0}, {"maximum", 100}}},
        {"ids", {{"type", "array"}, {"items", id}, {"minItems", 1}, {"maxItems", kIdsMax}}}}},
      {"required", {"text", "score", "ids"}},
      {"additionalProperties", false}};
  const Json schema = {
      {"type", "object"},
      {"properties", {{"points", {{"type", "array"}, {"items", point}, {"maxItems", kPointsMax}}}}},
      {"required", {"points"}},
      {"additionalProperties", false}};
  return schema.dump();
}

std::string passage_text(const Evidence& piece, size_t number) {
  return fmt::format("{}. ({}) {}\n\n", number, piece.title.empty() ? piece.document : piece.title,
                     piece.text);
}

// As many pieces a batch as fit, one at least.
std::vector<Batch> batches_of(const Generator& generator, std::span<const Evidence> evidence,
                              int64_t tokens_max) {
  std::vector<Batch> batches;
  int64_t tokens = 0;
  for (size_t i = 0; i < evidence.size(); ++i) {
    const int64_t its = generator.count_tokens(RawText{passage_text(evidence[i], i + 1)});
    if (batches.empty() || tokens + its > tokens_max) {
      batches.push_back({i, i});
      tokens = 0;
    }
    batches.back().end = i + 1;
    tokens += its;
  }
  return batches;
}

std::string map_text(const std::string& passages, const std::string& question) {
  return "Passages:\n" + passages + "Question: " + question +
         "\n\nList as JSON the points of the passages that help to answer the question, in the "
         "language of the question: the point, a score from 0 (no help) to 100 (the answer), and "
         "the numbers of the passages that say it. No points if nothing helps.";
}

// One worked example shows the form; a point of it that comes back has no passage that says it.
GenerateRequest map_request(const Task& task, const Batch& batch, int64_t tokens_max) {
  std::string passages;
  GenerateRequest request;
  for (size_t i = batch.begin; i < batch.end; ++i) {
    const Evidence& piece = task.evidence[i];
    passages += passage_text(piece, i - batch.begin + 1);
    if (piece.chunk_id > 0) request.sources.push_back(piece.chunk_id);
    for (const Citation& source : piece.sources) request.sources.push_back(source.chunk_id);
  }
  request.prompt = Prompt{
      .messages = {
          {"system", "You find what passages say about a question. You use only the passages.", {}},
          {"user",
           map_text("1. (Lamps) The lamps are lit at dusk.\n\n2. (Roof) It rained.\n\n",
                    "When are the lamps lit?"),
           {}},
          {"assistant",
           R"({"points":[{"text":"The lamps are lit at dusk.","score":90,"ids":[1]}]})",
           {}},
          {"user", map_text(passages, task.query.text), {}}}};
  request.tokens_max = tokens_max;
  request.json_schema = schema_of(batch.end - batch.begin);
  request.sampler.frequency_penalty = kFrequencyPenalty;
  return request;
}

// The beginnings of the longer words of a text: enough to see that two texts share one, whatever
// ending or particle it has.
std::set<std::string> word_stems(const std::string& text) {
  constexpr size_t kLetters = 4, kSyllables = 2;
  std::set<std::string> stems;
  const std::string folded = text::fold_for_search(text);
  for (const text::Span& word : text::Segmenter().words(folded)) {
    const std::string its = folded.substr(word.from, word.to - word.from);
    const size_t wanted = static_cast<unsigned char>(its[0]) < 0x80 ? kLetters : kSyllables;
    size_t at = 0, points = 0;
    for (; at < its.size() && points < wanted; ++points) text::next_code_point(its, at);
    if (points == wanted) stems.insert(its.substr(0, at));
  }
  return stems;
}

// A passage that shares no word with a point does not say it.
bool says(const Evidence& passage, const std::string& point) {
  const std::set<std::string> of_passage = word_stems(passage.title + " " + passage.text);
  const std::set<std::string> of_point = word_stems(point);
  return std::any_of(of_point.begin(), of_point.end(),
                     [&](const std::string& stem) { return of_passage.contains(stem); });
}

// The first passage that a point names and that speaks of it; nullopt: none that was shown does.
std::optional<size_t> passage_of(const Json& row, const std::string& point, const Batch& batch,
                                 std::span<const Evidence> evidence) {
  const auto ids = row.find("ids");
  if (ids == row.end() || !ids->is_array()) return std::nullopt;
  for (const Json& id : *ids) {
    if (!id.is_number_integer()) continue;
    const double number = id.get<double>();
    if (number < 1 || number > static_cast<double>(batch.end - batch.begin)) continue;
    const size_t passage = batch.begin + id.get<size_t>() - 1;
    if (says(evidence[passage], point)) return passage;
  }
  return std::nullopt;
}

// What is no list of points counts as none, which the returned words say.
std::string read_points(const std::string& text, const Batch& batch,
                        std::span<const Evidence> evidence, std::vector<Point>& points) {
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object() || !answer.contains("points") || !answer["points"].is_array()) {
    return "no points: " + text;
  }
  for (const Json& row : answer["points"]) {
    if (!row.is_object()) continue;
    const auto said = row.find("text"), score = row.find("score");
    if (said == row.end() || !said->is_string() || score == row.end() || !score->is_number()) {
      continue;
    }
    Point point{said->get<std::string>(), score->get<double>()};
    const std::optional<size_t> passage = passage_of(row, point.text, batch, evidence);
    const bool known = std::any_of(points.begin(), points.end(),
                                   [&](const Point& other) { return other.text == point.text; });
    if (point.score <= 0 || known || !passage) continue;
    point.passage = *passage;
    points.push_back(std::move(point));
  }
  return text;
}

class MapReduce final : public Strategy {
 public:
  explicit MapReduce(const StrategyConfig& config) : config_(config) {}

  Answer answer(Generator& generator, const Task& task) const override {
    if (!generator.capabilities().json_schema) {
      throw Error(ErrorCode::kUnsupported,
                  "[strategy] map-reduce asks for points as JSON under a schema, and this model "
                  "follows none; try kind = \"single\"");
    }
    Answer answer;
    const std::vector<Point> points = map(generator, task, answer);
    if (points.empty()) {
      answer.text = kRefusal;
      answer.refused = true;
      answer.finish_reason = "stop";
      if (task.on_text) task.on_text({0, answer.text});
      return answer;
    }
    reduce(generator, task, evidence_of(generator, task, points), answer);
    return answer;
  }

 private:
  // The points of all batches, best first.
  std::vector<Point> map(Generator& generator, const Task& task, Answer& answer) const {
    const std::vector<Batch> batches = batches_of(generator, task.evidence, config_.batch_tokens);
    std::vector<std::unique_ptr<Generation>> running;
    for (const Batch& batch : batches) {
      running.push_back(generator.submit(map_request(task, batch, config_.points_tokens_max)));
    }
    std::vector<Point> points;
    for (size_t b = 0; b < batches.size(); ++b) {
      const GenerateResult result = running[b]->wait();
      add_usage(answer, result);
      answer.trace.push_back(
          {"map", read_points(result.samples.at(0).text, batches[b], task.evidence, points),
           result.milliseconds_total});
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const Point& a, const Point& b) { return a.score > b.score; });
    return points;
  }

  // Points in the place of passages, as many as fit.
  std::vector<Evidence> evidence_of(const Generator& generator, const Task& task,
                                    const std::vector<Point>& points) const {
    std::vector<Evidence> evidence;
    int64_t tokens = 0;
    for (const Point& point : points) {
      tokens += generator.count_tokens(RawText{point.text});
      if (!evidence.empty() && tokens > config_.reduce_tokens) break;
      Evidence piece;
      const Evidence& passage = task.evidence[point.passage];
      piece.title = passage.title.empty() ? passage.document : passage.title;
      piece.text = point.text;
      piece.score = point.score;
      piece.ordinal = static_cast<int64_t>(evidence.size());  // prompts keep this order
      evidence.push_back(std::move(piece));
    }
    return evidence;
  }

  static void reduce(Generator& generator, const Task& task, const std::vector<Evidence>& points,
                     Answer& answer) {
    Answer last = make_single({})->answer(generator, {.query = task.query,
                                                      .evidence = points,
                                                      .builder = task.builder,
                                                      .decode = task.decode,
                                                      .on_text = task.on_text});
    last.usage.prompt_tokens += answer.usage.prompt_tokens;
    last.usage.completion_tokens += answer.usage.completion_tokens;
    last.usage.cached_tokens += answer.usage.cached_tokens;
    for (TraceStep& step : last.trace) step.stage = "reduce";
    last.trace.insert(last.trace.begin(), answer.trace.begin(), answer.trace.end());
    double mapped = 0;  // batches run side by side: the longest
    for (const TraceStep& step : answer.trace) mapped = std::max(mapped, step.milliseconds);
    if (last.milliseconds_to_first_token > 0) last.milliseconds_to_first_token += mapped;
    answer = std::move(last);
  }

  StrategyConfig config_;
};

}  // namespace

std::unique_ptr<Strategy> make_map_reduce(const StrategyConfig& config) {
  const auto check = [](const char* field, int64_t value) {
    if (value >= 1) return;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[strategy] {} is {}; expected 1 or more", field, value));
  };
  check("batch_tokens", config.batch_tokens);
  check("points_tokens_max", config.points_tokens_max);
  check("reduce_tokens", config.reduce_tokens);
  return std::make_unique<MapReduce>(config);
}

}  // namespace ondol::prompt

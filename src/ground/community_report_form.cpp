// The form of a report: the prompt, the JSON Schema of the answer, and the answer read back.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "ground/analysis.h"
#include "ground/community_reports.h"
#include "ground/document.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::ordered_json;

// Characters of an answer's texts: a small model that repeats itself comes to an end.
constexpr int kTitleMax = 80;
constexpr int kSummaryMax = 400;
constexpr int kFindingMax = 120;
constexpr int kExplanationMax = 300;
constexpr int kNumbersMax = 4;
// Against loops of small models; large ones hardly feel it.
constexpr double kFrequencyPenalty = 0.3;

Json text_of(int length_max) {
  return {{"type", "string"}, {"minLength", 1}, {"maxLength", length_max}};
}

std::string schema_of(size_t sentences, size_t findings_max) {
  const Json finding = {
      {"type", "object"},
      {"properties",
       {{"summary", text_of(kFindingMax)},
        {"explanation", text_of(kExplanationMax)},
        {"sentences",
         {{"type", "array"},
          {"items", {{"type", "integer"}, {"minimum", 1}, {"maximum", sentences}}},
          {"minItems", 1},
          {"maxItems", kNumbersMax}}}}},
      {"required", {"summary", "explanation", "sentences"}},
      {"additionalProperties", false}};
  const Json schema = {
      {"type", "object"},
      {"properties",
       {{"title", text_of(kTitleMax)},
        {"summary", text_of(kSummaryMax)},
        {"rating", {{"type", "integer"}, {"minimum", 0}, {"maximum", 10}}},
        {"findings",
         {{"type", "array"}, {"items", finding}, {"minItems", 1}, {"maxItems", findings_max}}}}},
      {"required", {"title", "summary", "rating", "findings"}},
      {"additionalProperties", false}};
  return schema.dump();
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void add_list(std::string& text, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  text += fmt::format("{}:\n", title);
  for (const std::string& line : lines) text += "- " + one_line(line) + "\n";
  text += "\n";
}

std::string shown_text(const ReportMaterial& shown) {
  std::string text = "Names: ";
  for (size_t i = 0; i < shown.names.size(); ++i) text += (i ? "; " : "") + shown.names[i];
  text += "\n\n";
  add_list(text, "Facts", shown.facts);
  std::vector<std::string> parts;
  for (const auto& [title, summary] : shown.parts) {
    parts.push_back(summary.empty() ? title : title + ": " + summary);
  }
  add_list(text, "Parts", parts);
  text += "Sentences:\n";
  for (size_t i = 0; i < shown.sentences.size(); ++i) {
    text += fmt::format("{}. {}\n", i + 1, one_line(shown.sentences[i].place.text));
  }
  return text;
}

std::string language_of(const ReportMaterial& shown) {
  std::string all;
  for (const ReportSentence& sentence : shown.sentences) all += sentence.place.text + " ";
  const std::string language = guess_language(all);
  if (language == "ko") return "the language of the sentences (Korean, 한국어)";
  if (language == "en") return "the language of the sentences (English)";
  return "the language of the sentences";
}

std::string trimmed(std::string text) {
  constexpr const char* kSpace = " \t\r\n";
  text.erase(0, std::min(text.find_first_not_of(kSpace), text.size()));
  text.erase(text.find_last_not_of(kSpace) + 1);
  return one_line(std::move(text));
}

std::string string_at(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_string()) return "";
  return trimmed(found->get<std::string>());
}

// Numbers of sentences that were shown, each once.
std::vector<size_t> numbers_at(const Json& row, size_t shown) {
  std::vector<size_t> numbers;
  const auto found = row.find("sentences");
  if (found == row.end() || !found->is_array()) return numbers;
  for (const Json& one : *found) {
    if (!one.is_number_integer() || one.get<double>() < 1) continue;
    if (one.get<double>() > static_cast<double>(shown)) continue;
    const auto number = one.get<size_t>() - 1;
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

// Small models fall into loops: of a text of some length, fewer than half the runs of three words
// come once.
bool repeats_itself(const std::string& text) {
  constexpr size_t kWordsMin = 12;
  const std::vector<std::string> words = Analyzer().terms(text);
  if (words.size() < kWordsMin) return false;
  std::set<std::array<std::string_view, 3>> runs;
  for (size_t i = 0; i + 2 < words.size(); ++i) runs.insert({words[i], words[i + 1], words[i + 2]});
  return 2 * runs.size() < words.size() - 2;
}

// They share a word that is no function word: what a sentence does not speak of, it does not prove.
bool speaks_of(const std::string& sentence, const std::string& finding) {
  const Analyzer analyzer({.drop_stop_words = true});
  const std::vector<std::string> of_sentence = analyzer.terms(sentence);
  const std::vector<std::string> of_finding = analyzer.terms(finding);
  return std::any_of(of_finding.begin(), of_finding.end(), [&](const std::string& term) {
    return std::find(of_sentence.begin(), of_sentence.end(), term) != of_sentence.end();
  });
}

bool says_something(const ReportFinding& finding, const std::vector<ReportFinding>& before) {
  if (finding.summary.empty() && finding.explanation.empty()) return false;
  if (repeats_itself(finding.summary + " " + finding.explanation)) return false;
  return std::none_of(before.begin(), before.end(), [&](const ReportFinding& other) {
    return other.summary == finding.summary && other.explanation == finding.explanation;
  });
}

void read_findings(const Json& rows, const ReportMaterial& shown, CommunityReport& report) {
  std::map<size_t, size_t> kept;  // number shown -> position in the report
  for (const Json& row : rows) {
    ReportFinding finding{string_at(row, "summary"), string_at(row, "explanation"), {}};
    const auto numbers = says_something(finding, report.findings)
                             ? numbers_at(row, shown.sentences.size())
                             : std::vector<size_t>();
    for (const size_t number : numbers) {
      if (!speaks_of(shown.sentences[number].place.text,
                     finding.summary + " " + finding.explanation)) {
        continue;
      }
      const auto [at, is_new] = kept.try_emplace(number, report.sentences.size());
      if (is_new) report.sentences.push_back(shown.sentences[number]);
      finding.sentences.push_back(at->second);
    }
    if (finding.sentences.empty()) {
      ++report.findings_dropped;
    } else {
      report.findings.push_back(std::move(finding));
    }
  }
}

}  // namespace

GenerateRequest report_request(const ReportMaterial& shown, const ReportOptions& options) {
  GenerateRequest request;
  request.prompt = Prompt{
      .messages = {
          {"system",
           "You write short reports about what documents say. You use only the sentences that are "
           "shown.",
           {}},
          {"user",
           shown_text(shown) +
               fmt::format(
                   "\nWrite a report as JSON about what these sentences say of these names, in {}: "
                   "a title, a summary, a rating from 0 to 10 of how much it matters, and at most "
                   "{} findings. Each finding lists the numbers of the sentences that prove it.",
                   language_of(shown), options.findings),
           {}}}};
  request.tokens_max = options.answer_tokens;
  request.sampler.frequency_penalty = kFrequencyPenalty;
  request.json_schema = schema_of(shown.sentences.size(), options.findings);
  request.sources = shown.chunks;
  return request;
}

std::optional<CommunityReport> read_report(const GeneratedSample& sample,
                                           const ReportMaterial& shown, std::string& wrong) {
  const Json row = Json::parse(sample.text, nullptr, false);
  if (!row.is_object()) {
    wrong =
        sample.finish_reason == "length" ? "the answer was cut" : "the answer is no JSON object";
    return std::nullopt;
  }
  CommunityReport report;
  report.title = string_at(row, "title");
  report.summary = string_at(row, "summary");
  if (report.title.empty() || report.summary.empty()) {
    wrong = "the answer has no title or no summary";
    return std::nullopt;
  }
  if (repeats_itself(report.summary)) {
    wrong = "the answer says one thing over and over";
    return std::nullopt;
  }
  const auto rating = row.find("rating");
  if (rating != row.end() && rating->is_number()) {
    report.rating = static_cast<int64_t>(std::clamp(rating->get<double>(), 0.0, 10.0));
  }
  const auto findings = row.find("findings");
  if (findings != row.end() && findings->is_array()) read_findings(*findings, shown, report);
  if (report.findings.empty()) {
    wrong = "no finding says something and names a sentence that was shown";
    return std::nullopt;
  }
  return report;
}

}  // namespace ondol::ground

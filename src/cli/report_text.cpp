// Reports of communities, as `ondol graph communities --reports` prints them.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/graph_text.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;
using ground::CommunityReport;
using ground::ReportFinding;
using ground::ReportSentence;

constexpr size_t kColumns = 80;
constexpr size_t kFailuresTold = 5;

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string document_of(app::GraphDesk& desk, const ReportSentence& sentence) {
  const auto views = desk.passages({sentence.place.passage});
  return views.empty() ? "?" : views[0].uri;
}

std::string item(const std::string& text, size_t indent) {
  return std::string(indent, ' ') + wrap(one_line(text), kColumns, indent + 2) + "\n";
}

std::string made_text(const ground::ReportsMade& made, const GenerationSpent& spent) {
  std::string text = fmt::format("{} reports made, {} there before; {} calls, {} tokens\n",
                                 made.made, made.known, spent.calls, spent.tokens());
  if (made.findings_dropped > 0) {
    text +=
        fmt::format("{} findings left out: no sentence proves them, or they repeat themselves\n",
                    made.findings_dropped);
  }
  for (size_t i = 0; i < std::min(made.failed.size(), kFailuresTold); ++i) {
    text += fmt::format("no report of {}: {}\n", made.failed[i].first, made.failed[i].second);
  }
  if (made.failed.size() > kFailuresTold) {
    text += fmt::format("... and {} more without a report\n", made.failed.size() - kFailuresTold);
  }
  if (!made.stopped.empty()) text += "stopped: " + made.stopped + "\n";
  return text;
}

std::vector<int32_t> shown(app::GraphReports& reports, int64_t level, int64_t limit) {
  std::vector<int32_t> ids = reports.levels(level, level);
  ids.resize(std::min(ids.size(), static_cast<size_t>(limit)));
  return ids;
}

}  // namespace

std::string reports_text(app::GraphDesk& desk, app::GraphReports& reports,
                         const ground::ReportsMade& made, int64_t level, int64_t limit) {
  std::string text = made_text(made, reports.spent());
  for (const int32_t id : shown(reports, level, limit)) {
    const CommunityReport report = reports.reporter().told(id);
    const size_t size = reports.reporter().communities().tree.members(id).size();
    const std::string how =
        report.extractive ? "no report; sentences" : fmt::format("rating {}", report.rating);
    text += "\n" + item(fmt::format("{} ({} entities, {}): {}", id, size, how, report.title), 0);
    if (!report.summary.empty()) text += item(report.summary, 2);
    for (const ReportFinding& finding : report.findings) {
      std::string line = "- " + finding.summary + ": " + finding.explanation + " ";
      for (const size_t sentence : finding.sentences) line += fmt::format("[{}]", sentence + 1);
      text += item(line, 2);
    }
    for (size_t i = 0; i < report.sentences.size(); ++i) {
      const ReportSentence& sentence = report.sentences[i];
      text += item(
          fmt::format("[{}] \"{}\" ({})", i + 1, sentence.place.text, document_of(desk, sentence)),
          4);
    }
  }
  return text;
}

std::string reports_json(app::GraphDesk& desk, app::GraphReports& reports,
                         const ground::ReportsMade& made, int64_t level, int64_t limit) {
  Json all = Json::array(), failed = Json::array();
  for (const auto& [id, why] : made.failed) failed.push_back({{"community", id}, {"reason", why}});
  for (const int32_t id : shown(reports, level, limit)) {
    const CommunityReport report = reports.reporter().told(id);
    Json findings = Json::array(), sentences = Json::array();
    for (const ReportFinding& finding : report.findings) {
      findings.push_back({{"summary", finding.summary},
                          {"explanation", finding.explanation},
                          {"sentences", finding.sentences}});
    }
    for (const ReportSentence& sentence : report.sentences) {
      sentences.push_back({{"document", document_of(desk, sentence)},
                           {"chunk_id", sentence.chunk},
                           {"char_from", sentence.place.char_from},
                           {"char_to", sentence.place.char_to},
                           {"text", sentence.place.text}});
    }
    const auto& tree = reports.reporter().communities().tree;
    all.push_back({{"community", id},
                   {"parent", tree.communities[static_cast<size_t>(id)].parent},
                   {"size", tree.members(id).size()},
                   {"by_model", !report.extractive},
                   {"title", report.title},
                   {"summary", report.summary},
                   {"rating", report.rating},
                   {"findings", findings},
                   {"sentences", sentences}});
  }
  const GenerationSpent spent = reports.spent();
  return json_line(Json{{"made", made.made},
                        {"known", made.known},
                        {"findings_dropped", made.findings_dropped},
                        {"failed", failed},
                        {"stopped", made.stopped},
                        {"calls", spent.calls},
                        {"tokens", spent.tokens()},
                        {"level", level},
                        {"reports", all}});
}

}  // namespace ondol::cli

#include "ground/retrievers/report_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"

namespace ondol::ground {

ReportView open_reports(Corpus& corpus, const Query& query, CachedGenerator* model) {
  ReportView view;
  do {  // both of one moment, whatever is written meanwhile
    view.graph = corpus.graph(query);
    view.communities = corpus.communities(query);
  } while (corpus.graph(query) != view.graph);
  const auto text_of = [&corpus, query, graph = view.graph](int32_t passage) {
    const ScoredChunk chunk[] = {{graph->passages()[static_cast<size_t>(passage)], 0}};
    const std::vector<Evidence> found = corpus.resolve(query, chunk, "");
    return found.empty() ? std::string() : found[0].text;
  };
  view.reporter = std::make_shared<CommunityReporter>(view.graph, view.communities, text_of, model);
  return view;
}

std::string report_text(const CommunityReport& report) {
  std::string text;
  if (!report.extractive) {
    text = report.title + "\n" + report.summary + "\n";
    for (const ReportFinding& finding : report.findings) {
      text += "- " + finding.summary;
      if (!finding.explanation.empty()) {
        text += (finding.summary.empty() ? "" : ": ") + finding.explanation;
      }
      text += " ";
      for (const size_t sentence : finding.sentences) text += fmt::format("[{}]", sentence + 1);
      text += "\n";
    }
  }
  for (size_t i = 0; i < report.sentences.size(); ++i) {
    std::string sentence = report.sentences[i].place.text;
    std::replace(sentence.begin(), sentence.end(), '\n', ' ');
    text += fmt::format("[{}] {}\n", i + 1, sentence);
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::optional<Evidence> report_evidence(Corpus& corpus, const Query& query, int32_t community,
                                        const CommunityReport& report, std::string_view provider) {
  std::vector<ScoredChunk> chunks;
  for (const ReportSentence& sentence : report.sentences) chunks.push_back({sentence.chunk, 0});
  std::unordered_map<int64_t, Evidence> passages;
  for (Evidence& piece : corpus.resolve(query, chunks, provider)) {
    passages[piece.chunk_id] = std::move(piece);
  }
  if (report.sentences.empty()) return std::nullopt;
  Evidence out;
  for (const ReportSentence& sentence : report.sentences) {
    const auto found = passages.find(sentence.chunk);
    if (found == passages.end()) return std::nullopt;  // gone meanwhile, and the report with it
    const Evidence& piece = found->second;
    const DigestSentence& place = sentence.place;
    out.sources.push_back({piece.document, piece.heading, piece.chunk_id,
                           piece.char_from + place.char_from, piece.char_from + place.char_to,
                           place.text});
  }
  const Evidence& first = passages.at(report.sentences.front().chunk);
  out.document = first.document;
  out.ordinal = first.ordinal;
  out.page = first.page;
  out.char_from = out.sources.front().char_from;
  out.char_to = out.sources.front().char_to;
  out.title = report.title;
  out.heading = fmt::format("community {}, {}", community,
                            report.extractive ? "sentences of the documents" : "report");
  out.text = report_text(report);
  out.provider = provider;
  out.chunk_id = -store::kg_term_id({.text = "report\n" + out.title + "\n" + out.text});
  return out;
}

CachedGenerator* model_of_reports(Corpus& corpus) {
  if (!corpus.has_model()) return nullptr;
  try {
    CachedGenerator& model = corpus.model();
    return model.capabilities().json_schema ? &model : nullptr;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) return nullptr;
    throw;
  }
}

}  // namespace ondol::ground

// Reports of the communities that one scope sees, as evidence of retrievers.
//
//   ReportView view = open_reports(corpus, query, model);
//   Evidence e = report_evidence(corpus, query, view, community, report);
//
// The evidence's text is the report: title, summary, a finding a line with the numbers of its
// sentences, then these. `sources` says where each of them stands, so that an answer's citations
// lead to the documents; document, place and page are those of the first. Its id is below 0, where
// the store gives none.
#pragma once

#include <memory>
#include <optional>

#include "ground/community_reports.h"
#include "ground/retriever.h"

namespace ondol::ground {

struct ReportView {
  std::shared_ptr<const EntityGraph> graph;
  std::shared_ptr<const Communities> communities;
  std::shared_ptr<CommunityReporter> reporter;
};

// `model` null: digests alone. The corpus outlives it.
ReportView open_reports(Corpus& corpus, const Query& query, CachedGenerator* model);

std::string report_text(const CommunityReport& report);
// Nullopt for a report without a sentence that is still there.
std::optional<Evidence> report_evidence(Corpus& corpus, const Query& query, int32_t community,
                                        const CommunityReport& report, std::string_view provider);

// The model that searches may ask where it is there and follows a JSON Schema; else null: digests
// stand in for reports. A model that is broken is an error.
CachedGenerator* model_of_reports(Corpus& corpus);

}  // namespace ondol::ground

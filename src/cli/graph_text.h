// What `ondol graph` prints: each answer as text for a terminal and as JSON.
#pragma once

#include <string>

#include "app/graph.h"
#include "app/graph_reports.h"
#include "ground/communities.h"

namespace ondol::cli {

std::string statistics_text(const app::GraphStatistics& s);
std::string statistics_json(const app::GraphStatistics& s);

// An entity with its other names, facts, ties and the sentences that name it.
std::string entity_text(app::GraphDesk& desk, int32_t entity, int64_t limit);
std::string entity_json(app::GraphDesk& desk, int32_t entity, int64_t limit);

// The shortest path between two entities, each step with its reason.
std::string path_text(app::GraphDesk& desk, int32_t from, int32_t to);
std::string path_json(app::GraphDesk& desk, int32_t from, int32_t to);

// The communities of a level, the largest first, each with its digest.
std::string communities_text(app::GraphDesk& desk, int64_t level, int64_t limit);
std::string communities_json(app::GraphDesk& desk, int64_t level, int64_t limit);

// What making reports came to, then those of a level: the largest communities first, the digest
// where there is no report.
std::string reports_text(app::GraphDesk& desk, app::GraphReports& reports,
                         const ground::ReportsMade& made, int64_t level, int64_t limit);
std::string reports_json(app::GraphDesk& desk, app::GraphReports& reports,
                         const ground::ReportsMade& made, int64_t level, int64_t limit);

std::string merges_text(const std::vector<store::Merge>& merges);
std::string merges_json(const std::vector<store::Merge>& merges);

}  // namespace ondol::cli

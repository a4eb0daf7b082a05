// What a training run came to, for people: curves as one HTML page without network, and the words
// that go with them.
#pragma once

#include <span>
#include <string>

#include "app/train.h"

namespace ondol::app {

// Over-fitting, under-fitting, or neither, and what to change, in one or two sentences.
eval::Text diagnose(std::span<const train::LogEntry> history);

std::string train_report_html(const TrainFields& fields, const TrainSummary& summary,
                              std::span<const train::LogEntry> history);

// Text for a page: < and & as entities.
std::string escaped(const std::string& text);

}  // namespace ondol::app

// What a training run came to, for people: curves as one HTML page without network, and the words
// that go with them.
#pragma once

#include <span>
#include <string>

#include "app/train.h"

namespace ondol::app {

// Over-fitting, under-fitting, or neither, and what to change, in one or two sentences.
eval::Text diagnose(std::span<const train::LogEntry> history);

// Of every task of these names: the first measurement, and that of `best_step` or, where there is
// none, the last.
std::vector<HeldOutChange> held_out_changes(std::span<const std::string> names,
                                            std::span<const train::LogEntry> history,
                                            int64_t best_step);

std::string train_report_html(const TrainFields& fields, const TrainSummary& summary,
                              std::span<const train::LogEntry> history);

}  // namespace ondol::app

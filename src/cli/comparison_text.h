// A comparison as a person reads it on a terminal; report.html says the same with pictures.
#pragma once

#include <string>

#include "app/compare.h"
#include "cli/messages.h"

namespace ondol::cli {

// Table, recommendation and its reasons, files, next commands. 80 columns wide.
std::string comparison_text(const app::CompareOutcome& outcome, Language language);

}  // namespace ondol::cli

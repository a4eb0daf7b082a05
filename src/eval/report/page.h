// The fixed parts of the report page, as raw strings (one file a part).
#pragma once

#include <string_view>

namespace ondol::eval::page {

std::string_view style();
std::string_view body();  // the empty sections that the script fills
// The script, in this order; the data block stands before it.
std::string_view script_words();      // labels in both languages
std::string_view script_helpers();    // elements, language, theme; other pages take them too
std::string_view script_elements();   // numbers, recipes
std::string_view script_overview();   // recommendation, table, metrics, environment
std::string_view script_charts();     // quality against cost, paired differences
std::string_view script_questions();  // drill-down, start

}  // namespace ondol::eval::page

// The fixed parts of the graph page, as raw strings (one file a part). Colours, buttons and type
// are the report's (eval/report/page.h).
#pragma once

#include <string_view>

namespace ondol::app::graph_parts {

std::string_view style();
std::string_view body();
// The script, in this order; the data block stands before it.
std::string_view script_words();     // labels in both languages
std::string_view script_elements();  // data, helpers, what is selected and shown
std::string_view script_canvas();    // the picture: drawing, panning, zooming, dragging
std::string_view script_panel();     // list, entity, link, path
std::string_view script_start();     // controls, keys, start

}  // namespace ondol::app::graph_parts

// The graph as one HTML page: entities by community, the links between them, and behind both the
// sentences of the documents. Complete in itself: the browser loads nothing.
//
//   write_file_atomic("graph.html", graph_page(graph_view(desk), desk.graph(), "My documents"));
//
// Names and sentences come from documents and are hostile input: they stand in a block of JSON in
// which nothing can end the block, and the script makes text nodes of them, never HTML.
#pragma once

#include <string>

#include "app/graph_view.h"

namespace ondol::app {

// What the page is drawn from, as JSON; bytes that are not UTF-8 become U+FFFD.
std::string graph_page_data(const GraphView& view, const ground::EntityGraph& graph,
                            const std::string& title);

std::string graph_page(const GraphView& view, const ground::EntityGraph& graph,
                       const std::string& title);

}  // namespace ondol::app

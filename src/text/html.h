// Text put into HTML. Pure function, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace ondol::text {

// For content of elements and values of attributes in either kind of quotes; always valid UTF-8,
// whatever came in.
std::string escape_html(std::string_view raw);

}  // namespace ondol::text

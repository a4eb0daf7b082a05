#include "text/html.h"

#include "text/fold.h"

namespace ondol::text {

std::string escape_html(std::string_view raw) {
  std::string valid, out;
  for (const char32_t c : to_code_points(raw)) append_utf8(valid, c);
  for (const char c : valid) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace ondol::text

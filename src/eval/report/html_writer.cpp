// report.html: the fixed parts around the same JSON that report.json holds.
#include <string>

#include "eval/report.h"
#include "eval/report/page.h"
#include "text/html.h"

namespace ondol::eval {
namespace {

// Inside a script element nothing is decoded but "</script" and "<!--" end or change it: with every
// '<' written as \u003c the data cannot do either. JSON has '<' only inside strings.
std::string escape_for_script(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 50);
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

// What a reader without script still sees.
std::string plain_summary(const CompareReport& report) {
  std::string out = "<noscript><h1>" + text::escape_html(report.title) + "</h1><p>" +
                    text::escape_html(report.decision.headline.en) + "</p><p lang=\"ko\">" +
                    text::escape_html(report.decision.headline.ko) + "</p><ul>";
  for (size_t r = 0; r < report.recipes.size() && r < report.decision.verdicts.size(); ++r) {
    const int score = static_cast<int>(100 * report.decision.verdicts[r].mean + 0.5);
    out += "<li>" + text::escape_html(report.recipes[r].name) + ": " + std::to_string(score) +
           "/100</li>";
  }
  return out + "</ul></noscript>\n";
}

}  // namespace

std::string report_html(const CompareReport& report) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // The browser itself refuses to load anything: the page is complete as it is.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>";
  const std::string json = report_json(report);
  out += text::escape_html(report.title) + " - ondol</title>\n<style>\n";
  out += page::style();
  out += "</style>\n</head>\n<body>\n";
  out += plain_summary(report);
  out += page::body();
  out += "<script type=\"application/json\" id=\"data\">\n" + escape_for_script(json) +
         "</script>\n<script>\n'use strict';\n";
  out += page::script_words();
  out += page::script_helpers();
  out += page::script_elements();
  out += page::script_overview();
  out += page::script_charts();
  out += page::script_questions();
  out += "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace ondol::eval

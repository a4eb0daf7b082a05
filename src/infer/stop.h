// Turns token bytes into text that may be shown: whole UTF-8 characters only (U+FFFD for bytes that
// are none), and nothing that could still be the beginning of a stop string. The result does not
// depend on the pieces in which the bytes come.
//
//   StopFilter filter({"\n\n"});
//   std::string show = filter.push(bytes);   // what became safe to show
//   if (filter.stopped()) ...                // a stop string was completed; it and what follows
//   are dropped show += filter.finish();                 // the end: what was held back is text
//   after all
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol {

class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}
  std::string push(std::string_view bytes);
  std::string finish();
  bool stopped() const { return stopped_; }
  const std::string& text() const { return text_; }  // everything given out so far

 private:
  std::string give(size_t count);
  std::vector<std::string> stops_;
  std::string held_;
  std::string text_;
  bool stopped_ = false;
};

}  // namespace ondol

#include "text/pattern.h"

#include "base/error.h"
#include "text/pattern_parser.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr size_t kPatternMax = 10'000;

// The end of the group that begins at `begin`, behind its ')'; npos: none.
size_t end_of_group(std::u32string_view text, size_t begin) {
  int depth = 0;
  bool in_class = false;
  for (size_t at = begin; at < text.size(); ++at) {
    const char32_t c = text[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return at + 1;
    }
  }
  return std::u32string_view::npos;
}

bool alternatives_outside_groups(std::u32string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '[' || text[at] == '(') {
      const size_t end = text[at] == '(' ? end_of_group(text, at) : text.find(U']', at);
      if (end == std::u32string_view::npos) return false;
      at = text[at] == '(' ? end - 1 : end;
    } else if (text[at] == '|') {
      return true;
    }
  }
  return false;
}

CodeAutomaton automaton_of(const std::u32string& text) {
  const bool ahead = text.starts_with(U"^(?!") || text.starts_with(U"^(?=");
  if (ahead && !alternatives_outside_groups(text)) {
    const size_t end = end_of_group(text, 1);
    if (end != std::u32string::npos) {
      const std::u32string inner = U"^(?:" + text.substr(4, end - 4);
      const std::u32string rest = U"^" + text.substr(end);
      const CodeAutomaton whole = automaton_of(rest), first = automaton_of(inner);
      return text[3] == '!' ? without(whole, first) : both(whole, first);
    }
  }
  return parse_pattern(text);
}

}  // namespace

CodeAutomaton pattern_automaton(std::string_view pattern) {
  if (!is_utf8(pattern) || pattern.size() > kPatternMax) {
    throw Error(ErrorCode::kInvalidArgument, "[pattern] got " + std::to_string(pattern.size()) +
                                                 " bytes, expected UTF-8 of at "
                                                 "most " +
                                                 std::to_string(kPatternMax));
  }
  return automaton_of(to_codes(pattern));
}

}  // namespace ondol::text

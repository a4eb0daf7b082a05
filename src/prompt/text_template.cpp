#include "prompt/text_template.h"

#include "base/error.h"

namespace ondol::prompt {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "[template] " + message);
}

std::string known_names(const std::map<std::string, std::string>& values) {
  std::string names;
  for (const auto& [name, value] : values) names += (names.empty() ? "{" : ", {") + name + "}";
  return names;
}

}  // namespace

std::string fill_template(std::string_view source,
                          const std::map<std::string, std::string>& values) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const bool doubled = i + 1 < source.size() && source[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      out += c;
      ++i;
    } else if (c == '{') {
      const size_t end = source.find('}', i);
      if (end == std::string_view::npos) {
        fail("'{' at byte " + std::to_string(i) + " is never closed; write '{{' for a brace");
      }
      const std::string name(source.substr(i + 1, end - i - 1));
      const auto value = values.find(name);
      if (value == values.end()) {
        fail("unknown variable '{" + name + "}'; known: " + known_names(values));
      }
      out += value->second;
      i = end;
    } else if (c == '}') {
      fail("'}' at byte " + std::to_string(i) + " closes nothing; write '}}' for a brace");
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace ondol::prompt

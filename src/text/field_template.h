// A text with places for the fields of a row: "{{ question }}", and all else that Jinja can say.
//
//   FieldTemplate pattern("Question: {{ question }}\nAnswer:");
//   std::string text = pattern.render(R"({"question": "Why?"})");
//
// The engine is that of chat templates, with the same limits. Stricter in one thing: a name that is
// no field is an error wherever it stands, also behind an `if`; a name that the template asks about
// (`x is defined`, `x | default('')`) may be missing. There is no clock (strftime_now). Immutable
// and thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::text {

namespace jinja {
struct Program;
}

class FieldTemplate {
 public:
  // Parses at once; throws Error(kUnsupported or kInvalidArgument) with line and column.
  explicit FieldTemplate(std::string_view source);
  // `fields`: a JSON object. Throws Error with line and column.
  std::string render(std::string_view fields) const;
  const std::string& source() const { return source_; }

 private:
  struct Name {
    std::string name;
    int line, column;
  };
  std::string source_;
  std::shared_ptr<const jinja::Program> program_;
  std::vector<Name> needed_;  // in the order of the text
};

}  // namespace ondol::text

#include "text/field_template.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace ondol::text {
namespace {

std::string error_of(const std::string& source, const std::string& fields) {
  try {
    return "no error: " + FieldTemplate(source).render(fields);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(FieldTemplate, PutsFieldsIntoTheirPlaces) {
  EXPECT_EQ(FieldTemplate("Q: {{ question }}\nA:").render(R"({"question": "왜?", "other": 1})"),
            "Q: 왜?\nA:");
  const char* row = R"({"answer": "a\nb\n#### 72", "choices": ["x", "y"], "index": 1, "n": 51.0,
                        "yes": true})";
  EXPECT_EQ(FieldTemplate("{{ answer.split('#### ')[1] }} {{ choices[index] }} {{ n | int }} "
                          "{{ 'ja' if yes else 'nein' }}")
                .render(row),
            "72 y 51 ja");
  EXPECT_EQ(
      FieldTemplate("{% for c in choices %}({{ loop.index }}) {{ c }} {% endfor %}").render(row),
      "(1) x (2) y ");
}

// What a row says is text: it is never read as a template.
TEST(FieldTemplate, TextOfARowStaysText) {
  EXPECT_EQ(FieldTemplate("{{ a }}").render(R"({"a": "{{ b }}{% if %}", "b": "secret"})"),
            "{{ b }}{% if %}");
}

TEST(FieldTemplate, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of("a\n {{ questoin }}", R"({"question": "x"})"),
            "[template] line 2, column 5: 'questoin' is undefined");
  EXPECT_EQ(error_of("{{ a", "{}").rfind("[template] line 1", 0), 0U);
  EXPECT_NE(error_of("{{ a | fade }}", "{}").find("unknown filter 'fade'"), std::string::npos);
  EXPECT_NE(error_of("x", "[1]").find("no JSON object"), std::string::npos);
  EXPECT_NE(error_of("{{ 'a' * 1000000000 }}", "{}").find("limit"), std::string::npos);
  EXPECT_EQ(error_of("{{ a if a is defined else 'none' }}", "{}"), "no error: none");
  EXPECT_EQ(error_of("{{ a | default('none') }}", "{}"), "no error: none");
  EXPECT_EQ(error_of("{% if false %}{{ a }}{% endif %}", "{}"),
            "[template] line 1, column 18: 'a' is undefined");
  EXPECT_EQ(error_of("{% set b = a %}{% for c in range(2) %}{{ b }}{{ loop.index }}{{ c }}"
                     "{% endfor %}{% macro m(x) %}{{ x }}{% endmacro %}{{ m(a) }}",
                     R"({"a": 1})"),
            "no error: 1101211");
  EXPECT_NE(error_of("{{ strftime_now('%d') }}", "{}").find("'strftime_now' is undefined"),
            std::string::npos);
}

}  // namespace
}  // namespace ondol::text

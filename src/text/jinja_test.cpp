// Errors with their places, limits, and methods that Hugging Face's sandbox refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/jinja_cases.h"

namespace ondol::text {
namespace {

using ::testing::HasSubstr;

Error error_of(const std::string& source, const jinja::Limits& limits = {}) {
  try {
    render_marked(source, R"({"x": "text", "xs": [1, 2]})", limits);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "no error");
}

TEST(Jinja, ErrorsSayWhereAndWhat) {
  const struct {
    const char* source;
    ErrorCode code;
    const char* message;
  } kCases[] = {
      {"a\n\n  {{ x|fade }}", ErrorCode::kUnsupported,
       "[chat template] line 3, column 8: unknown filter 'fade'; known: abs, "},
      {"{{ x is fade }}", ErrorCode::kUnsupported, "column 9: unknown test 'fade'; known: !=, "},
      {"{% if x %}{{ x|fade }}{% endif %}", ErrorCode::kUnsupported, "unknown filter 'fade'"},
      {"ab {% fade %}", ErrorCode::kUnsupported, "line 1, column 7: unknown tag 'fade'"},
      {"{% include 'a' %}", ErrorCode::kUnsupported, "'include' is refused"},
      {"{% extends 'a' %}", ErrorCode::kUnsupported, "'extends' is refused"},
      {"{% import 'a' as b %}", ErrorCode::kUnsupported, "'import' is refused"},
      {"{{ xs|random }}", ErrorCode::kUnsupported, "'random' is refused"},
      {"{{ lipsum() }}", ErrorCode::kUnsupported, "lipsum() is refused"},
      {"{% for a in xs %}\n{{ a }}", ErrorCode::kInvalidArgument,
       "'for' is never closed; expected 'endfor'"},
      {"{{ x", ErrorCode::kInvalidArgument, "line 1, column 1: '{{' is never closed"},
      {"한글 {{ x ? 1 }}", ErrorCode::kInvalidArgument,
       "line 1, column 9: unexpected character '?'"},
      {"{{ 'abc }}", ErrorCode::kInvalidArgument, "column 4: the string is never closed"},
      {"{{ (1 + ] }}", ErrorCode::kInvalidArgument, "unexpected ']'; expected ')'"},
      {"{{ 1 + }}", ErrorCode::kInvalidArgument, "unexpected '}}'; expected an expression"},
      {"{{ 9223372036854775808 }}", ErrorCode::kInvalidArgument, "more than 64 bits"},
      {"{{ 9223372036854775807 + 1 }}", ErrorCode::kInvalidArgument, "more than 64 bits"},
      {"{{ 3037000500 * 3037000500 }}", ErrorCode::kInvalidArgument, "more than 64 bits"},
      {"{{ 2 ** 63 }}", ErrorCode::kInvalidArgument, "more than 64 bits"},
      {"{{ -9223372036854775807 - 2 }}", ErrorCode::kInvalidArgument, "more than 64 bits"},
      {"a\n{{ y.z }}", ErrorCode::kInvalidArgument, "line 2, column 5: 'y' is undefined"},
      {"{{ x + 1 }}", ErrorCode::kInvalidArgument, "column 6: '+' cannot join 'str' and 'int'"},
      {"{{ raise_exception('no tools') }}", ErrorCode::kInvalidArgument,
       "refuses this conversation: no tools"},
      {"{% set x.y = 1 %}", ErrorCode::kInvalidArgument, "only a namespace() can be changed"},
      {"{{ x|indent(wide=2) }}", ErrorCode::kInvalidArgument, "indent has no parameter 'wide'"},
      {"{{ x|replace('a') }}", ErrorCode::kInvalidArgument, "replace needs the argument 'new'"},
  };
  for (const auto& one : kCases) {
    const Error error = error_of(one.source);
    EXPECT_THAT(error.what(), HasSubstr(one.message)) << one.source;
    EXPECT_EQ(error.code(), one.code) << one.source << "\n" << error.what();
  }
}

TEST(Jinja, HostileTemplatesMeetALimit) {
  jinja::Limits small;
  small.output_bytes = 1000;
  small.text_bytes = 100'000;
  small.cells = 10'000;
  small.iterations = 500;
  small.steps = 20'000;
  small.depth = 100;
  const std::string many(400, '(');
  const std::string sums = "{{ 1" + [] {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += " + 1";
    return text;
  }() + " }}";
  const struct {
    std::string source;
    const char* message;
  } kCases[] = {
      {"{% for i in range(400) %}aaaa{% endfor %}", "bytes of output: got 1004, the limit is 1000"},
      {"{% for i in range(501) %}{% endfor %}", "loop iterations: got 501, the limit is 500"},
      {"{{ 'a' * 1000000000 }}", "beyond the limit"},
      {"{{ [1] * 1000000000 }}", "beyond the limit"},
      {"{{ range(1000000000) }}", "range() is too long"},
      {"{{ 'a'.ljust(1000000000) }}", "beyond the limit"},
      {"{{ '%1000000000d' % 1 }}", "a width or precision beyond"},
      {"{% set n = namespace(s='aa') %}{% for i in range(40) %}{% set n.s = n.s + n.s %}{% endfor "
       "%}",
       "bytes of strings"},
      {"{% set n = namespace(l=[1]) %}{% for i in range(40) %}{% set n.l = n.l + n.l %}{% endfor "
       "%}",
       "list and dict places"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested calls and expressions"},
      {"{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(15) }}",
       "the limit is"},
      {"{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "nested calls and expressions"},
      {"{% set a = [] %}{% do a.append(a) %}{{ a }}", "nested lists and dicts"},
      {"{% set a = [] %}{% do a.append(a) %}{{ a|tojson }}", "nested lists and dicts"},
      {"{% set a = [] %}{% set b = [] %}{% do a.append(b) %}{% do b.append(a) %}{{ a == b }}",
       "nested lists and dicts"},
      {"{{ " + many + "1" + std::string(400, ')') + " }}", "nested too deep"},
      {sums, "nested calls and expressions"},
  };
  for (const auto& one : kCases) {
    EXPECT_THAT(error_of(one.source, small).what(), HasSubstr(one.message))
        << one.source.substr(0, 100);
  }
  EXPECT_THAT(error_of(std::string(jinja::kTemplateBytesMax + 1, 'a')).what(),
              HasSubstr("the limit is 1048576"));
}

// Shared parts print exponentially long: the limits must come before the memory ends.
TEST(Jinja, SharedListsDoNotExplode) {
  const std::string grow =
      "{% set n = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}"
      "{% set n.m = [n.m, n.m] %}{% endfor %}";
  EXPECT_THAT(error_of(grow + "{{ n.l }}").what(), HasSubstr("printed bytes"));
  EXPECT_THAT(error_of(grow + "{{ n.l == n.m }}").what(), HasSubstr("values compared"));
}

TEST(Jinja, ListsAndDictsMayChange) {
  const struct {
    const char* source;
    const char* text;
  } kCases[] = {
      {"{% set a = [1] %}{% do a.append(2) %}{{ a }}", "[1, 2]"},
      {"{% set a = [1, 2, 3] %}{{ a.pop() }}{{ a.pop(0) }}{{ a }}", "31[2]"},
      {"{% set a = [1] %}{% do a.insert(0, 0) %}{% do a.insert(-9, 7) %}{{ a }}", "[7, 0, 1]"},
      {"{% set a = [1] %}{% do a.extend('bc') %}{{ a }}", "[1, 'b', 'c']"},
      {"{% set a = {'x': 1, 'y': 2, 'z': 3} %}{{ a.pop('y') }}{{ a.pop('q', 5) }}{{ a }}{{ a.z }}",
       "25{'x': 1, 'z': 3}3"},
      {"{% set a = {} %}{% do a.update({'x': 1}, y=2) %}{{ a }}", "{'x': 1, 'y': 2}"},
      {"{% set a = {} %}{{ a.setdefault('x', 4) }}{{ a.setdefault('x', 5) }}", "44"},
      {"{% generation %}a{{ x }}{% endgeneration %}\nb", "atextb"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(render_with(one.source, R"({"x": "text"})"), one.text) << one.source;
  }
}

}  // namespace
}  // namespace ondol::text

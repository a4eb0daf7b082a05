// Any bytes as a template over a small conversation: an Error or a text, never a crash or a hang.
// Covers: jinja_expr.cpp jinja_filters_choice.cpp jinja_filters_number.cpp
// Covers: jinja_filters_sequence.cpp jinja_filters_text.cpp jinja_format.cpp jinja_globals.cpp
// Covers: jinja_json.cpp jinja_lexer.cpp jinja_library.cpp jinja_loop.cpp jinja_methods.cpp
// Covers: jinja_methods_check.cpp jinja_methods_container.cpp jinja_ops.cpp jinja_parser.cpp
// Covers: jinja_parser_stmt.cpp jinja_print.cpp jinja_runtime.cpp jinja_tests.cpp jinja_text.cpp
// Covers: jinja_value.cpp
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

// The variables of tests/golden/jinja.jsonl, so that its templates are seeds.
constexpr const char* kContext =
    R"json({"s": "Hello, World", "empty": "", "uni": "Gr\u00f6\u00dfe \u00df \ud55c\uad6d\uc5b4 \ud83d\ude00 \u01c6", "ws": "  \t pad ded \n ",
"lines": "one\ntwo\r\nthree\n\nfive",
"n": 7, "neg": -7, "zero": 0, "f": 2.5, "big": 1e+20, "tiny": 1.5e-07, "t": true, "no": false, "nil": null,
"xs": [3, 1, 2], "ss": ["b", "A", "c", "a"],
"d": {"b": 2, "a": 1, "C": 3}, "nested": {"a": [1, {"b": null}], "q": "it's \"q\""},
"users": [{"name": "Ann", "age": 30, "ok": true, "city": {"n": "Oslo"}},
{"name": "bob", "age": 25, "ok": false, "city": {"n": "Rome"}},
{"name": "Cyd", "age": 30, "city": {"n": "oslo"}}],
"html": "<a href='x'>T & \"q\"</a>"})json";

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::text::jinja;
  Limits limits;
  limits.output_bytes = 1 << 16;
  limits.text_bytes = 1 << 20;
  limits.cells = 1 << 14;
  limits.iterations = 1000;
  limits.depth = 200;
  limits.steps = 20'000;
  try {
    const auto program = parse({reinterpret_cast<const char*>(data), size});
    Heap heap(limits);
    Runtime runtime(&heap, {int64_t{1'700'000'000}});
    const Value values = from_json(heap, kContext, kUntrusted, "the context");
    for (const auto& [name, value] : values.dict().entries) runtime.set(name.bytes(), value);
    const Text out = runtime.render(*program);
    if (out.bytes.size() != out.marks.size()) __builtin_trap();
  } catch (const ondol::Error&) {
  }
  return 0;
}

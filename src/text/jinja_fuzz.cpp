// Any bytes as a template over a small conversation: an Error or a text, never a crash or a hang.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

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
    runtime.set("messages", from_json(heap, R"([{"role":"user","content":"a\u00e9 <|x|> 1"},
                                    {"role":"assistant","content":null,"n":[1,2.5,true,{}]}])",
                                      kUntrusted, "messages"));
    const Text out = runtime.render(*program);
    if (out.bytes.size() != out.marks.size()) __builtin_trap();
  } catch (const ondol::Error&) {
  }
  return 0;
}

// For the tests of this room: a template over a context given as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

namespace ondol::text {

inline jinja::Text render_marked(std::string_view source, std::string_view context,
                                 const jinja::Limits& limits = {}) {
  const auto program = jinja::parse(source);
  jinja::Heap heap(limits);
  jinja::Runtime runtime(&heap, {});
  const jinja::Value values =
      jinja::from_json(heap, context, jinja::kUntrusted, "the test's context");
  for (const auto& [name, value] : values.dict().entries) runtime.set(name.bytes(), value);
  return runtime.render(*program);
}

inline std::string render_with(std::string_view source, std::string_view context) {
  return render_marked(source, context).bytes;
}

}  // namespace ondol::text

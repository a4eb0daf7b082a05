#include "text/jinja_loop.h"

namespace ondol::text::jinja {

Value LoopObject::call(Runtime& runtime, const Args& args) {
  if (!statement->recursive) fail("loop() is for loops marked 'recursive'");
  if (args.positional.size() != 1 || !args.named.empty()) fail("loop() takes one argument");
  return runtime.run_loop(*statement, scope, args.positional[0], depth + 1);
}

bool LoopObject::changed(const std::vector<Value>& values) {
  bool same = seen && seen->size() == values.size();
  for (size_t i = 0; same && i < values.size(); ++i) same = equals((*seen)[i], values[i]);
  if (!same) seen = values;
  return !same;
}

std::optional<Value> LoopObject::attribute(Runtime& runtime, std::string_view name) {
  const int64_t at = static_cast<int64_t>(index), count = static_cast<int64_t>(items.size());
  if (name == "index") return Value(at + 1);
  if (name == "index0") return Value(at);
  if (name == "revindex") return Value(count - at);
  if (name == "revindex0") return Value(count - at - 1);
  if (name == "first") return Value(at == 0);
  if (name == "last") return Value(at + 1 == count);
  if (name == "length") return Value(count);
  if (name == "depth") return Value(int64_t{depth + 1});
  if (name == "depth0") return Value(int64_t{depth});
  if (name == "previtem") {
    return at > 0 ? items[index - 1] : Value::undefined("there is no previous item");
  }
  if (name == "nextitem") {
    return at + 1 < count ? items[index + 1] : Value::undefined("there is no next item");
  }
  if (name == "cycle") {
    return runtime.heap().native("cycle", [this](Runtime&, const Args& args) {
      if (args.positional.empty()) fail("loop.cycle() needs something to cycle through");
      return args.positional[index % args.positional.size()];
    });
  }
  if (name == "changed") {
    return runtime.heap().native(
        "changed", [this](Runtime&, const Args& args) { return Value(changed(args.positional)); });
  }
  return std::nullopt;
}

std::optional<Value> MacroObject::attribute(Runtime& runtime, std::string_view name) {
  if (name == "name") return runtime.heap().text(node->name, kTrusted);
  if (name == "catch_kwargs") return Value(node->uses_kwargs);
  if (name == "catch_varargs") return Value(node->uses_varargs);
  if (name == "caller") return Value(node->uses_caller);
  if (name == "arguments") {
    std::vector<Value> names;
    for (const std::string& one : node->parameters) {
      names.push_back(runtime.heap().text(one, kTrusted));
    }
    return runtime.heap().tuple(std::move(names));
  }
  return std::nullopt;
}

}  // namespace ondol::text::jinja

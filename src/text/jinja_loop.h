// The objects that statements make: `loop` and macros.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/jinja_runtime.h"

namespace ondol::text::jinja {

struct LoopObject final : Object {
  std::vector<Value> items;
  size_t index = 0;
  int depth = 0;
  const Stmt* statement = nullptr;
  Scope* scope = nullptr;                  // around the loop
  std::optional<std::vector<Value>> seen;  // by changed()

  std::string type_name() const override { return "loop"; }
  bool callable() const override { return statement->recursive; }
  Value call(Runtime& runtime, const Args& args) override;
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  bool changed(const std::vector<Value>& values);
};

struct MacroObject final : Object {
  const MacroNode* node = nullptr;
  Scope* closure = nullptr;

  std::string type_name() const override { return "macro"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Args& args) override {
    return runtime.call_macro(*node, closure, args);
  }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
};

}  // namespace ondol::text::jinja

// One rendering of a Program: scopes, output, limits. Used once, by one thread.
//
//   Heap heap(limits);
//   Runtime runtime(&heap, {});
//   runtime.set("messages", heap.list({...}));
//   Text out = runtime.render(*program);   // throws Error with line and column
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja_ast.h"
#include "text/jinja_value.h"

namespace ondol::text::jinja {

// Variables of one block; what is not here is looked for in the parent.
struct Scope final : Object {
  Scope* parent = nullptr;
  std::unordered_map<std::string, Value> variables;
  std::string type_name() const override { return "scope"; }
};

struct RuntimeOptions {
  std::optional<int64_t> now;  // for strftime_now: seconds since the epoch, shown as UTC; else the
                               // clock, shown in local time
};

class Runtime {
 public:
  Runtime(Heap* heap, const RuntimeOptions& options);

  void set(const std::string& name, Value value) { scope_->variables[name] = std::move(value); }
  Text render(const Program& program);
  // Bytes [begin, end) of the output that generation blocks wrote, in order.
  const std::vector<std::pair<size_t, size_t>>& generated() const { return generated_; }
  // A generation block wrote into a macro, a filter or a variable: where it stands is not known.
  bool generated_elsewhere() const { return generated_elsewhere_; }

  // For filters, tests, methods and objects.
  Heap& heap() { return *heap_; }
  const RuntimeOptions& options() const { return options_; }
  Value text(Text of) { return heap_->text(std::move(of)); }
  Value attribute(const Value& object, std::string_view name);  // object.name
  Value item(const Value& object, const Value& key);            // object[key]
  Value call(const Value& callee, const Args& args);
  Value apply_filter(const std::string& name, const Value& value, const Args& args);
  bool apply_test(const std::string& name, const Value& value, const Args& args);
  // The items of anything that can be walked; empties an iterator.
  std::vector<Value> iterate(const Value& value);
  Value call_macro(const MacroNode& macro, Scope* closure, const Args& args);
  Value run_loop(const Stmt& loop, Scope* scope, const Value& over, int depth);  // loop(...)
  void count_steps(size_t steps);
  // The bytes that `times` copies of a string of `size` bytes would take; fails beyond the limit.
  void check_repeat(size_t size, int64_t times, size_t limit);

 private:
  enum class Flow { kOn, kBreak, kContinue };
  class Depth;
  class ScopeGuard;

  Flow run(const Block& block);
  Flow run(const Stmt& stmt);
  Flow run_if(const Stmt& stmt);
  Flow run_for(const Stmt& stmt, const Value& over, int depth);
  Flow run_scoped(const Block& block);
  Flow run_generation(const Block& block);
  Flow run_with(const Stmt& stmt);
  Text captured(const Block& block, Flow* flow);
  void define_macro(const Stmt& stmt);
  void run_call_block(const Stmt& stmt);
  std::vector<Value> loop_items(const Stmt& stmt, const Value& over);
  void assign(const Expr& target, const Value& value);
  void bind_parameters(const MacroNode& macro, const Args& args);
  void emit(const Text& text);

  Value eval(const Expr& expr);
  Value eval_name(const Expr& expr);
  Value eval_dict(const Expr& expr);
  Value eval_unary(const Expr& expr);
  Value eval_concat(const Expr& expr);
  Value eval_compare(const Expr& expr);
  Value eval_condition(const Expr& expr);
  Value eval_slice(const Expr& expr);
  Value eval_call(const Expr& expr);
  Value eval_filter(const Expr& expr, const Value* input);
  Value eval_test(const Expr& expr);
  std::vector<Value> eval_items(const Expr& expr);
  Args eval_arguments(const std::vector<Argument>& arguments);
  std::optional<int64_t> eval_bound(const Expr* expr);

  Heap* heap_;
  RuntimeOptions options_;
  Scope* scope_;
  Text* out_ = nullptr;
  const Text* whole_ = nullptr;  // the output itself; out_ is another text inside a capture
  std::vector<std::pair<size_t, size_t>> generated_;
  bool generated_elsewhere_ = false;
  Position at_;
  size_t steps_ = 0;
  size_t iterations_ = 0;
  int depth_ = 0;
};

// +, -, *, /, //, %, ** with Python's rules; 64-bit overflow is an error. jinja_ops.cpp
Value binary_operation(Runtime& runtime, std::string_view op, const Value& a, const Value& b);
Value negate(const Value& value);
// "%d of %s" % values. jinja_format.cpp
Text format_percent(Runtime& runtime, const Text& format, const Value& values);
// "{} of {name}".format(...)
Text format_braces(Runtime& runtime, const Text& format, const Args& args);

}  // namespace ondol::text::jinja

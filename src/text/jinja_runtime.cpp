// Statements: jinja_expr.cpp has the expressions.
#include "text/jinja_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/jinja_lexer.h"
#include "text/jinja_library.h"
#include "text/jinja_loop.h"
#include "text/jinja_runtime_depth.h"

namespace ondol::text::jinja {

class Runtime::ScopeGuard {
 public:
  ScopeGuard(Runtime* runtime, Scope* parent) : runtime_(runtime), saved_(runtime->scope_) {
    Scope* scope = runtime->heap_->make<Scope>();
    scope->parent = parent;
    runtime->scope_ = scope;
  }
  explicit ScopeGuard(Runtime* runtime) : ScopeGuard(runtime, runtime->scope_) {}
  ~ScopeGuard() { runtime_->scope_ = saved_; }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Runtime* runtime_;
  Scope* saved_;
};

Runtime::Runtime(Heap* heap, const RuntimeOptions& options)
    : heap_(heap), options_(options), scope_(heap->make<Scope>()) {
  add_globals(*this);
}

Text Runtime::render(const Program& program) {
  Text out;
  out_ = &out;
  whole_ = &out;
  try {
    run(program.body);
  } catch (const Failure& failure) {
    throw_error(failure.code, at_, failure.message);
  }
  return out;
}

void Runtime::count_steps(size_t steps) {
  steps_ += steps;
  if (steps_ > heap_->limits().steps) fail_limit("steps", steps_, heap_->limits().steps);
}

void Runtime::check_repeat(size_t size, int64_t times, size_t limit) {
  if (times > 0 && size > limit / static_cast<size_t>(times)) {
    fail(fmt::format("repeating {} places {} times goes beyond the limit of {}", size, times,
                     limit));
  }
}

void Runtime::emit(const Text& text) {
  const size_t size = out_->size() + text.size();
  const size_t limit = heap_->limits().output_bytes;
  if (size > limit) fail_limit("bytes of output", size, limit);
  out_->append(text);
}

Runtime::Flow Runtime::run(const Block& block) {
  for (const Stmt* stmt : block) {
    const Flow flow = run(*stmt);
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Runtime::Flow Runtime::run(const Stmt& stmt) {
  const Depth depth(this);
  at_ = stmt.position;
  Flow flow = Flow::kOn;
  switch (stmt.kind) {
    case StmtKind::kData:
      emit(stmt.text.text());
      break;
    case StmtKind::kPrint: {
      const Value value = eval(*stmt.expr);
      emit(to_text(value));
      break;
    }
    case StmtKind::kIf:
      return run_if(stmt);
    case StmtKind::kFor: {
      const Value over = eval(*stmt.expr);
      at_ = stmt.position;
      return run_for(stmt, over, 0);
    }
    case StmtKind::kSet:
      assign(*stmt.target, eval(*stmt.expr));
      break;
    case StmtKind::kSetBlock: {
      Value value = text(captured(stmt.body, &flow));
      if (stmt.expr) value = eval_filter(*stmt.expr, &value);
      assign(*stmt.target, value);
      break;
    }
    case StmtKind::kMacro:
      define_macro(stmt);
      break;
    case StmtKind::kCallBlock:
      run_call_block(stmt);
      break;
    case StmtKind::kFilterBlock: {
      const Value body = text(captured(stmt.body, &flow));
      emit(to_text(eval_filter(*stmt.expr, &body)));
      break;
    }
    case StmtKind::kWith:
      return run_with(stmt);
    case StmtKind::kScope:
      return run_scoped(stmt.body);
    case StmtKind::kGeneration:
      return run_generation(stmt.body);
    case StmtKind::kDo:
      eval(*stmt.expr);
      break;
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
  }
  return flow;
}

Runtime::Flow Runtime::run_if(const Stmt& stmt) {
  for (const auto& [condition, body] : stmt.branches) {
    if (!condition || truthy(eval(*condition))) return run(body);
  }
  return Flow::kOn;
}

Runtime::Flow Runtime::run_scoped(const Block& block) {
  const ScopeGuard scope(this);
  return run(block);
}

Runtime::Flow Runtime::run_generation(const Block& block) {
  const size_t begin = out_->size();
  const Flow flow = run_scoped(block);
  if (out_ == whole_) {
    if (out_->size() > begin) generated_.emplace_back(begin, out_->size());
  } else {
    generated_elsewhere_ = true;
  }
  return flow;
}

Runtime::Flow Runtime::run_with(const Stmt& stmt) {
  std::vector<Value> values;
  for (const auto& [target, value] : stmt.assignments) values.push_back(eval(*value));
  const ScopeGuard scope(this);
  for (size_t i = 0; i < values.size(); ++i) assign(*stmt.assignments[i].first, values[i]);
  return run(stmt.body);
}

Text Runtime::captured(const Block& block, Flow* flow) {
  Text inner;
  Text* outer = std::exchange(out_, &inner);
  try {
    const ScopeGuard scope(this);
    *flow = run(block);
  } catch (...) {
    out_ = outer;
    throw;
  }
  out_ = outer;
  return inner;
}

// The items a loop walks: its `if` is asked first, with the loop's variables but without `loop`.
std::vector<Value> Runtime::loop_items(const Stmt& stmt, const Value& over) {
  std::vector<Value> items = iterate(over);
  if (!stmt.filter) return items;
  std::vector<Value> kept;
  for (const Value& item : items) {
    const ScopeGuard scope(this);
    assign(*stmt.target, item);
    if (truthy(eval(*stmt.filter))) kept.push_back(item);
  }
  return kept;
}

Runtime::Flow Runtime::run_for(const Stmt& stmt, const Value& over, int depth) {
  std::vector<Value> items = loop_items(stmt, over);
  if (items.empty()) return run_scoped(stmt.otherwise);
  LoopObject* loop = heap_->make<LoopObject>();
  loop->items = std::move(items);
  loop->depth = depth;
  loop->statement = &stmt;
  loop->scope = scope_;
  for (loop->index = 0; loop->index < loop->items.size(); ++loop->index) {
    if (++iterations_ > heap_->limits().iterations) {
      fail_limit("loop iterations", iterations_, heap_->limits().iterations);
    }
    const ScopeGuard scope(this);
    scope_->variables["loop"] = Value(static_cast<Object*>(loop));
    assign(*stmt.target, loop->items[loop->index]);
    if (run(stmt.body) == Flow::kBreak) break;
  }
  return Flow::kOn;
}

Value Runtime::run_loop(const Stmt& loop, Scope* scope, const Value& over, int depth) {
  const Depth guard(this);
  Text inner;
  Text* outer = std::exchange(out_, &inner);
  try {
    const ScopeGuard inside(this, scope);
    run_for(loop, over, depth);
  } catch (...) {
    out_ = outer;
    throw;
  }
  out_ = outer;
  return text(std::move(inner));
}

void Runtime::assign(const Expr& target, const Value& value) {
  if (target.kind == ExprKind::kName) {
    scope_->variables[target.name] = value;
    return;
  }
  if (target.kind == ExprKind::kAttribute) {
    const Value object = eval(*target.items[0]);
    at_ = target.position;
    auto* space = object.is(Kind::kObject) ? dynamic_cast<Namespace*>(&object.object()) : nullptr;
    if (!space) {
      fail(fmt::format("cannot set '{}' of a value of type '{}'; only a namespace() can be changed",
                       target.name, type_name(object)));
    }
    heap_->set(space->fields, heap_->text(target.name, kTrusted), value);
    return;
  }
  const std::vector<Value> parts = iterate(value);
  if (parts.size() != target.items.size()) {
    at_ = target.position;
    fail(fmt::format("cannot unpack {} values into {} variables", parts.size(),
                     target.items.size()));
  }
  for (size_t i = 0; i < parts.size(); ++i) assign(*target.items[i], parts[i]);
}

void Runtime::define_macro(const Stmt& stmt) {
  MacroObject* macro = heap_->make<MacroObject>();
  macro->node = stmt.macro;
  macro->closure = scope_;
  scope_->variables[stmt.macro->name] = Value(static_cast<Object*>(macro));
}

void Runtime::run_call_block(const Stmt& stmt) {
  MacroObject* caller = heap_->make<MacroObject>();
  caller->node = stmt.macro;
  caller->closure = scope_;
  const Value callee = eval(*stmt.expr->items[0]);
  Args args = eval_arguments(stmt.expr->arguments);
  args.named.emplace_back("caller", Value(static_cast<Object*>(caller)));
  at_ = stmt.position;
  emit(to_text(call(callee, args)));
}

Value Runtime::call_macro(const MacroNode& macro, Scope* closure, const Args& args) {
  const Depth depth(this);
  Text inner;
  Text* outer = std::exchange(out_, &inner);
  try {
    const ScopeGuard scope(this, closure);
    bind_parameters(macro, args);
    run(macro.body);
  } catch (...) {
    out_ = outer;
    throw;
  }
  out_ = outer;
  return text(std::move(inner));
}

void Runtime::bind_parameters(const MacroNode& macro, const Args& args) {
  const auto& names = macro.parameters;
  auto& variables = scope_->variables;
  std::vector<Value> more;
  for (size_t i = 0; i < args.positional.size(); ++i) {
    if (i < names.size()) {
      variables[names[i]] = args.positional[i];
    } else if (macro.uses_varargs) {
      more.push_back(args.positional[i]);
    } else {
      fail(fmt::format("macro '{}' takes not more than {} arguments, got {}", macro.name,
                       names.size(), args.positional.size()));
    }
  }
  const Value rest = heap_->dict();
  Value caller = Value::undefined("no caller defined");
  for (const auto& [name, value] : args.named) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      if (variables.count(name)) {
        fail(fmt::format("macro '{}' got two values for '{}'", macro.name, name));
      }
      variables[name] = value;
    } else if (name == "caller" && macro.uses_caller) {
      caller = value;
    } else if (macro.uses_kwargs) {
      heap_->set(rest.dict(), heap_->text(name, kTrusted), value);
    } else {
      fail(fmt::format("macro '{}' has no parameter '{}'", macro.name, name));
    }
  }
  if (macro.uses_caller && !variables.count("caller")) variables["caller"] = caller;
  if (macro.uses_varargs) variables["varargs"] = heap_->tuple(std::move(more));
  if (macro.uses_kwargs) variables["kwargs"] = rest;
  const size_t required = names.size() - macro.defaults.size();
  for (size_t i = 0; i < names.size(); ++i) {
    if (variables.count(names[i])) continue;
    Value value = i < required
                      ? Value::undefined(fmt::format("parameter '{}' was not provided", names[i]))
                      : eval(*macro.defaults[i - required]);
    variables[names[i]] = std::move(value);
  }
}

}  // namespace ondol::text::jinja

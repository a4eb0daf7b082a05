// Expressions of a running template.
#include <fmt/format.h>

#include "text/jinja_library.h"
#include "text/jinja_runtime.h"
#include "text/jinja_runtime_depth.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {

Value Runtime::eval(const Expr& expr) {
  const Depth depth(this);
  at_ = expr.position;
  switch (expr.kind) {
    case ExprKind::kConstant:
      return expr.constant;
    case ExprKind::kName:
      return eval_name(expr);
    case ExprKind::kList:
      return heap_->list(eval_items(expr));
    case ExprKind::kTuple:
      return heap_->tuple(eval_items(expr));
    case ExprKind::kDict:
      return eval_dict(expr);
    case ExprKind::kUnary:
      return eval_unary(expr);
    case ExprKind::kBinary: {
      const Value left = eval(*expr.items[0]), right = eval(*expr.items[1]);
      at_ = expr.position;
      return binary_operation(*this, expr.name, left, right);
    }
    case ExprKind::kAnd: {
      const Value left = eval(*expr.items[0]);
      return truthy(left) ? eval(*expr.items[1]) : left;
    }
    case ExprKind::kOr: {
      const Value left = eval(*expr.items[0]);
      return truthy(left) ? left : eval(*expr.items[1]);
    }
    case ExprKind::kConcat:
      return eval_concat(expr);
    case ExprKind::kCompare:
      return eval_compare(expr);
    case ExprKind::kCondition:
      return eval_condition(expr);
    case ExprKind::kAttribute: {
      const Value object = eval(*expr.items[0]);
      at_ = expr.position;
      return attribute(object, expr.name);
    }
    case ExprKind::kSubscript: {
      const Value object = eval(*expr.items[0]), key = eval(*expr.items[1]);
      at_ = expr.position;
      return item(object, key);
    }
    case ExprKind::kSlice:
      return eval_slice(expr);
    case ExprKind::kCall:
      return eval_call(expr);
    case ExprKind::kFilter:
      return eval_filter(expr, nullptr);
    case ExprKind::kTest:
      return eval_test(expr);
  }
  return {};
}

Value Runtime::eval_name(const Expr& expr) {
  for (const Scope* scope = scope_; scope; scope = scope->parent) {
    const auto found = scope->variables.find(expr.name);
    if (found != scope->variables.end()) return found->second;
  }
  return Value::undefined(fmt::format("'{}' is undefined", expr.name));
}

std::vector<Value> Runtime::eval_items(const Expr& expr) {
  std::vector<Value> items;
  items.reserve(expr.items.size());
  for (const Expr* item : expr.items) items.push_back(eval(*item));
  return items;
}

Value Runtime::eval_dict(const Expr& expr) {
  const Value made = heap_->dict();
  for (size_t i = 0; i < expr.items.size(); i += 2) {
    const Value key = eval(*expr.items[i]);
    Value value = eval(*expr.items[i + 1]);
    at_ = expr.position;
    // As in Python an equal key keeps its first spelling and gets the last value.
    heap_->set(made.dict(), key, std::move(value));
  }
  return made;
}

Value Runtime::eval_unary(const Expr& expr) {
  const Value value = eval(*expr.items[0]);
  at_ = expr.position;
  if (expr.name == "not") return Value(!truthy(value));
  if (expr.name == "-") return negate(value);
  if (value.is_undefined()) fail(value.why_undefined());
  if (!value.is_number()) fail("unary + needs a number, got " + type_name(value));
  return value.is_integral() ? Value(value.integer()) : value;
}

Value Runtime::eval_concat(const Expr& expr) {
  Text joined;
  for (const Expr* item : expr.items) {
    const Value part = eval(*item);
    joined.append(to_text(part));
    if (joined.size() > heap_->limits().text_bytes) heap_->count_text(joined.size());
  }
  return text(std::move(joined));
}

Value Runtime::eval_compare(const Expr& expr) {
  Value left = eval(*expr.items[0]);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = eval(*expr.items[i + 1]);
    at_ = expr.position;
    const std::string& op = expr.operators[i];
    bool holds = false;
    if (op == "==" || op == "!=") {
      holds = equals(left, right) == (op == "==");
    } else if (op == "in" || op == "not in") {
      if (right.is(Kind::kSequence)) count_steps(right.sequence().items.size());
      holds = contains(right, left) == (op == "in");
    } else {
      const int order = compare(left, right);
      holds = op == "<"    ? order == -1
              : op == "<=" ? order == -1 || order == 0
              : op == ">"  ? order == 1
                           : order == 1 || order == 0;
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Runtime::eval_condition(const Expr& expr) {
  if (truthy(eval(*expr.items[1]))) return eval(*expr.items[0]);
  if (expr.items[2]) return eval(*expr.items[2]);
  return Value::undefined("the inline if was false and has no else");
}

std::optional<int64_t> Runtime::eval_bound(const Expr* expr) {
  if (!expr) return std::nullopt;
  const Value value = eval(*expr);
  if (value.is_none()) return std::nullopt;
  if (value.is_undefined()) fail(value.why_undefined());
  if (!value.is_integral()) fail("slice bounds must be integers, got " + type_name(value));
  return value.integer();
}

Value Runtime::eval_slice(const Expr& expr) {
  const Value object = eval(*expr.items[0]);
  const auto begin = eval_bound(expr.items[1]), end = eval_bound(expr.items[2]),
             step = eval_bound(expr.items[3]);
  at_ = expr.position;
  if (object.is_string()) {
    const Text& whole = object.text();
    const std::vector<size_t> offsets = char_offsets(whole.bytes);
    Text part;
    part.markup = whole.markup;
    for (const size_t i : slice_indices(offsets.size() - 1, begin, end, step)) {
      part.append(whole.sub(offsets[i], offsets[i + 1]));
    }
    return text(std::move(part));
  }
  using Form = Sequence::Form;
  if (object.is(Kind::kSequence)) {
    const Sequence& whole = object.sequence();
    if (whole.form == Form::kList || whole.form == Form::kTuple || whole.form == Form::kRange) {
      std::vector<Value> part;
      for (const size_t i : slice_indices(whole.items.size(), begin, end, step)) {
        part.push_back(whole.items[i]);
      }
      const bool tuple = whole.form == Form::kTuple;
      return tuple ? heap_->tuple(std::move(part)) : heap_->list(std::move(part));
    }
  }
  if (object.is_undefined()) fail(object.why_undefined());
  fail(fmt::format("a value of type '{}' cannot be sliced", type_name(object)));
}

Args Runtime::eval_arguments(const std::vector<Argument>& arguments) {
  Args args;
  for (const Argument& argument : arguments) {
    Value value = eval(*argument.value);
    if (argument.name.empty()) {
      args.positional.push_back(std::move(value));
    } else if (argument.name == "*") {
      for (Value& one : iterate(value)) args.positional.push_back(std::move(one));
    } else if (argument.name == "**") {
      if (!value.is(Kind::kDict)) fail("** needs a dict, got " + type_name(value));
      for (const auto& [key, one] : value.dict().entries) {
        if (!key.is_string()) fail("** needs names as keys, got " + type_name(key));
        args.named.emplace_back(key.bytes(), one);
      }
    } else {
      args.named.emplace_back(argument.name, std::move(value));
    }
  }
  return args;
}

Value Runtime::eval_call(const Expr& expr) {
  const Value callee = eval(*expr.items[0]);
  const Args args = eval_arguments(expr.arguments);
  at_ = expr.position;
  return call(callee, args);
}

Value Runtime::eval_filter(const Expr& expr, const Value* input) {
  const Depth depth(this);
  Value value;
  if (!expr.items[0]) {
    value = *input;
  } else if (input && expr.items[0]->kind == ExprKind::kFilter) {
    value = eval_filter(*expr.items[0], input);
  } else {
    value = eval(*expr.items[0]);
  }
  const Args args = eval_arguments(expr.arguments);
  at_ = expr.position;
  return apply_filter(expr.name, value, args);
}

Value Runtime::eval_test(const Expr& expr) {
  const Value value = eval(*expr.items[0]);
  const Args args = eval_arguments(expr.arguments);
  at_ = expr.position;
  return Value(apply_test(expr.name, value, args));
}

Value Runtime::apply_filter(const std::string& name, const Value& value, const Args& args) {
  const Filter filter = find_filter(name);
  if (!filter) fail_unsupported(unknown_filter(name));
  return filter(*this, value, args);
}

bool Runtime::apply_test(const std::string& name, const Value& value, const Args& args) {
  const Test test = find_test(name);
  if (!test) fail_unsupported(unknown_test(name));
  return test(*this, value, args);
}

Value Runtime::call(const Value& callee, const Args& args) {
  const Depth depth(this);
  if (callee.is_undefined()) fail(callee.why_undefined());
  if (!callee.is(Kind::kObject)) {
    fail(fmt::format("a value of type '{}' cannot be called", type_name(callee)));
  }
  return callee.object().call(*this, args);
}

namespace {

std::optional<Value> own_item(Runtime& runtime, const Value& object, const Value& key) {
  if (object.is(Kind::kDict)) {
    if (key.is(Kind::kDict) ||
        (key.is(Kind::kSequence) && key.sequence().form != Sequence::Form::kTuple)) {
      return std::nullopt;
    }
    if (key.is_undefined() || key.is(Kind::kObject)) return std::nullopt;
    const Value* found = object.dict().find(key);
    return found ? std::optional(*found) : std::nullopt;
  }
  if (!key.is_integral()) return std::nullopt;
  const auto place = [&](size_t size) -> std::optional<size_t> {
    const int64_t count = static_cast<int64_t>(size), at = key.integer();
    if (at < -count || at >= count) return std::nullopt;
    return static_cast<size_t>(at < 0 ? at + count : at);
  };
  if (object.is_string()) {
    const std::vector<size_t> offsets = char_offsets(object.bytes());
    const auto at = place(offsets.size() - 1);
    if (!at) return std::nullopt;
    return runtime.text(object.text().sub(offsets[*at], offsets[*at + 1]));
  }
  using Form = Sequence::Form;
  if (!object.is(Kind::kSequence)) return std::nullopt;
  const Sequence& list = object.sequence();
  if (list.form != Form::kList && list.form != Form::kTuple && list.form != Form::kRange) {
    return std::nullopt;
  }
  const auto at = place(list.items.size());
  return at ? std::optional(list.items[*at]) : std::nullopt;
}

std::optional<Value> own_attribute(Runtime& runtime, const Value& object, std::string_view name) {
  if (object.is(Kind::kObject)) return object.object().attribute(runtime, name);
  if (object.is(Kind::kSequence) && object.sequence().label == "group") {
    if (name == "grouper") return object.sequence().items[0];
    if (name == "list") return object.sequence().items[1];
  }
  if (const Filter method = find_method(object, name)) {
    return runtime.heap().native(
        std::string(name),
        [object, method](Runtime& of, const Args& args) { return method(of, object, args); });
  }
  return std::nullopt;
}

Value missing(const Value& object, const Value& key) {
  if (object.is_undefined()) fail(object.why_undefined());
  if (key.is_string()) {
    return Value::undefined(
        fmt::format("a value of type '{}' has no attribute '{}'", type_name(object), key.bytes()));
  }
  return Value::undefined(fmt::format("a value of type '{}' has no item {}", type_name(object),
                                      key.is_number() ? to_text(key).bytes : type_name(key)));
}

}  // namespace

Value Runtime::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) fail(object.why_undefined());
  if (auto found = own_attribute(*this, object, name)) return *found;
  const Value key(std::make_shared<const Text>(name, kTrusted));
  if (auto found = own_item(*this, object, key)) return *found;
  return missing(object, key);
}

Value Runtime::item(const Value& object, const Value& key) {
  if (object.is_undefined()) fail(object.why_undefined());
  if (auto found = own_item(*this, object, key)) return *found;
  if (key.is_string()) {
    if (auto found = own_attribute(*this, object, key.bytes())) return *found;
  }
  return missing(object, key);
}

std::vector<Value> Runtime::iterate(const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::kUndefined:
      break;
    case Kind::kString: {
      const std::vector<size_t> offsets = char_offsets(value.bytes());
      count_steps(offsets.size());
      for (size_t i = 0; i + 1 < offsets.size(); ++i) {
        items.push_back(text(value.text().sub(offsets[i], offsets[i + 1])));
      }
      break;
    }
    case Kind::kSequence:
      if (value.sequence().form == Sequence::Form::kIterator) {
        items = std::exchange(value.sequence().items, {});
      } else {
        items = value.sequence().items;
      }
      break;
    case Kind::kDict:
      for (const auto& entry : value.dict().entries) items.push_back(entry.first);
      break;
    default:
      fail(fmt::format("a value of type '{}' cannot be iterated", type_name(value)));
  }
  count_steps(items.size());
  return items;
}

}  // namespace ondol::text::jinja

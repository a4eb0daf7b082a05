// Arithmetic with Python's rules. Integers have 64 bits; what does not fit is an error, never a
// wrap.
#include <fmt/format.h>

#include <cmath>

#include "text/jinja_runtime.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

[[noreturn]] void overflow(std::string_view op) {
  fail(fmt::format("the result of '{}' needs more than 64 bits", op));
}

[[noreturn]] void wrong_types(std::string_view op, const Value& a, const Value& b) {
  if (a.is_undefined()) fail(a.why_undefined());
  if (b.is_undefined()) fail(b.why_undefined());
  fail(fmt::format("'{}' cannot join '{}' and '{}'; use ~ to join texts", op, type_name(a),
                   type_name(b)));
}

Value integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail("zero cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) overflow("**");
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow("**");
  }
  return Value(result);
}

Value integer_operation(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+") {
    if (__builtin_add_overflow(a, b, &result)) overflow(op);
    return Value(result);
  }
  if (op == "-") {
    if (__builtin_sub_overflow(a, b, &result)) overflow(op);
    return Value(result);
  }
  if (op == "*") {
    if (__builtin_mul_overflow(a, b, &result)) overflow(op);
    return Value(result);
  }
  if (op == "**") return integer_power(a, b);
  if (b == 0) fail("division by zero");
  if (op == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1) {
    if (op == "%") return Value(int64_t{0});
    if (a == INT64_MIN) overflow(op);
    return Value(-a);
  }
  const int64_t rest = a % b;
  const bool below = rest != 0 && (rest < 0) != (b < 0);  // Python rounds towards minus infinity
  return op == "%" ? Value(below ? rest + b : rest) : Value(a / b - (below ? 1 : 0));
}

Value real_power(double a, double b) {
  if (a == 0 && b < 0) fail("zero cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::trunc(b)) {
    fail("a negative number cannot be raised to a fraction");
  }
  const double result = std::pow(a, b);
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) fail("the power is too large");
  return Value(result);
}

Value real_operation(std::string_view op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (op == "**") return real_power(a, b);
  if (b == 0) fail("division by zero");
  if (op == "/") return Value(a / b);
  double rest = std::fmod(a, b);
  double whole = (a - rest) / b;
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      whole -= 1;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  if (op == "%") return Value(rest);
  if (whole == 0) return Value(std::copysign(0.0, a / b));
  const double down = std::floor(whole);
  return Value(whole - down > 0.5 ? down + 1 : down);
}

bool is_list(const Value& value, Sequence::Form form) {
  return value.is(Kind::kSequence) && value.sequence().form == form;
}

Value joined(Runtime& runtime, const Value& a, const Value& b) {
  std::vector<Value> items = a.sequence().items;
  items.insert(items.end(), b.sequence().items.begin(), b.sequence().items.end());
  return runtime.heap().sequence(a.sequence().form, std::move(items));
}

Value repeated(Runtime& runtime, const Value& value, int64_t times) {
  const Limits& limits = runtime.heap().limits();
  if (value.is_string()) {
    runtime.check_repeat(value.text().size(), times, limits.text_bytes);
    runtime.heap().count_text(times > 0 ? value.text().size() * static_cast<size_t>(times) : 0);
    return runtime.text(repeat(value.text(), times));
  }
  const std::vector<Value>& items = value.sequence().items;
  runtime.check_repeat(items.size(), times, limits.cells);
  std::vector<Value> out;
  for (int64_t i = 0; i < times && !items.empty(); ++i) {
    out.insert(out.end(), items.begin(), items.end());
  }
  return runtime.heap().sequence(value.sequence().form, std::move(out));
}

bool repeats(const Value& value) {
  return value.is_string() || is_list(value, Sequence::Form::kList) ||
         is_list(value, Sequence::Form::kTuple);
}

}  // namespace

Value binary_operation(Runtime& runtime, std::string_view op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integer_operation(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return real_operation(op, a.real(), b.real());
  if (op == "%" && a.is_string()) return runtime.text(format_percent(runtime, a.text(), b));
  if (op == "+") {
    if (a.is_string() && b.is_string()) {
      const bool markup = a.text().markup || b.text().markup;
      Text sum = markup ? escaped(a.text()) : a.text();
      sum.append(markup ? escaped(b.text()) : b.text());
      return runtime.text(std::move(sum));
    }
    for (const auto form : {Sequence::Form::kList, Sequence::Form::kTuple}) {
      if (is_list(a, form) && is_list(b, form)) return joined(runtime, a, b);
    }
  }
  if (op == "*") {
    if (repeats(a) && b.is_integral()) return repeated(runtime, a, b.integer());
    if (a.is_integral() && repeats(b)) return repeated(runtime, b, a.integer());
  }
  wrong_types(op, a, b);
}

Value negate(const Value& value) {
  if (value.is_undefined()) fail(value.why_undefined());
  if (value.is_integral()) {
    if (value.integer() == INT64_MIN) overflow("-");
    return Value(-value.integer());
  }
  if (value.is(Kind::kFloat)) return Value(-value.real());
  fail("unary - needs a number, got " + type_name(value));
}

}  // namespace ondol::text::jinja

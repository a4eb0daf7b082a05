// Filters over numbers.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

// int(text, base): spaces around, a sign, a prefix of the base, single underscores.
std::optional<int64_t> read_integer(const Text& of, int64_t base) {
  std::string text = strip(of, Side::kBoth, std::nullopt).bytes;
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  std::string sign;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    if (text[0] == '-') sign = "-";
    text.erase(0, 1);
  }
  if (text.size() > 2 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 32);
    const int64_t named = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (named != 0 && (base == 0 || base == named)) {
      base = named;
      text.erase(0, 2);
      if (!text.empty() && text[0] == '_') text.erase(0, 1);
    }
  }
  if (base == 0) base = 10;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || text[i + 1] == '_') {
      return std::nullopt;
    }
  }
  digits = sign + digits;
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto done = std::from_chars(digits.data(), end, value, static_cast<int>(base));
  if (done.ec == std::errc::result_out_of_range && done.ptr == end) {
    fail(fmt::format("the number {} needs more than 64 bits", digits));
  }
  if (done.ec != std::errc() || done.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> read_real(const Text& of) {
  std::string text = strip(of, Side::kBoth, std::nullopt).bytes;
  const bool plus = !text.empty() && text[0] == '+';
  if (plus) text.erase(0, 1);
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) { return at < text.size() && std::isdigit(text[at]); };
    if (text[i] != '_') {
      digits.push_back(text[i]);
    } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
      return std::nullopt;
    }
  }
  if (digits.empty() || (plus && digits[0] == '-')) return std::nullopt;
  if (digits.find('(') != std::string::npos) return std::nullopt;  // nan(...)
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto done = std::from_chars(digits.data(), end, value);
  if (done.ptr != end || done.ec == std::errc::invalid_argument) return std::nullopt;
  if (done.ec == std::errc::result_out_of_range) value = std::strtod(digits.c_str(), nullptr);
  return value;
}

std::optional<int64_t> whole(double real) {
  if (!std::isfinite(real)) return std::nullopt;
  if (std::abs(real) >= 9223372036854775808.0) {
    fail(fmt::format("the number {} needs more than 64 bits", float_repr(real)));
  }
  return static_cast<int64_t>(real);
}

Value int_filter(Runtime&, const Value& value, const Args& args) {
  const Params given("int", args, {"default", "base"});
  const Value otherwise = given.value(0, Value(int64_t{0}));
  std::optional<int64_t> found;
  if (value.is_undefined()) fail(value.why_undefined());
  if (value.is_integral()) found = value.integer();
  if (value.is(Kind::kFloat)) found = whole(value.real());
  if (value.is_string()) {
    found = read_integer(value.text(), given.integer(1, 10));
    if (!found) {
      if (const auto real = read_real(value.text())) found = whole(*real);
    }
  }
  return found ? Value(*found) : otherwise;
}

Value float_filter(Runtime&, const Value& value, const Args& args) {
  const Params given("float", args, {"default"});
  if (value.is_undefined()) fail(value.why_undefined());
  if (value.is_number()) return Value(value.real());
  const auto found = value.is_string() ? read_real(value.text()) : std::nullopt;
  return found ? Value(*found) : given.value(0, Value(0.0));
}

Value abs_filter(Runtime&, const Value& value, const Args& args) {
  Params("abs", args, {});
  if (value.is_undefined()) fail(value.why_undefined());
  if (value.is(Kind::kFloat)) return Value(std::abs(value.real()));
  if (!value.is_integral()) fail("abs needs a number, got " + type_name(value));
  return value.integer() < 0 ? negate(value) : Value(value.integer());
}

// Halves go to the even digit of the exact binary value, as printf and Python round.
double rounded(double real, int64_t precision) {
  if (!std::isfinite(real)) return real;
  constexpr int64_t kDigitsMax = 323;
  if (precision > kDigitsMax) return real;
  if (precision >= 0) {
    return std::strtod(fmt::format("{:.{}f}", real, precision).c_str(), nullptr);
  }
  if (precision < -kDigitsMax) return std::copysign(0.0, real);
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(real / scale) * scale;
}

// Integers stay integers; a negative precision rounds to tens, hundreds, ...
Value rounded_integer(int64_t value, int64_t precision) {
  if (precision >= 0) return Value(value);
  if (precision < -18) return Value(int64_t{0});
  int64_t scale = 1;
  for (int64_t i = 0; i < -precision; ++i) scale *= 10;
  int64_t down = value / scale * scale;
  if (down > value && __builtin_sub_overflow(down, scale, &down)) fail("round: out of 64 bits");
  const int64_t rest = value - down, half = scale / 2;
  const bool up = rest > half || (rest == half && (down / scale) % 2 != 0);
  if (up && __builtin_add_overflow(down, scale, &down)) fail("round: out of 64 bits");
  return Value(down);
}

Value round_filter(Runtime&, const Value& value, const Args& args) {
  const Params given("round", args, {"precision", "method"});
  const int64_t precision = given.integer(0, 0);
  const std::string method = given.text(1, Text("common", kTrusted)).bytes;
  if (value.is_undefined()) fail(value.why_undefined());
  if (!value.is_number()) fail("round needs a number, got " + type_name(value));
  if (method == "common") {
    if (value.is_integral()) return rounded_integer(value.integer(), precision);
    return Value(rounded(value.real(), precision));
  }
  if (method != "ceil" && method != "floor") {
    fail(fmt::format("round: the method is 'common', 'ceil' or 'floor', got '{}'", method));
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.real() * scale;
  if (!std::isfinite(scaled)) fail("round: the number is too large");
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value filesizeformat(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("filesizeformat", args, {"binary"});
  if (!value.is_number()) fail("filesizeformat needs a number, got " + type_name(value));
  const bool binary = given.flag(0, false);
  const double base = binary ? 1024 : 1000, bytes = value.real();
  const auto done = [&](const std::string& of) { return runtime.heap().text(of, kTrusted); };
  if (bytes == 1) return done("1 Byte");
  if (bytes < base) return done(fmt::format("{} Bytes", static_cast<int64_t>(bytes)));
  constexpr const char* kUnits = "kMGTPEZY";
  double unit = base;
  size_t i = 0;
  while (i < 7 && bytes >= unit * base) {
    unit *= base;
    ++i;
  }
  const char letter = binary && i == 0 ? 'K' : kUnits[i];
  return done(fmt::format("{:.1f} {}{}", bytes / unit, letter, binary ? "iB" : "B"));
}

}  // namespace

const std::vector<FilterRow>& number_filters() {
  static const std::vector<FilterRow> kRows = {
      {"int", int_filter},
      {"float", float_filter},
      {"abs", abs_filter},
      {"round", round_filter},
      {"filesizeformat", filesizeformat},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

#include "text/number_automaton.h"

#include <algorithm>

#include "base/error.h"
#include "text/pattern.h"

namespace ondol::text {
namespace {

constexpr size_t kWholeMax = 16;  // digits before the point where no bound asks for more
constexpr size_t kBoundDigitsMax = 40;
constexpr size_t kDecimalMax = 1000;

const std::string kExponent = "(?:[eE][+-]?[0-9]+)?";
const std::string kAnyFraction = "(?:\\.[0-9]+)?";

CodeAutomaton compiled(const std::string& sign, const std::string& texts) {
  return pattern_automaton("^" + sign + "(?:" + texts + ")$");
}

// Only 0 is compared with numbers that have exponents.
std::string exponent_for(const Decimal& bound) { return bound.zero() ? kExponent : ""; }

std::string any_size(const Decimal& bound) {
  return "(?:0|[1-9][0-9]*)" + kAnyFraction + exponent_for(bound);
}

std::string more_than(char digit) { return std::string("[") + ++digit + "-9]"; }

// Texts of numbers whose size is greater than the bound's: longer, or the same up to a greater
// digit.
std::string greater(const Decimal& bound) {
  const std::string& whole = bound.whole;
  const std::string rest = exponent_for(bound);
  std::string out = "[1-9][0-9]{" + std::to_string(whole.size()) + ",}" + kAnyFraction + rest;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '9') continue;
    out += "|" + whole.substr(0, i) + more_than(whole[i]) + "[0-9]{" +
           std::to_string(whole.size() - i - 1) + "}" + kAnyFraction + rest;
  }
  const std::string begun = "|" + whole + "\\.";
  for (size_t i = 0; i < bound.fraction.size(); ++i) {
    if (bound.fraction[i] == '9') continue;
    out += begun + bound.fraction.substr(0, i) + more_than(bound.fraction[i]) + "[0-9]*";
  }
  return out + begun + bound.fraction + "0*[1-9][0-9]*" + rest;
}

std::string equal(const Decimal& bound) {
  const std::string fraction =
      bound.fraction.empty() ? "(?:\\.0+)?" : "\\." + bound.fraction + "0*";
  return bound.whole + fraction + exponent_for(bound);
}

CodeAutomaton beyond(const std::string& sign, const Bound& bound) {
  const CodeAutomaton more = compiled(sign, greater(bound.value));
  return bound.excluded ? more : either(more, compiled(sign, equal(bound.value)));
}

CodeAutomaton within(const std::string& sign, const Bound& bound) {
  return without(compiled(sign, any_size(bound.value)),
                 beyond(sign, {bound.value, !bound.excluded}));
}

// Beyond 40 digits a bound says nothing to numbers of 16, or leaves none.
bool too_far(const Decimal& value) { return value.whole.size() > kBoundDigitsMax; }

CodeAutomaton at_least(const Bound& bound) {
  const Decimal& value = bound.value;
  if (!value.negative) return beyond("", bound);
  return either(compiled("", any_size(value)), within("-", bound));
}

CodeAutomaton at_most(const Bound& bound) {
  const Decimal& value = bound.value;
  if (value.negative) return beyond("-", bound);
  const bool below_zero = value.zero() && bound.excluded;
  return either(below_zero ? compiled("-", greater(value)) : compiled("-", any_size(value)),
                within("", bound));
}

// How many digits the format allows on a side.
size_t digits_of(const NumberSpec& spec, bool negative) {
  size_t digits = kWholeMax;
  for (const auto* bounds : {&spec.min, &spec.max}) {
    for (const Bound& bound : *bounds) {
      if (bound.value.negative != negative || too_far(bound.value)) continue;
      const bool open = (bounds == &spec.min) != negative;
      digits = std::max(digits, bound.value.whole.size() + (open ? 1 : 0));
    }
  }
  return digits;
}

CodeAutomaton format(const NumberSpec& spec) {
  const auto whole = [&](bool negative) {
    return "[1-9][0-9]{0," + std::to_string(digits_of(spec, negative) - 1) + "}";
  };
  if (spec.integer) return compiled("", "0|" + whole(false) + "|-" + whole(true));
  bool exponent = spec.multiple_of.empty();
  for (const auto* bounds : {&spec.min, &spec.max}) {
    for (const Bound& bound : *bounds) exponent &= bound.value.zero() || too_far(bound.value);
  }
  std::string out = "(?:0|" + whole(false) + "|-0|-" + whole(true) + ")(?:\\.[0-9]{1,20})?";
  if (exponent) out += "(?:[eE][+-]?(?:[0-9]{1,2}|1[0-9]{2}|2[0-8][0-9]))?";
  return compiled("", out);
}

// Integers without remainder: the state is the remainder of what was read.
CodeAutomaton multiples(uint32_t of) {
  CodeAutomaton out;
  out.states.resize(of + 2);
  const auto digits = [&](uint32_t state, uint32_t remainder) {
    for (uint32_t digit = 0; digit < 10; ++digit) {
      out.states[state].edges.push_back(
          {'0' + digit, '0' + digit, 2 + (remainder * 10 + digit) % of});
    }
  };
  out.states[0].edges.push_back({'-', '-', 1});
  digits(0, 0);
  digits(1, 0);
  for (uint32_t remainder = 0; remainder < of; ++remainder) digits(2 + remainder, remainder);
  out.states[2].final = true;
  return out;
}

CodeAutomaton multiples(const Decimal& of) {
  const std::string& fraction = of.fraction;
  const bool power = of.whole == "0" && !fraction.empty() && fraction.size() <= 20 &&
                     fraction.find_first_not_of('0') == fraction.size() - 1 &&
                     fraction.back() == '1';
  if (power && !of.negative) {
    return pattern_automaton("^-?[0-9]+(?:\\.[0-9]{1," + std::to_string(fraction.size()) +
                             "}0*)?$");
  }
  if (of.negative || of.zero() || !fraction.empty() || of.whole.size() > 5 ||
      std::stoul(of.whole) > 10'000) {
    throw Error(ErrorCode::kUnsupported,
                "[number] a multiple of " + of.whole + "." + fraction +
                    "; expected an integer up to 10000, or 0.1, 0.01 and so on");
  }
  return multiples(static_cast<uint32_t>(std::stoul(of.whole)));
}

CodeAutomaton bounded(CodeAutomaton texts, const std::vector<Bound>& bounds, bool lower) {
  for (const Bound& bound : bounds) {
    if (bound.value.fraction.size() > kBoundDigitsMax) {
      throw Error(ErrorCode::kUnsupported, "[number] a bound with " +
                                               std::to_string(bound.value.fraction.size()) +
                                               " digits behind the point; expected at most " +
                                               std::to_string(kBoundDigitsMax));
    }
    if (too_far(bound.value)) {
      if (bound.value.negative != lower) return CodeAutomaton::nothing();
      continue;
    }
    texts = both(texts, lower ? at_least(bound) : at_most(bound));
  }
  return texts;
}

}  // namespace

std::optional<Decimal> decimal_of(std::string_view number) {
  Decimal out;
  size_t at = 0;
  if (at < number.size() && number[at] == '-') out.negative = ++at > 0;
  std::string digits;
  int64_t point = -1;
  for (; at < number.size() && (number[at] == '.' || (number[at] >= '0' && number[at] <= '9'));
       ++at) {
    if (number[at] == '.') {
      if (point >= 0) return std::nullopt;
      point = static_cast<int64_t>(digits.size());
    } else {
      digits += number[at];
    }
  }
  if (digits.empty() || digits.size() > kDecimalMax) return std::nullopt;
  if (point < 0) point = static_cast<int64_t>(digits.size());
  if (at < number.size()) {
    if (number[at] != 'e' && number[at] != 'E') return std::nullopt;
    const std::string exponent(number.substr(at + 1));
    if (exponent.empty() || exponent.size() > 5 ||
        exponent.find_first_not_of("0123456789", exponent[0] == '-' || exponent[0] == '+') !=
            std::string::npos ||
        exponent.find_first_of("0123456789") == std::string::npos) {
      return std::nullopt;
    }
    point += std::stoi(exponent);
  }
  if (point > static_cast<int64_t>(kDecimalMax) || point < -static_cast<int64_t>(kDecimalMax)) {
    return std::nullopt;
  }
  if (point < 0) digits.insert(0, static_cast<size_t>(-point), '0');
  point = std::max<int64_t>(point, 0);
  if (static_cast<size_t>(point) > digits.size()) digits.resize(static_cast<size_t>(point), '0');
  out.whole = digits.substr(0, static_cast<size_t>(point));
  out.fraction = digits.substr(static_cast<size_t>(point));
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  if (out.whole.empty()) out.whole = "0";
  out.fraction.resize(out.fraction.find_last_not_of('0') + 1);
  if (out.zero()) out.negative = false;
  return out;
}

CodeAutomaton number_automaton(const NumberSpec& spec) {
  CodeAutomaton texts = format(spec);
  texts = bounded(std::move(texts), spec.min, true);
  texts = bounded(std::move(texts), spec.max, false);
  for (const Decimal& of : spec.multiple_of) texts = both(texts, multiples(of));
  return texts;
}

}  // namespace ondol::text

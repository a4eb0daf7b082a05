// The numbers of JSON within bounds, as texts.
//
//   CodeAutomaton ages = number_automaton({.integer = true, .min = decimal_of("0"),
//                                          .max = decimal_of("130")});
//
// An integer is written without fraction, exponent, and "-0"; a side without a bound has at most 16
// digits. Other numbers have at most 16 digits before the point, 20 behind it, and an exponent of
// at most 289 either way, so that all of them are doubles; none has an exponent where a bound other
// than 0 is given.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/code_automaton.h"

namespace ondol::text {

// A number written out: digits before the point without leading zeros ("0" alone), digits behind it
// without trailing ones.
struct Decimal {
  bool negative = false;
  std::string whole = "0";
  std::string fraction;
  bool zero() const { return whole == "0" && fraction.empty(); }
};

// Of a JSON number; nullopt: none, or with more than 1,000 digits.
std::optional<Decimal> decimal_of(std::string_view number);

struct Bound {
  Decimal value;
  bool excluded = false;
};

struct NumberSpec {
  bool integer = false;
  std::vector<Bound> min, max;  // all of them hold
  std::vector<Decimal> multiple_of;
};

// Throws Error(kUnsupported) for a multiple_of other than an integer up to 10,000 or a power of ten
// from 1e-20 to 0.1.
CodeAutomaton number_automaton(const NumberSpec& spec);

}  // namespace ondol::text

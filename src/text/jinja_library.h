// What templates can call: filters, tests, methods, global functions, each a row in a table.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_runtime.h"

namespace ondol::text::jinja {

using Filter = Value (*)(Runtime&, const Value&, const Args&);
using Test = bool (*)(Runtime&, const Value&, const Args&);

struct FilterRow {
  std::string_view name;
  Filter function;
};
struct TestRow {
  std::string_view name;
  Test function;
};

// nullptr for unknown names.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);
Filter find_method(const Value& self, std::string_view name);
std::string unknown_filter(std::string_view name);  // the message
std::string unknown_test(std::string_view name);

const std::vector<FilterRow>& text_filters();      // jinja_filters_text.cpp
const std::vector<FilterRow>& sequence_filters();  // jinja_filters_sequence.cpp
const std::vector<FilterRow>& choice_filters();    // jinja_filters_choice.cpp
const std::vector<FilterRow>& number_filters();    // jinja_filters_number.cpp
const std::vector<FilterRow>& text_methods();      // jinja_methods.cpp
const std::vector<FilterRow>& text_checks();       // jinja_methods_check.cpp
const std::vector<FilterRow>& list_methods();      // jinja_methods_container.cpp
const std::vector<FilterRow>& tuple_methods();
const std::vector<FilterRow>& dict_methods();
const std::vector<TestRow>& tests();  // jinja_tests.cpp
void add_globals(Runtime& runtime);   // jinja_globals.cpp

// The arguments of one call by the names of its parameters.
class Params {
 public:
  Params(std::string_view callee, const Args& args, std::initializer_list<std::string_view> names,
         size_t required = 0);
  bool has(size_t i) const { return given_[i]; }
  // Given and not none.
  bool is_set(size_t i) const { return given_[i] && !values_[i].is_none(); }
  const Value& operator[](size_t i) const { return values_[i]; }
  Value value(size_t i, Value otherwise) const { return given_[i] ? values_[i] : otherwise; }
  bool flag(size_t i, bool otherwise) const { return given_[i] ? truthy(values_[i]) : otherwise; }
  int64_t integer(size_t i, int64_t otherwise) const;
  Text text(size_t i, const Text& otherwise) const;  // what is no string is an error

 private:
  std::string callee_;
  std::vector<std::string_view> names_;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

// "a.b.0" walked from a value, as attribute= of filters does; undefined where a step is missing.
Value walk_path(Runtime& runtime, const Value& from, const Value& path);
// Strings in lower case unless case matters; for sort, unique, min, max.
Value fold_case(Runtime& runtime, const Value& value, bool case_sensitive);
std::vector<Value> to_values(Runtime& runtime, std::vector<Text> texts);

}  // namespace ondol::text::jinja

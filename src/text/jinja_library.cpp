#include "text/jinja_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

template <class Row>
auto find_in(const std::vector<Row>& rows, std::string_view name) -> decltype(rows[0].function) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  return found == rows.end() ? nullptr : found->function;
}

}  // namespace

Filter find_filter(std::string_view name) {
  for (const auto* rows :
       {&text_filters(), &sequence_filters(), &choice_filters(), &number_filters()}) {
    if (const Filter found = find_in(*rows, name)) return found;
  }
  return nullptr;
}

Test find_test(std::string_view name) { return find_in(tests(), name); }

Filter find_method(const Value& self, std::string_view name) {
  switch (self.kind()) {
    case Kind::kString: {
      const Filter found = find_in(text_methods(), name);
      return found ? found : find_in(text_checks(), name);
    }
    case Kind::kDict:
      return find_in(dict_methods(), name);
    case Kind::kSequence:
      if (self.sequence().form == Sequence::Form::kList) return find_in(list_methods(), name);
      if (self.sequence().form == Sequence::Form::kTuple ||
          self.sequence().form == Sequence::Form::kRange) {
        return find_in(tuple_methods(), name);
      }
      return nullptr;
    default:
      return nullptr;
  }
}

std::string unknown_filter(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto* rows :
       {&text_filters(), &sequence_filters(), &choice_filters(), &number_filters()}) {
    for (const FilterRow& row : *rows) known.push_back(row.name);
  }
  std::sort(known.begin(), known.end());
  return fmt::format("unknown filter '{}'; known: {}", name, fmt::join(known, ", "));
}

std::string unknown_test(std::string_view name) {
  std::vector<std::string_view> known;
  for (const TestRow& row : tests()) known.push_back(row.name);
  std::sort(known.begin(), known.end());
  return fmt::format("unknown test '{}'; known: {}", name, fmt::join(known, ", "));
}

Params::Params(std::string_view callee, const Args& args,
               std::initializer_list<std::string_view> names, size_t required)
    : callee_(callee), names_(names), values_(names.size()), given_(names.size()) {
  if (args.positional.size() > names_.size()) {
    fail(fmt::format("{} takes at most {} arguments, got {}", callee, names_.size(),
                     args.positional.size()));
  }
  for (size_t i = 0; i < args.positional.size(); ++i) {
    values_[i] = args.positional[i];
    given_[i] = true;
  }
  for (const auto& [name, value] : args.named) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      fail(fmt::format("{} has no parameter '{}'; it has: {}", callee, name,
                       fmt::join(names_, ", ")));
    }
    const size_t i = static_cast<size_t>(found - names_.begin());
    if (given_[i]) fail(fmt::format("{} got two values for '{}'", callee, name));
    values_[i] = value;
    given_[i] = true;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!given_[i]) fail(fmt::format("{} needs the argument '{}'", callee, names_[i]));
  }
}

int64_t Params::integer(size_t i, int64_t otherwise) const {
  if (!given_[i]) return otherwise;
  if (values_[i].is_undefined()) fail(values_[i].why_undefined());
  if (!values_[i].is_integral()) {
    fail(fmt::format("{}: '{}' must be an integer, got {}", callee_, names_[i],
                     type_name(values_[i])));
  }
  return values_[i].integer();
}

Text Params::text(size_t i, const Text& otherwise) const {
  if (!given_[i]) return otherwise;
  if (values_[i].is_undefined()) fail(values_[i].why_undefined());
  if (!values_[i].is_string()) {
    fail(fmt::format("{}: '{}' must be a string, got {}", callee_, names_[i],
                     type_name(values_[i])));
  }
  return values_[i].text();
}

Value walk_path(Runtime& runtime, const Value& from, const Value& path) {
  if (!path.is_string()) return runtime.item(from, path);
  Value at = from;
  for (const Text& part : split(path.text(), ".", -1, false)) {
    const bool number = !part.bytes.empty() && part.bytes.size() < 18 &&
                        std::all_of(part.bytes.begin(), part.bytes.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    at = runtime.item(at, number ? Value(static_cast<int64_t>(std::stoll(part.bytes)))
                                 : Value(std::make_shared<const Text>(part)));
  }
  return at;
}

Value fold_case(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is_string()) return value;
  return runtime.text(with_case(value.text(), Case::kLower));
}

std::vector<Value> to_values(Runtime& runtime, std::vector<Text> texts) {
  std::vector<Value> values;
  values.reserve(texts.size());
  for (Text& one : texts) values.push_back(runtime.text(std::move(one)));
  return values;
}

}  // namespace ondol::text::jinja

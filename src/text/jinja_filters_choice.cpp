// Filters that ask something of every item: map, select, sort, unique, groupby, min, max, sum.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "text/jinja_library.h"

namespace ondol::text::jinja {
namespace {

std::string name_of(const Value& value, std::string_view what) {
  if (!value.is_string()) fail(fmt::format("{} must be a string, got {}", what, type_name(value)));
  return value.bytes();
}

// map('filter', ...) or map(attribute='a.b', default=...).
Value map(Runtime& runtime, const Value& value, const Args& args) {
  std::vector<Value> out;
  if (!truthy(value)) return runtime.heap().iterator({});  // none is no items, as in Jinja
  if (args.positional.empty()) {
    const Params given("map", args, {"attribute", "default"});
    if (!given.has(0)) fail("map needs the name of a filter or attribute=");
    for (const Value& item : runtime.iterate(value)) {
      Value found = walk_path(runtime, item, given[0]);
      out.push_back(found.is_undefined() && given.is_set(1) ? given[1] : found);
    }
    return runtime.heap().iterator(std::move(out));
  }
  const std::string name = name_of(args.positional[0], "map: the name of the filter");
  Args rest = args;
  rest.positional.erase(rest.positional.begin());
  for (const Value& item : runtime.iterate(value)) {
    out.push_back(runtime.apply_filter(name, item, rest));
  }
  return runtime.heap().iterator(std::move(out));
}

// select, reject, selectattr, rejectattr.
template <bool by_attribute, bool keep>
Value choose(Runtime& runtime, const Value& value, const Args& args) {
  if (!truthy(value)) return runtime.heap().iterator({});  // none is no items, as in Jinja
  const size_t skip = by_attribute ? 1 : 0;
  if (args.positional.size() < skip) fail("the filter needs the name of an attribute");
  std::string test;
  if (args.positional.size() > skip) test = name_of(args.positional[skip], "the name of the test");
  Args rest = args;
  rest.positional.erase(
      rest.positional.begin(),
      rest.positional.begin() + std::min<std::ptrdiff_t>(args.positional.size(), skip + 1));
  std::vector<Value> kept;
  for (const Value& item : runtime.iterate(value)) {
    const Value asked = by_attribute ? walk_path(runtime, item, args.positional[0]) : item;
    const bool holds = test.empty() ? truthy(asked) : runtime.apply_test(test, asked, rest);
    if (holds == keep) kept.push_back(item);
  }
  return runtime.heap().iterator(std::move(kept));
}

// One or several attributes, "a,b" as Jinja writes it; the item itself without.
Value sort_key(Runtime& runtime, const Value& item, const Params& given, size_t attribute,
               bool case_sensitive) {
  if (!given.is_set(attribute)) return fold_case(runtime, item, case_sensitive);
  const Value& path = given[attribute];
  if (!path.is_string() || path.bytes().find(',') == std::string::npos) {
    return fold_case(runtime, walk_path(runtime, item, path), case_sensitive);
  }
  std::vector<Value> parts;
  std::string_view rest = path.bytes();
  while (true) {
    const size_t comma = rest.find(',');
    const Value one = runtime.heap().text(rest.substr(0, comma), kTrusted);
    parts.push_back(fold_case(runtime, walk_path(runtime, item, one), case_sensitive));
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  return runtime.heap().list(std::move(parts));
}

using Keyed = std::vector<std::pair<Value, Value>>;

void sort_by_key(Keyed* keyed, bool down) {
  std::stable_sort(keyed->begin(), keyed->end(), [down](const auto& a, const auto& b) {
    return (down ? compare(b.first, a.first) : compare(a.first, b.first)) == -1;
  });
}

Value sort(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("sort", args, {"reverse", "case_sensitive", "attribute"});
  Keyed keyed;
  for (const Value& item : runtime.iterate(value)) {
    keyed.emplace_back(sort_key(runtime, item, given, 2, given.flag(1, false)), item);
  }
  sort_by_key(&keyed, given.flag(0, false));
  std::vector<Value> sorted;
  for (auto& entry : keyed) sorted.push_back(std::move(entry.second));
  return runtime.heap().list(std::move(sorted));
}

Value unique(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("unique", args, {"case_sensitive", "attribute"});
  std::unordered_set<std::string> seen;
  std::vector<Value> kept;
  for (const Value& item : runtime.iterate(value)) {
    const Value key = sort_key(runtime, item, given, 1, given.flag(0, false));
    if (seen.insert(hash_key(key)).second) kept.push_back(item);
  }
  return runtime.heap().iterator(std::move(kept));
}

Value groupby(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("groupby", args, {"attribute", "default", "case_sensitive"}, 1);
  const bool case_sensitive = given.flag(2, false);
  Keyed keyed;
  for (const Value& item : runtime.iterate(value)) {
    Value found = walk_path(runtime, item, given[0]);
    if (found.is_undefined() && given.is_set(1)) found = given[1];
    keyed.emplace_back(fold_case(runtime, found, case_sensitive), item);
  }
  sort_by_key(&keyed, false);
  std::vector<Value> groups;
  for (size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    std::vector<Value> members;
    for (end = begin; end < keyed.size() && equals(keyed[end].first, keyed[begin].first); ++end) {
      members.push_back(keyed[end].second);
    }
    if (end == begin) fail("groupby cannot group a value that is not equal to itself");
    // Without regard to case the group is named as its first member spells it.
    Value name = walk_path(runtime, members[0], given[0]);
    if (name.is_undefined() && given.is_set(1)) name = given[1];
    groups.push_back(runtime.heap().sequence(
        Sequence::Form::kTuple, {name, runtime.heap().list(std::move(members))}, "group"));
  }
  return runtime.heap().list(std::move(groups));
}

template <int sign>
Value extreme(Runtime& runtime, const Value& value, const Args& args) {
  const Params given(sign < 0 ? "min" : "max", args, {"case_sensitive", "attribute"});
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : runtime.iterate(value)) {
    Value key = sort_key(runtime, item, given, 1, given.flag(0, false));
    if (!best || compare(key, best->first) == sign) best = std::pair(std::move(key), item);
  }
  return best ? best->second : Value::undefined("no item: the sequence is empty");
}

Value sum(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("sum", args, {"attribute", "start"});
  Value total = given.value(1, Value(int64_t{0}));
  if (total.is_string()) fail("sum cannot add strings; use join");
  for (const Value& item : runtime.iterate(value)) {
    const Value one = given.is_set(0) ? walk_path(runtime, item, given[0]) : item;
    total = binary_operation(runtime, "+", total, one);
  }
  return total;
}

}  // namespace

const std::vector<FilterRow>& choice_filters() {
  static const std::vector<FilterRow> kRows = {
      {"map", map},
      {"select", choose<false, true>},
      {"reject", choose<false, false>},
      {"selectattr", choose<true, true>},
      {"rejectattr", choose<true, false>},
      {"sort", sort},
      {"unique", unique},
      {"groupby", groupby},
      {"min", extreme<-1>},
      {"max", extreme<1>},
      {"sum", sum},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

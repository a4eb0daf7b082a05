// Filters over lists and dicts that keep or regroup their items.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

Value length(Runtime&, const Value& value, const Args& args) {
  Params("length", args, {});
  if (value.is_undefined()) return Value(int64_t{0});
  if (value.is_string()) return Value(static_cast<int64_t>(char_count(value.bytes())));
  if (value.is(Kind::kDict)) return Value(static_cast<int64_t>(value.dict().entries.size()));
  if (value.is(Kind::kSequence) && value.sequence().form != Sequence::Form::kIterator) {
    return Value(static_cast<int64_t>(value.sequence().items.size()));
  }
  fail(fmt::format("a value of type '{}' has no length{}", type_name(value),
                   value.is(Kind::kSequence) ? "; put |list before" : ""));
}

Value first(Runtime& runtime, const Value& value, const Args& args) {
  Params("first", args, {});
  // Taking one item off an iterator leaves the others.
  if (value.is(Kind::kSequence) && value.sequence().form == Sequence::Form::kIterator) {
    auto& items = value.sequence().items;
    if (items.empty()) return Value::undefined("No first item, sequence was empty.");
    const Value one = items.front();
    items.erase(items.begin());
    return one;
  }
  const std::vector<Value> items = runtime.iterate(value);
  return items.empty() ? Value::undefined("no first item: the sequence is empty") : items.front();
}

Value last(Runtime& runtime, const Value& value, const Args& args) {
  Params("last", args, {});
  if (value.is(Kind::kSequence) && value.sequence().form == Sequence::Form::kIterator) {
    fail("last needs a list; put |list before");
  }
  const std::vector<Value> items = runtime.iterate(value);
  return items.empty() ? Value::undefined("no last item: the sequence is empty") : items.back();
}

Value list(Runtime& runtime, const Value& value, const Args& args) {
  Params("list", args, {});
  return runtime.heap().list(runtime.iterate(value));
}

Value join(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("join", args, {"d", "attribute"});
  const Text separator = given.has(0) ? to_text(given[0]) : Text();
  Text out;
  bool begun = false;
  for (const Value& item : runtime.iterate(value)) {
    if (begun) out.append(separator);
    begun = true;
    out.append(to_text(given.is_set(1) ? walk_path(runtime, item, given[1]) : item));
    if (out.size() > runtime.heap().limits().text_bytes) runtime.heap().count_text(out.size());
  }
  return runtime.text(std::move(out));
}

Value reverse(Runtime& runtime, const Value& value, const Args& args) {
  Params("reverse", args, {});
  std::vector<Value> items = runtime.iterate(value);
  std::reverse(items.begin(), items.end());
  if (!value.is_string()) return runtime.heap().iterator(std::move(items));
  Text out;
  for (const Value& item : items) out.append(item.text());
  return runtime.text(std::move(out));
}

Value items(Runtime& runtime, const Value& value, const Args& args) {
  Params("items", args, {});
  std::vector<Value> pairs;
  if (!value.is_undefined()) {
    if (!value.is(Kind::kDict)) fail("items needs a dict, got " + type_name(value));
    for (const auto& [key, item] : value.dict().entries) {
      pairs.push_back(runtime.heap().tuple({key, item}));
    }
  }
  return runtime.heap().iterator(std::move(pairs));
}

Value dictsort(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("dictsort", args, {"case_sensitive", "by", "reverse"});
  if (value.is_undefined()) fail(value.why_undefined());
  if (!value.is(Kind::kDict)) fail("dictsort needs a dict, got " + type_name(value));
  const std::string by = given.text(1, Text("key", kTrusted)).bytes;
  if (by != "key" && by != "value") fail("dictsort: 'by' is 'key' or 'value', got " + by);
  std::vector<std::pair<Value, Value>> keyed;  // what to sort by, the pair
  for (const auto& [key, item] : value.dict().entries) {
    keyed.emplace_back(fold_case(runtime, by == "key" ? key : item, given.flag(0, false)),
                       runtime.heap().tuple({key, item}));
  }
  const bool down = given.flag(2, false);
  std::stable_sort(keyed.begin(), keyed.end(), [down](const auto& a, const auto& b) {
    return (down ? compare(b.first, a.first) : compare(a.first, b.first)) == -1;
  });
  std::vector<Value> pairs;
  for (const auto& entry : keyed) pairs.push_back(entry.second);
  return runtime.heap().list(std::move(pairs));
}

Value batch(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("batch", args, {"linecount", "fill_with"}, 1);
  const int64_t size = given.integer(0, 1);
  std::vector<Value> rows, row;
  for (const Value& item : runtime.iterate(value)) {
    if (static_cast<int64_t>(row.size()) == size) {
      rows.push_back(runtime.heap().list(std::exchange(row, {})));
    }
    row.push_back(item);
  }
  if (!row.empty()) {
    if (given.is_set(1)) {
      runtime.check_repeat(1, size, runtime.heap().limits().cells);
      while (static_cast<int64_t>(row.size()) < size) row.push_back(given[1]);
    }
    rows.push_back(runtime.heap().list(std::move(row)));
  }
  return runtime.heap().iterator(std::move(rows));
}

Value slice(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("slice", args, {"slices", "fill_with"}, 1);
  const int64_t slices = given.integer(0, 1);
  if (slices == 0) fail("slice: division by zero");
  runtime.check_repeat(1, slices, runtime.heap().limits().cells);
  const std::vector<Value> items = runtime.iterate(value);
  const int64_t count = static_cast<int64_t>(items.size());
  std::vector<Value> columns;
  int64_t at = 0;
  for (int64_t column = 0; column < slices; ++column) {
    const bool longer = column < count % slices;
    const int64_t size = count / slices + (longer ? 1 : 0);
    std::vector<Value> part(items.begin() + at, items.begin() + at + size);
    if (given.is_set(1) && !longer) part.push_back(given[1]);
    columns.push_back(runtime.heap().list(std::move(part)));
    at += size;
  }
  return runtime.heap().iterator(std::move(columns));
}

Value attr(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("attr", args, {"name"}, 1);
  const Text name = to_text(given[0]);
  if (value.is_undefined()) fail(value.why_undefined());
  // Attributes only: a dict's keys are not, as in Jinja.
  if (value.is(Kind::kDict) && !find_method(value, name.bytes)) {
    return Value::undefined(fmt::format("a dict has no attribute '{}'", name.bytes));
  }
  return runtime.attribute(value, name.bytes);
}

Value default_filter(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("default", args, {"default_value", "boolean"});
  const bool missing = value.is_undefined() || (given.flag(1, false) && !truthy(value));
  return missing ? given.value(0, runtime.text({})) : value;
}

}  // namespace

const std::vector<FilterRow>& sequence_filters() {
  static const std::vector<FilterRow> kRows = {
      {"length", length},
      {"count", length},
      {"first", first},
      {"last", last},
      {"list", list},
      {"join", join},
      {"reverse", reverse},
      {"items", items},
      {"dictsort", dictsort},
      {"batch", batch},
      {"slice", slice},
      {"attr", attr},
      {"default", default_filter},
      {"d", default_filter},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

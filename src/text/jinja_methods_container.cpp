// Methods of lists, tuples and dicts. Lists and dicts of one rendering may change: templates in the
// wild append and pop, although Hugging Face's sandbox refuses it. Nothing outlives the rendering.
#include <algorithm>

#include "text/jinja_library.h"

namespace ondol::text::jinja {
namespace {

Value count(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("count()", args, {"value"}, 1);
  runtime.count_steps(self.sequence().items.size());
  int64_t found = 0;
  for (const Value& item : self.sequence().items) found += equals(item, given[0]);
  return Value(found);
}

Value index(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("index()", args, {"value"}, 1);
  runtime.count_steps(self.sequence().items.size());
  const auto& items = self.sequence().items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (equals(items[i], given[0])) return Value(static_cast<int64_t>(i));
  }
  fail("index(): the value is not in the list");
}

Value copy_list(Runtime& runtime, const Value& self, const Args& args) {
  Params("copy()", args, {});
  return runtime.heap().list(self.sequence().items);
}

Value append(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("append()", args, {"value"}, 1);
  runtime.heap().append(self.sequence(), given[0]);
  return Value::none();
}

Value extend(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("extend()", args, {"values"}, 1);
  for (const Value& item : runtime.iterate(given[0])) runtime.heap().append(self.sequence(), item);
  return Value::none();
}

Value insert(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("insert()", args, {"index", "value"}, 2);
  auto& items = self.sequence().items;
  const int64_t size = static_cast<int64_t>(items.size()), asked = given.integer(0, 0);
  const int64_t at = std::clamp<int64_t>(asked < -size ? 0
                                         : asked < 0   ? asked + size
                                                       : asked,
                                         0, size);
  runtime.heap().count_cells(1);
  items.insert(items.begin() + at, given[1]);
  return Value::none();
}

Value pop_list(Runtime&, const Value& self, const Args& args) {
  const Params given("pop()", args, {"index"});
  auto& items = self.sequence().items;
  const int64_t size = static_cast<int64_t>(items.size()), asked = given.integer(0, -1);
  if (asked < -size || asked >= size) fail("pop(): the index is outside of the list");
  const auto at = items.begin() + (asked < 0 ? asked + size : asked);
  const Value value = *at;
  items.erase(at);
  return value;
}

Value keys(Runtime& runtime, const Value& self, const Args& args) {
  Params("keys()", args, {});
  std::vector<Value> out;
  for (const auto& entry : self.dict().entries) out.push_back(entry.first);
  return runtime.heap().sequence(Sequence::Form::kKeys, std::move(out));
}

Value values(Runtime& runtime, const Value& self, const Args& args) {
  Params("values()", args, {});
  std::vector<Value> out;
  for (const auto& entry : self.dict().entries) out.push_back(entry.second);
  return runtime.heap().sequence(Sequence::Form::kValues, std::move(out));
}

Value items(Runtime& runtime, const Value& self, const Args& args) {
  Params("items()", args, {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict().entries) {
    out.push_back(runtime.heap().tuple({key, value}));
  }
  return runtime.heap().sequence(Sequence::Form::kItems, std::move(out));
}

Value get(Runtime&, const Value& self, const Args& args) {
  const Params given("get()", args, {"key", "default"}, 1);
  if (given[0].is_undefined()) return given.value(1, Value::none());
  const Value* found = self.dict().find(given[0]);
  return found ? *found : given.value(1, Value::none());
}

Value pop_dict(Runtime&, const Value& self, const Args& args) {
  const Params given("pop()", args, {"key", "default"}, 1);
  const auto found = self.dict().take(given[0]);
  if (!found && !given.has(1)) fail("pop(): no such key " + to_repr(given[0]).bytes);
  return found ? *found : given[1];
}

Value set_default(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("setdefault()", args, {"key", "default"}, 1);
  if (const Value* found = self.dict().find(given[0])) return *found;
  const Value value = given.value(1, Value::none());
  runtime.heap().set(self.dict(), given[0], value);
  return value;
}

void merge(Runtime& runtime, Dict& into, const Args& args) {
  if (args.positional.size() > 1) fail("update() takes one dict");
  if (args.positional.size() == 1) {
    if (!args.positional[0].is(Kind::kDict)) {
      fail("update() needs a dict, got " + type_name(args.positional[0]));
    }
    const auto entries = args.positional[0].dict().entries;
    for (const auto& [key, value] : entries) runtime.heap().set(into, key, value);
  }
  for (const auto& [name, value] : args.named) {
    runtime.heap().set(into, runtime.heap().text(name, kTrusted), value);
  }
}

Value update(Runtime& runtime, const Value& self, const Args& args) {
  merge(runtime, self.dict(), args);
  return Value::none();
}

Value copy_dict(Runtime& runtime, const Value& self, const Args& args) {
  Params("copy()", args, {});
  const Value made = runtime.heap().dict();
  merge(runtime, made.dict(), Args{{self}, {}});
  return made;
}

}  // namespace

const std::vector<FilterRow>& list_methods() {
  static const std::vector<FilterRow> kRows = {
      {"count", count},   {"index", index},   {"copy", copy_list}, {"append", append},
      {"extend", extend}, {"insert", insert}, {"pop", pop_list},
  };
  return kRows;
}

const std::vector<FilterRow>& tuple_methods() {
  static const std::vector<FilterRow> kRows = {{"count", count}, {"index", index}};
  return kRows;
}

const std::vector<FilterRow>& dict_methods() {
  static const std::vector<FilterRow> kRows = {
      {"get", get},       {"keys", keys},      {"values", values},
      {"items", items},   {"pop", pop_dict},   {"setdefault", set_default},
      {"update", update}, {"copy", copy_dict},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

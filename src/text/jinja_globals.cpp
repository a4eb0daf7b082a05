// The functions every template can call.
#include <fmt/format.h>

#include <ctime>

#include "text/jinja_library.h"

namespace ondol::text::jinja {
namespace {

Value range(Runtime& runtime, const Args& args) {
  const Params given("range()", args, {"start", "stop", "step"}, 1);
  const bool single = !given.has(1);
  const int64_t start = single ? 0 : given.integer(0, 0);
  const int64_t stop = single ? given.integer(0, 0) : given.integer(1, 0);
  const int64_t step = given.integer(2, 1);
  if (step == 0) fail("range(): the step cannot be zero");
  int64_t width = 0, count = 0;
  if (__builtin_sub_overflow(stop, start, &width) || step == INT64_MIN) {
    fail("range(): the bounds are too far apart");
  }
  if (step > 0 && width > 0) count = (width - 1) / step + 1;
  if (step < 0 && width < 0) count = (-(width + 1)) / -step + 1;
  constexpr int64_t kRangeMax = 100'000;  // the limit of Jinja's sandbox too
  if (count > kRangeMax) {
    fail(fmt::format("range() is too long; the limit is {} items", kRangeMax));
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < count; ++i) items.emplace_back(start + i * step);
  std::string label = step == 1 ? fmt::format("range({}, {})", start, stop)
                                : fmt::format("range({}, {}, {})", start, stop, step);
  return runtime.heap().sequence(Sequence::Form::kRange, std::move(items), std::move(label));
}

// dict(...) and namespace(...): pairs or a dict, then named values.
void fill(Runtime& runtime, Dict& dict, const Args& args, std::string_view what) {
  if (args.positional.size() > 1) fail(fmt::format("{} takes at most one value", what));
  if (!args.positional.empty()) {
    const Value& from = args.positional[0];
    if (from.is(Kind::kDict)) {
      const auto entries = from.dict().entries;
      for (const auto& [key, value] : entries) runtime.heap().set(dict, key, value);
    } else {
      for (const Value& pair : runtime.iterate(from)) {
        const std::vector<Value> parts = runtime.iterate(pair);
        if (parts.size() != 2) fail(fmt::format("{} needs pairs of key and value", what));
        runtime.heap().set(dict, parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : args.named) {
    runtime.heap().set(dict, runtime.heap().text(name, kTrusted), value);
  }
}

Value make_dict(Runtime& runtime, const Args& args) {
  const Value made = runtime.heap().dict();
  fill(runtime, made.dict(), args, "dict()");
  return made;
}

Value make_namespace(Runtime& runtime, const Args& args) {
  Namespace* made = runtime.heap().make<Namespace>();
  fill(runtime, made->fields, args, "namespace()");
  return Value(static_cast<Object*>(made));
}

struct Cycler final : Object {
  std::vector<Value> items;
  size_t at = 0;
  std::string type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override {
    if (name == "current") return items[at];
    if (name == "next") {
      return runtime.heap().native("next", [this](Runtime&, const Args&) {
        const Value now = items[at];
        at = (at + 1) % items.size();
        return now;
      });
    }
    if (name == "reset") {
      return runtime.heap().native("reset", [this](Runtime&, const Args&) {
        at = 0;
        return Value::none();
      });
    }
    return std::nullopt;
  }
};

Value make_cycler(Runtime& runtime, const Args& args) {
  if (args.positional.empty()) fail("cycler() needs at least one item");
  Cycler* made = runtime.heap().make<Cycler>();
  made->items = args.positional;
  return Value(static_cast<Object*>(made));
}

struct Joiner final : Object {
  Value separator;
  bool used = false;
  std::string type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Args&) override {
    if (used) return separator;
    used = true;
    return runtime.text({});
  }
};

Value make_joiner(Runtime& runtime, const Args& args) {
  const Params given("joiner()", args, {"sep"});
  Joiner* made = runtime.heap().make<Joiner>();
  made->separator = runtime.text(given.text(0, Text(", ", kTrusted)));
  return Value(static_cast<Object*>(made));
}

Value raise_exception(Runtime&, const Args& args) {
  const Params given("raise_exception()", args, {"message"}, 1);
  fail("the template refuses this conversation: " + to_text(given[0]).bytes);
}

Value strftime_now(Runtime& runtime, const Args& args) {
  const Params given("strftime_now()", args, {"format"}, 1);
  const Text format = given.text(0, {});
  std::tm parts{};
  const std::time_t now = runtime.options().now.value_or(std::time(nullptr));
  const bool ok = runtime.options().now ? gmtime_r(&now, &parts) != nullptr
                                        : localtime_r(&now, &parts) != nullptr;
  constexpr size_t kDateBytesMax = 1024;
  if (!ok || format.size() > kDateBytesMax / 4) fail("strftime_now(): the time cannot be shown");
  char buffer[kDateBytesMax];
  const size_t size = std::strftime(buffer, sizeof buffer, (format.bytes + ".").c_str(), &parts);
  if (size == 0) fail("strftime_now(): the result is too long");
  return runtime.heap().text(std::string_view(buffer, size - 1), kTrusted);
}

Value lipsum(Runtime&, const Args&) { fail_unsupported("lipsum() is refused: it is random"); }

}  // namespace

void add_globals(Runtime& runtime) {
  const std::pair<const char*, Value (*)(Runtime&, const Args&)> kFunctions[] = {
      {"range", range},
      {"dict", make_dict},
      {"namespace", make_namespace},
      {"cycler", make_cycler},
      {"joiner", make_joiner},
      {"raise_exception", raise_exception},
      {"strftime_now", strftime_now},
      {"lipsum", lipsum},
  };
  for (const auto& [name, function] : kFunctions) {
    runtime.set(name, runtime.heap().native(name, function));
  }
}

}  // namespace ondol::text::jinja

// Methods of strings that give strings, lists or numbers; as Python's str.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

template <Text (*function)(const Text&)>
Value plain(Runtime& runtime, const Value& self, const Args& args) {
  Params("the method", args, {});
  return runtime.text(function(self.text()));
}

template <Case which>
Text cased(const Text& text) {
  return with_case(text, which);
}

template <Side side>
Value strip_method(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("strip()", args, {"chars"});
  if (!given.is_set(0)) return runtime.text(strip(self.text(), side, std::nullopt));
  return runtime.text(strip(self.text(), side, given.text(0, {}).bytes));
}

template <bool from_right>
Value split_method(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("split()", args, {"sep", "maxsplit"});
  const int64_t maximum = given.integer(1, -1);
  std::optional<std::string> separator;
  if (given.is_set(0)) separator = given.text(0, {}).bytes;
  return runtime.heap().list(
      to_values(runtime, split(self.text(), separator, maximum, from_right)));
}

Value splitlines(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("splitlines()", args, {"keepends"});
  return runtime.heap().list(to_values(runtime, split_lines(self.text(), given.flag(0, false))));
}

template <bool from_right>
Value partition(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("partition()", args, {"sep"}, 1);
  const Text &text = self.text(), separator = given.text(0, {});
  if (separator.size() == 0) fail("partition() got an empty separator");
  const size_t at =
      from_right ? text.bytes.rfind(separator.bytes) : text.bytes.find(separator.bytes);
  Text before = text, between, after;
  if (at != std::string::npos) {
    before = text.sub(0, at);
    between = text.sub(at, at + separator.size());
    after = text.sub(at + separator.size(), text.size());
  } else if (from_right) {
    std::swap(before, after);
  }
  return runtime.heap().tuple({runtime.text(before), runtime.text(between), runtime.text(after)});
}

Value replace_method(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("replace()", args, {"old", "new", "count"}, 2);
  return runtime.text(
      replace(self.text(), given.text(0, {}), given.text(1, {}), given.integer(2, -1)));
}

// The part of the text that start and end (in characters) leave, with the characters before it.
struct Window {
  Text text;
  int64_t before = 0;
  bool valid = true;
};

Window window(const Text& text, const Params& given) {
  const int64_t count = static_cast<int64_t>(char_count(text.bytes));
  const auto place = [&](size_t i, int64_t otherwise) {
    if (!given.is_set(i)) return otherwise;
    const int64_t at = given.integer(i, otherwise);
    return at < 0 ? std::max<int64_t>(0, at < -count ? 0 : at + count) : at;
  };
  const int64_t begin = place(1, 0), end = std::min(place(2, count), count);
  if (begin > end) return {{}, begin, false};
  return {slice_chars(text, begin, end), begin, true};
}

template <bool from_right, bool must>
Value find_method_of(Runtime&, const Value& self, const Args& args) {
  const Params given("find()", args, {"sub", "start", "end"}, 1);
  const Window in = window(self.text(), given);
  const std::string sub = given.text(0, {}).bytes;
  const size_t at = !in.valid    ? std::string::npos
                    : from_right ? in.text.bytes.rfind(sub)
                                 : in.text.bytes.find(sub);
  if (at == std::string::npos) {
    if (must) fail("index(): the substring is not found");
    return Value(int64_t{-1});
  }
  return Value(in.before +
               static_cast<int64_t>(char_count(std::string_view(in.text.bytes).substr(0, at))));
}

Value count_method(Runtime&, const Value& self, const Args& args) {
  const Params given("count()", args, {"sub", "start", "end"}, 1);
  const Window in = window(self.text(), given);
  const std::string sub = given.text(0, {}).bytes;
  if (!in.valid) return Value(int64_t{0});
  if (sub.empty()) return Value(static_cast<int64_t>(char_count(in.text.bytes)) + 1);
  int64_t count = 0;
  for (size_t at = 0; (at = in.text.bytes.find(sub, at)) != std::string::npos; at += sub.size()) {
    ++count;
  }
  return Value(count);
}

template <bool at_end>
Value affix(Runtime&, const Value& self, const Args& args) {
  const Params given("startswith()", args, {"prefix", "start", "end"}, 1);
  const Window in = window(self.text(), given);
  std::vector<Value> wanted = {given[0]};
  if (given[0].is(Kind::kSequence) && given[0].sequence().form == Sequence::Form::kTuple) {
    wanted = given[0].sequence().items;
  }
  for (const Value& one : wanted) {
    if (one.is_undefined()) fail(one.why_undefined());
    if (!one.is_string()) fail("startswith() and endswith() need strings, got " + type_name(one));
    const std::string &text = in.text.bytes, &part = one.bytes();
    if (!in.valid || part.size() > text.size()) continue;
    if (text.compare(at_end ? text.size() - part.size() : 0, part.size(), part) == 0) {
      return Value(true);
    }
  }
  return Value(false);
}

template <bool at_end>
Value remove_affix(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("removeprefix()", args, {"prefix"}, 1);
  const Text &text = self.text(), part = given.text(0, {});
  const size_t size = part.size(), all = text.size();
  if (size > all || text.bytes.compare(at_end ? all - size : 0, size, part.bytes) != 0) return self;
  return runtime.text(at_end ? text.sub(0, all - size) : text.sub(size, all));
}

Value join_method(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("join()", args, {"iterable"}, 1);
  if (given[0].is_undefined()) return runtime.text({});
  Text out;
  bool begun = false;
  for (const Value& item : runtime.iterate(given[0])) {
    if (!item.is_string()) fail("join() needs strings, got " + type_name(item));
    if (begun) out.append(self.text());
    begun = true;
    out.append(item.text());
    if (out.size() > runtime.heap().limits().text_bytes) runtime.heap().count_text(out.size());
  }
  return runtime.text(std::move(out));
}

template <Side side>
Value just(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("just()", args, {"width", "fillchar"}, 1);
  const int64_t width = given.integer(0, 0);
  runtime.check_repeat(1, width, runtime.heap().limits().output_bytes);
  return runtime.text(pad(self.text(), width, given.text(1, Text(" ", kTrusted)), side));
}

Value zfill(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("zfill()", args, {"width"}, 1);
  const int64_t width = given.integer(0, 0);
  runtime.check_repeat(1, width, runtime.heap().limits().output_bytes);
  const Text& text = self.text();
  const bool sign = text.size() > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
  Text out = text.sub(0, sign ? 1 : 0);
  out.append(pad(text.sub(sign ? 1 : 0, text.size()), width - (sign ? 1 : 0), Text("0", kTrusted),
                 Side::kLeft));
  return runtime.text(std::move(out));
}

Value expandtabs(Runtime& runtime, const Value& self, const Args& args) {
  const Params given("expandtabs()", args, {"tabsize"});
  const int64_t size = given.integer(0, 8);
  constexpr int64_t kTabMax = 64;
  if (size > kTabMax) fail(fmt::format("expandtabs(): got {}, the limit is {}", size, kTabMax));
  Text out;
  int64_t column = 0;
  for (size_t at = 0; at < self.text().size();) {
    const size_t length = decode_at(self.bytes(), at).length;
    const char c = self.bytes()[at];
    if (c == '\t') {
      const int64_t spaces = size > 0 ? size - column % size : 0;
      out.append(std::string(static_cast<size_t>(spaces), ' '), self.text().marks[at]);
      column += spaces;
    } else {
      out.append(self.text().sub(at, at + length));
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    at += length;
  }
  return runtime.text(std::move(out));
}

Value format_method(Runtime& runtime, const Value& self, const Args& args) {
  return runtime.text(format_braces(runtime, self.text(), args));
}

}  // namespace

const std::vector<FilterRow>& text_methods() {
  static const std::vector<FilterRow> kRows = {
      {"upper", plain<cased<Case::kUpper>>},
      {"lower", plain<cased<Case::kLower>>},
      {"casefold", plain<cased<Case::kFold>>},
      {"swapcase", plain<cased<Case::kSwap>>},
      {"capitalize", plain<capitalized>},
      {"title", plain<title_words>},
      {"strip", strip_method<Side::kBoth>},
      {"lstrip", strip_method<Side::kLeft>},
      {"rstrip", strip_method<Side::kRight>},
      {"split", split_method<false>},
      {"rsplit", split_method<true>},
      {"splitlines", splitlines},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"replace", replace_method},
      {"find", find_method_of<false, false>},
      {"rfind", find_method_of<true, false>},
      {"index", find_method_of<false, true>},
      {"rindex", find_method_of<true, true>},
      {"count", count_method},
      {"startswith", affix<false>},
      {"endswith", affix<true>},
      {"removeprefix", remove_affix<false>},
      {"removesuffix", remove_affix<true>},
      {"join", join_method},
      {"center", just<Side::kBoth>},
      {"ljust", just<Side::kRight>},
      {"rjust", just<Side::kLeft>},
      {"zfill", zfill},
      {"expandtabs", expandtabs},
      {"format", format_method},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

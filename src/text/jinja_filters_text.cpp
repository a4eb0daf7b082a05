// Filters over strings.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

void take_none(std::string_view name, const Args& args) { Params(name, args, {}); }

template <Case which>
Value change_case(Runtime& runtime, const Value& value, const Args& args) {
  take_none("the filter", args);
  return runtime.text(with_case(to_text(value), which));
}

Value capitalize(Runtime& runtime, const Value& value, const Args& args) {
  take_none("capitalize", args);
  return runtime.text(capitalized(to_text(value)));
}

// Words begin after white space and - ( { [ <, unlike str.title().
Value title(Runtime& runtime, const Value& value, const Args& args) {
  take_none("title", args);
  const Text text = to_text(value);
  Text out;
  bool starts = true;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text.bytes, at);
    out.append(with_case(text.sub(at, at + point.length), starts ? Case::kUpper : Case::kLower));
    starts =
        is_space(point.code) ||
        (point.code > 0 && point.code < 128 &&
         std::string_view("-({[<").find(static_cast<char>(point.code)) != std::string_view::npos);
    at += point.length;
  }
  return runtime.text(std::move(out));
}

Value trim(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("trim", args, {"chars"});
  const Text text = to_text(value);
  if (!given.is_set(0)) return runtime.text(strip(text, Side::kBoth, std::nullopt));
  return runtime.text(strip(text, Side::kBoth, given.text(0, {}).bytes));
}

Value replace_filter(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("replace", args, {"old", "new", "count"}, 2);
  const int64_t count = given.is_set(2) ? given.integer(2, -1) : -1;
  return runtime.text(replace(to_text(value), to_text(given[0]), to_text(given[1]), count));
}

Value indent(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("indent", args, {"width", "first", "blank"});
  if (value.is_undefined()) fail(value.why_undefined());
  if (!value.is_string()) fail("indent needs a string, got " + type_name(value));
  const bool word = given.has(0) && given[0].is_string();
  const int64_t width = word ? 0 : given.integer(0, 4);
  runtime.check_repeat(1, width, runtime.heap().limits().output_bytes);
  const Text space = word ? given[0].text() : repeat(Text(" ", kTrusted), width);
  // The break added here and lost again by splitting keeps one that the text ends with.
  Text whole = to_text(value);
  whole.append("\n", kTrusted);
  Text out;
  const std::vector<Text> lines = split_lines(whole, false);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i) out.append("\n", kTrusted);
    const bool indented =
        i == 0 ? given.flag(1, false) : lines[i].size() > 0 || given.flag(2, false);
    if (indented) out.append(space);
    out.append(lines[i]);
    if (out.size() > runtime.heap().limits().text_bytes) runtime.heap().count_text(out.size());
  }
  return runtime.text(std::move(out));
}

Value center(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("center", args, {"width"});
  const int64_t width = given.integer(0, 80);
  runtime.check_repeat(1, width, runtime.heap().limits().output_bytes);
  return runtime.text(pad(to_text(value), width, Text(" ", kTrusted), Side::kBoth));
}

Value truncate(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("truncate", args, {"length", "killwords", "end", "leeway"});
  if (!value.is_string() && !value.is_undefined()) {
    fail("truncate needs a string, got " + type_name(value));
  }
  const Text text = to_text(value), end = given.text(2, Text("...", kTrusted));
  const int64_t length = given.integer(0, 255), count = char_count(text.bytes);
  const int64_t leeway = given.is_set(3) ? given.integer(3, 5) : 5;
  const int64_t end_count = char_count(end.bytes);
  if (length < end_count || leeway < 0) {
    fail(fmt::format("truncate: the length {} is shorter than the end '{}'", length, end.bytes));
  }
  if (length >= count || count - length <= leeway) return runtime.text(text);
  Text kept = slice_chars(text, 0, length - end_count);
  if (!given.flag(1, false)) kept = split(kept, " ", 1, true)[0];
  kept.append(end);
  return runtime.text(std::move(kept));
}

Value escape(Runtime& runtime, const Value& value, const Args& args) {
  take_none("escape", args);
  return runtime.text(escaped(to_text(value)));
}

Value force_escape(Runtime& runtime, const Value& value, const Args& args) {
  take_none("forceescape", args);
  Text plain = to_text(value);
  plain.markup = false;
  return runtime.text(escaped(plain));
}

Value string(Runtime& runtime, const Value& value, const Args& args) {
  take_none("string", args);
  return runtime.text(to_text(value));
}

Value format_filter(Runtime& runtime, const Value& value, const Args& args) {
  if (!args.positional.empty() && !args.named.empty()) {
    fail("format takes values by position or by name, not both");
  }
  if (args.named.empty()) {
    const Value values = runtime.heap().tuple(args.positional);
    return runtime.text(format_percent(runtime, to_text(value), values));
  }
  const Value values = runtime.heap().dict();
  for (const auto& [name, one] : args.named) {
    runtime.heap().set(values.dict(), runtime.heap().text(name, kTrusted), one);
  }
  return runtime.text(format_percent(runtime, to_text(value), values));
}

Text quote_url(const Text& text, bool query) {
  Text out;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text.bytes[i]);
    const bool plain = (c < 128 && std::isalnum(c)) || c == '_' || c == '.' || c == '-' ||
                       c == '~' || (c == '/' && !query);
    out.append(plain               ? std::string(1, static_cast<char>(c))
               : query && c == ' ' ? "+"
                                   : fmt::format("%{:02X}", c),
               text.marks[i]);
  }
  return out;
}

Value urlencode(Runtime& runtime, const Value& value, const Args& args) {
  take_none("urlencode", args);
  if (!value.is(Kind::kDict) && !value.is(Kind::kSequence)) {
    return runtime.text(quote_url(to_text(value), false));
  }
  std::vector<std::pair<Value, Value>> pairs;
  if (value.is(Kind::kDict)) {
    pairs = value.dict().entries;
  } else {
    for (const Value& item : runtime.iterate(value)) {
      const std::vector<Value> parts = runtime.iterate(item);
      if (parts.size() != 2) fail("urlencode needs pairs of key and value");
      pairs.emplace_back(parts[0], parts[1]);
    }
  }
  Text out;
  for (const auto& [key, one] : pairs) {
    if (out.size() > 0) out.append("&", kTrusted);
    out.append(quote_url(to_text(key), true));
    out.append("=", kTrusted);
    out.append(quote_url(to_text(one), true));
  }
  return runtime.text(std::move(out));
}

Value wordcount(Runtime&, const Value& value, const Args& args) {
  take_none("wordcount", args);
  const Text text = to_text(value);
  int64_t count = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_at(text.bytes, at);
    const bool word = is_word(point.code);
    count += word && !inside;
    inside = word;
    at += point.length;
  }
  return Value(count);
}

// Tags and comments go, white space becomes single spaces.
Value striptags(Runtime& runtime, const Value& value, const Args& args) {
  take_none("striptags", args);
  const Text text = to_text(value);
  Text out;
  for (size_t at = 0; at < text.size();) {
    if (text.bytes[at] == '<') {
      const bool comment = text.bytes.compare(at, 4, "<!--") == 0;
      const size_t end = text.bytes.find(comment ? "-->" : ">", at);
      if (end != std::string::npos) {
        at = end + (comment ? 3 : 1);
        continue;
      }
    }
    out.append(text.sub(at, at + 1));
    ++at;
  }
  Text joined;
  for (const Text& word : split(out, std::nullopt, -1, false)) {
    if (joined.size() > 0) joined.append(" ", kTrusted);
    joined.append(word);
  }
  return runtime.text(std::move(joined));
}

Value tojson(Runtime& runtime, const Value& value, const Args& args) {
  const Params given("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = given.flag(0, false);
  style.sort_keys = given.flag(3, false);
  if (given.is_set(1)) {
    if (given[1].is_string()) {
      style.indent = given[1].bytes();
    } else {
      constexpr int64_t kIndentMax = 64;
      style.indent = std::string(std::clamp<int64_t>(given.integer(1, 0), 0, kIndentMax), ' ');
    }
    style.item_separator = ",";
  }
  if (given.is_set(2)) {
    const std::vector<Value> parts = runtime.iterate(given[2]);
    if (parts.size() != 2 || !parts[0].is_string() || !parts[1].is_string()) {
      fail("tojson: 'separators' must be two strings");
    }
    style.item_separator = parts[0].bytes();
    style.key_separator = parts[1].bytes();
  }
  return runtime.text(to_json(value, style));
}

Value safe(Runtime& runtime, const Value& value, const Args& args) {
  take_none("safe", args);
  Text text = to_text(value);
  text.markup = true;
  return runtime.text(std::move(text));
}

Value random(Runtime&, const Value&, const Args&) {
  fail_unsupported("the filter 'random' is refused: a prompt must not depend on chance");
}

}  // namespace

const std::vector<FilterRow>& text_filters() {
  static const std::vector<FilterRow> kRows = {
      {"upper", change_case<Case::kUpper>},
      {"lower", change_case<Case::kLower>},
      {"capitalize", capitalize},
      {"title", title},
      {"trim", trim},
      {"replace", replace_filter},
      {"indent", indent},
      {"center", center},
      {"truncate", truncate},
      {"e", escape},
      {"escape", escape},
      {"forceescape", force_escape},
      {"safe", safe},
      {"string", string},
      {"format", format_filter},
      {"urlencode", urlencode},
      {"wordcount", wordcount},
      {"striptags", striptags},
      {"tojson", tojson},
      {"random", random},
  };
  return kRows;
}

}  // namespace ondol::text::jinja

// How values print: str(), repr() and json.dumps() as Python writes them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace ondol::text::jinja {

// repr(float): the shortest digits that read back the same; exponents from 1e16 and below 1e-4.
std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto done =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view all(buffer, static_cast<size_t>(done.ptr - buffer));
  const size_t e = all.find('e');
  const int exponent = std::stoi(std::string(all.substr(e + 1)));
  std::string sign, digits;
  for (const char c : all.substr(0, e)) {
    if (c == '-') sign = "-";
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (digits.size() > 1) mantissa += "." + digits.substr(1);
    return fmt::format("{}{}e{}{:02}", sign, mantissa, exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  if (exponent < 0) return sign + "0." + std::string(-exponent - 1, '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

namespace {

constexpr size_t kPrintedBytesMax = size_t{8} << 20;  // one list or dict, or one JSON text

// Lists that share their parts can print exponentially longer than they are.
void check_size(const Text& out, int depth) {
  if (depth > kValueDepthMax) fail_limit("nested lists and dicts", depth, kValueDepthMax);
  if (out.size() > kPrintedBytesMax) fail_limit("printed bytes", out.size(), kPrintedBytesMax);
}

class Printer {
 public:
  Text out;

  void repr(const Value& value, int depth) {
    check_size(out, depth);
    switch (value.kind()) {
      case Kind::kUndefined:
        return put("Undefined");
      case Kind::kString:
        return quote(value.text());
      case Kind::kSequence:
        return sequence(value.sequence(), depth);
      case Kind::kDict:
        return dict(value.dict(), depth);
      case Kind::kObject:
        return object(value.object(), depth);
      default:
        out.append(to_text(value));
    }
  }

 private:
  void put(std::string_view bytes) { out.append(bytes, kUntrusted); }

  void quote(const Text& text) {
    const bool twice =
        text.bytes.find('\'') != std::string::npos && text.bytes.find('"') == std::string::npos;
    const char* mark = twice ? "\"" : "'";
    put(mark);
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text.bytes, at);
      escape(text, at, point, twice);
      at += point.length;
    }
    put(mark);
  }

  void escape(const Text& text, size_t at, const CodePoint& point, bool twice) {
    const int32_t c = point.code;
    const char mark = text.marks[at];
    if (c == '\\') return out.append("\\\\", mark);
    if (c == '\'' && !twice) return out.append("\\'", mark);
    if (c == '\n') return out.append("\\n", mark);
    if (c == '\r') return out.append("\\r", mark);
    if (c == '\t') return out.append("\\t", mark);
    if (c < 0 || is_printable(c)) return out.append(text.sub(at, at + point.length));
    out.append(c < 0x100     ? fmt::format("\\x{:02x}", c)
               : c < 0x10000 ? fmt::format("\\u{:04x}", c)
                             : fmt::format("\\U{:08x}", c),
               mark);
  }

  void items(const std::vector<Value>& list, int depth) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (i) put(", ");
      repr(list[i], depth + 1);
    }
  }

  void sequence(const Sequence& value, int depth) {
    using Form = Sequence::Form;
    switch (value.form) {
      case Form::kRange:
        return put(value.label);
      case Form::kIterator:
        return put("<generator object>");
      case Form::kTuple:
        put("(");
        items(value.items, depth);
        return put(value.items.size() == 1 ? ",)" : ")");
      case Form::kList:
        put("[");
        items(value.items, depth);
        return put("]");
      default:
        put(type_name(Value(const_cast<Sequence*>(&value))) + "([");
        items(value.items, depth);
        return put("])");
    }
  }

  void dict(const Dict& value, int depth) {
    put("{");
    bool first = true;
    for (const auto& [key, item] : value.entries) {
      if (!first) put(", ");
      first = false;
      repr(key, depth + 1);
      put(": ");
      repr(item, depth + 1);
    }
    put("}");
  }

  void object(const Object& value, int depth) {
    if (const auto* space = dynamic_cast<const Namespace*>(&value)) {
      put("<Namespace ");
      dict(space->fields, depth);
      return put(">");
    }
    put("<" + value.type_name() + ">");
  }
};

class JsonPrinter {
 public:
  explicit JsonPrinter(const JsonStyle& style) : style_(style) {}
  Text out;

  void value(const Value& of, int depth) {
    check_size(out, depth);
    switch (of.kind()) {
      case Kind::kNone:
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kFloat:
        return put(scalar(of));
      case Kind::kString:
        return quote(of.text());
      case Kind::kSequence:
        if (of.sequence().form == Sequence::Form::kList ||
            of.sequence().form == Sequence::Form::kTuple) {
          return list(of.sequence(), depth);
        }
        break;
      case Kind::kDict:
        return dict(of.dict(), depth);
      default:
        break;
    }
    fail("tojson: a value of type '" + type_name(of) + "' cannot be written as JSON" +
         (of.is_undefined() ? "; " + of.why_undefined() : ""));
  }

 private:
  void put(std::string_view bytes) { out.append(bytes, kUntrusted); }

  static std::string scalar(const Value& of) {
    if (of.is_none()) return "null";
    if (of.is(Kind::kBool)) return of.boolean() ? "true" : "false";
    if (of.is(Kind::kInt)) return std::to_string(of.integer());
    if (std::isnan(of.real())) return "NaN";
    if (std::isinf(of.real())) return of.real() < 0 ? "-Infinity" : "Infinity";
    return float_repr(of.real());
  }

  void quote(const Text& text) {
    put("\"");
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text.bytes, at);
      escape(text, at, point);
      at += point.length;
    }
    put("\"");
  }

  void escape(const Text& text, size_t at, const CodePoint& point) {
    const char mark = text.marks[at];
    const int32_t c = point.code;
    switch (c) {
      case '"':
        return out.append("\\\"", mark);
      case '\\':
        return out.append("\\\\", mark);
      case '\n':
        return out.append("\\n", mark);
      case '\r':
        return out.append("\\r", mark);
      case '\t':
        return out.append("\\t", mark);
      case '\b':
        return out.append("\\b", mark);
      case '\f':
        return out.append("\\f", mark);
      default:
        break;
    }
    if (c >= 0 && (c < 0x20 || (style_.ensure_ascii && c >= 0x7F))) {
      if (c < 0x10000) return out.append(fmt::format("\\u{:04x}", c), mark);
      return out.append(fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF)),
                        mark);
    }
    out.append(text.sub(at, at + point.length));
  }

  void newline(int depth) {
    if (!style_.indent) return;
    put("\n");
    for (int i = 0; i < depth; ++i) put(*style_.indent);
  }

  void list(const Sequence& of, int depth) {
    if (of.items.empty()) return put("[]");
    put("[");
    for (size_t i = 0; i < of.items.size(); ++i) {
      if (i) put(style_.item_separator);
      newline(depth + 1);
      value(of.items[i], depth + 1);
    }
    newline(depth);
    put("]");
  }

  void dict(const Dict& of, int depth) {
    if (of.entries.empty()) return put("{}");
    std::vector<std::pair<Value, Value>> entries = of.entries;
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return compare(a.first, b.first) == -1;
      });
    }
    put("{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i) put(style_.item_separator);
      newline(depth + 1);
      const Value& key = entries[i].first;
      if (key.is_string()) {
        quote(key.text());
      } else if (key.is_none() || key.is_number()) {
        put("\"" + scalar(key) + "\"");
      } else {
        fail("tojson: a key of type '" + type_name(key) + "' cannot be written as JSON");
      }
      put(style_.key_separator);
      value(entries[i].second, depth + 1);
    }
    newline(depth);
    put("}");
  }

  const JsonStyle& style_;
};

}  // namespace

Text to_text(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kNone:
      return Text("None", kTrusted);
    case Kind::kBool:
      return Text(value.boolean() ? "True" : "False", kTrusted);
    case Kind::kInt:
      return Text(std::to_string(value.integer()), kTrusted);
    case Kind::kFloat:
      return Text(float_repr(value.real()), kTrusted);
    case Kind::kString:
      return value.text();
    default:
      return to_repr(value);
  }
}

Text to_repr(const Value& value) {
  Printer printer;
  printer.repr(value, 0);
  return std::move(printer.out);
}

Text to_json(const Value& value, const JsonStyle& style) {
  JsonPrinter printer(style);
  printer.value(value, 0);
  return std::move(printer.out);
}

}  // namespace ondol::text::jinja

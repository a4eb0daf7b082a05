// "%5.1f of %s" % values and "{:>5} of {name}".format(...): Python's two ways to format.
#include <fmt/format.h>

#include <cmath>

#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

constexpr int64_t kWidthMax = 10'000;
constexpr int64_t kPrecisionMax = 300;

struct Spec {
  char fill = ' ';
  char align = 0;  // '<', '>', '^', '='
  bool plus = false, space = false, alternate = false, comma = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

int64_t read_number(std::string_view text, size_t* at, int64_t limit) {
  int64_t value = 0;
  while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9') {
    value = value * 10 + (text[(*at)++] - '0');
    if (value > limit) fail(fmt::format("a width or precision beyond {} in a format", limit));
  }
  return value;
}

Text padded(Text text, const Spec& spec, char otherwise) {
  const char align = spec.align ? spec.align : otherwise;
  const Text fill(std::string_view(&spec.fill, 1), kTrusted);
  if (align == '=') {
    const bool sign =
        text.size() > 0 && std::string_view("+- ").find(text.bytes[0]) != std::string_view::npos;
    Text out = text.sub(0, sign ? 1 : 0);
    out.append(
        pad(text.sub(sign ? 1 : 0, text.size()), spec.width - (sign ? 1 : 0), fill, Side::kLeft));
    return out;
  }
  if (align == '^') {  // unlike str.center, format gives the odd place to the right
    const int64_t count = static_cast<int64_t>(char_count(text.bytes));
    return pad(pad(text, count + std::max<int64_t>(0, spec.width - count) / 2, fill, Side::kLeft),
               spec.width, fill, Side::kRight);
  }
  return pad(text, spec.width, fill, align == '<' ? Side::kRight : Side::kLeft);
}

std::string with_commas(const std::string& digits) {
  size_t end = digits.find_first_not_of("0123456789");
  if (end == std::string::npos) end = digits.size();
  std::string out = digits.substr(end);
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && i % 3 == 0) out.insert(0, ",");
    out.insert(0, 1, digits[end - 1 - i]);
  }
  return out;
}

Text signed_text(bool negative, const std::string& digits, const Spec& spec) {
  std::string text = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  return Text(text + (spec.comma ? with_commas(digits) : digits), kTrusted);
}

Text format_integer(int64_t value, const Spec& spec) {
  const uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (spec.type) {
    case 'x':
      digits = (spec.alternate ? "0x" : "") + fmt::format("{:x}", size);
      break;
    case 'X':
      digits = (spec.alternate ? "0X" : "") + fmt::format("{:X}", size);
      break;
    case 'o':
      digits = (spec.alternate ? "0o" : "") + fmt::format("{:o}", size);
      break;
    case 'b':
      digits = (spec.alternate ? "0b" : "") + fmt::format("{:b}", size);
      break;
    default:
      digits = std::to_string(size);
  }
  return signed_text(value < 0, digits, spec);
}

Text format_real(double value, const Spec& spec, char type) {
  const int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  const double size = std::abs(value);
  const bool percent = type == '%';
  if (!std::isfinite(value)) {
    return signed_text(std::signbit(value) && !std::isnan(value), std::isnan(value) ? "nan" : "inf",
                       spec);
  }
  std::string digits;
  switch (type) {
    case 'e':
      digits = fmt::format("{:.{}e}", size, precision);
      break;
    case 'E':
      digits = fmt::format("{:.{}E}", size, precision);
      break;
    case 'g':
      digits = fmt::format("{:.{}g}", size, precision == 0 ? 1 : precision);
      break;
    case 'G':
      digits = fmt::format("{:.{}G}", size, precision == 0 ? 1 : precision);
      break;
    default:
      digits = fmt::format("{:.{}f}", percent ? size * 100 : size, precision);
  }
  if (percent) digits += "%";
  return signed_text(std::signbit(value), digits, spec);
}

bool is_real_type(char type) { return std::string_view("eEfFgG").find(type) != std::string::npos; }

// One conversion of a % format.
Text convert_percent(const Value& value, const Spec& spec) {
  if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
    Text text = spec.type == 's' ? to_text(value) : to_repr(value);
    if (spec.precision >= 0) text = slice_chars(text, 0, spec.precision);
    return padded(text, spec, '>');
  }
  if (value.is_undefined()) fail(value.why_undefined());
  if (spec.type == 'c') {
    if (value.is_string() && char_count(value.bytes()) == 1) return padded(value.text(), spec, '>');
    fail("%c needs one character");
  }
  if (!value.is_number()) {
    fail(fmt::format("%{} needs a number, got {}", spec.type, type_name(value)));
  }
  if (is_real_type(spec.type)) return padded(format_real(value.real(), spec, spec.type), spec, '>');
  if (std::string_view("diuxXo").find(spec.type) == std::string_view::npos) {
    fail(fmt::format("unknown conversion '%{}' in a format", spec.type));
  }
  Spec whole = spec;
  if (std::string_view("diu").find(spec.type) != std::string_view::npos) whole.type = 'd';
  int64_t integer = value.is_integral() ? value.integer() : 0;
  if (!value.is_integral()) {
    if (whole.type != 'd') fail(fmt::format("%{} needs an integer, got float", spec.type));
    if (!(std::abs(value.real()) < 9.2e18)) fail("%d: the number needs more than 64 bits");
    integer = static_cast<int64_t>(value.real());
  }
  return padded(format_integer(integer, whole), whole, '>');
}

}  // namespace

Text format_percent(Runtime& runtime, const Text& format, const Value& values) {
  const bool tuple = values.is(Kind::kSequence) && values.sequence().form == Sequence::Form::kTuple;
  size_t used = 0;
  const size_t given = tuple ? values.sequence().items.size() : 1;
  const auto next = [&]() -> Value {
    if (used >= given) fail("not enough values for the format");
    return tuple ? values.sequence().items[used++] : (++used, values);
  };
  Text out;
  const std::string& bytes = format.bytes;
  for (size_t at = 0; at < bytes.size();) {
    const size_t sign = std::min(bytes.find('%', at), bytes.size());
    out.append(format.sub(at, sign));
    if (out.size() > kOutputBytesMax) fail_limit("bytes of a format", out.size(), kOutputBytesMax);
    at = sign + 1;
    if (sign >= bytes.size()) break;
    std::optional<Value> named;
    if (at < bytes.size() && bytes[at] == '(') {
      const size_t end = bytes.find(')', at);
      if (end == std::string::npos || !values.is(Kind::kDict)) {
        fail("%(name) in a format needs a dict of values");
      }
      named = runtime.item(values, runtime.text(format.sub(at + 1, end)));
      if (named->is_undefined()) fail("a name of the format has no value");
      at = end + 1;
      used = given;
    }
    Spec spec;
    for (; at < bytes.size() && std::string_view("-+ 0#").find(bytes[at]) != std::string_view::npos;
         ++at) {
      if (bytes[at] == '-') spec.align = '<';
      if (bytes[at] == '+') spec.plus = true;
      if (bytes[at] == ' ') spec.space = true;
      if (bytes[at] == '#') spec.alternate = true;
      if (bytes[at] == '0' && spec.align != '<') {
        spec.fill = '0';
        spec.align = '=';
      }
    }
    spec.width = read_number(bytes, &at, kWidthMax);
    if (at < bytes.size() && bytes[at] == '.') {
      ++at;
      spec.precision = read_number(bytes, &at, kPrecisionMax);
    }
    if (at >= bytes.size()) fail("the format ends within a conversion");
    spec.type = bytes[at++];
    if (spec.align == '<') spec.fill = ' ';
    if (spec.type == '%') {
      out.append("%", format.marks[at - 1]);
      continue;
    }
    if (std::string_view("sra").find(spec.type) != std::string_view::npos && spec.fill == '0') {
      spec.fill = ' ';
      spec.align = 0;
    }
    out.append(convert_percent(named ? *named : next(), spec));
  }
  const bool mapping = values.is(Kind::kDict);
  if (used < given && !mapping) fail("more values than the format uses");
  return out;
}

namespace {

Spec parse_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [&](size_t i) {
    return i < text.size() && std::string_view("<>^=").find(text[i]) != std::string_view::npos;
  };
  if (is_align(1)) {
    spec.fill = text[0];
    spec.align = text[1];
    at = 2;
  } else if (is_align(0)) {
    spec.align = text[at++];
  }
  if (at < text.size() && (text[at] == '+' || text[at] == ' ' || text[at] == '-')) {
    spec.plus = text[at] == '+';
    spec.space = text[at] == ' ';
    ++at;
  }
  if (at < text.size() && text[at] == '#') spec.alternate = ++at > 0;
  if (at < text.size() && text[at] == '0') {
    if (!spec.align) {
      spec.fill = '0';
      spec.align = '=';
    }
    ++at;
  }
  spec.width = read_number(text, &at, kWidthMax);
  if (at < text.size() && text[at] == ',') spec.comma = ++at > 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    spec.precision = read_number(text, &at, kPrecisionMax);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) fail(fmt::format("wrong format specification '{}'", text));
  return spec;
}

Text convert_braces(const Value& value, const Spec& spec) {
  if (value.is_number() && spec.type != 's') {
    if (spec.type == '%' || is_real_type(spec.type) ||
        (value.is(Kind::kFloat) && spec.precision >= 0)) {
      return padded(format_real(value.real(), spec, spec.type ? spec.type : 'g'), spec, '>');
    }
    if (value.is(Kind::kFloat)) {
      const double size = std::abs(value.real());
      return padded(signed_text(std::signbit(value.real()), float_repr(size), spec), spec, '>');
    }
    if (value.is(Kind::kInt) || spec.type)
      return padded(format_integer(value.integer(), spec), spec, '>');
  }
  if (spec.type && spec.type != 's') {
    fail(fmt::format("the format '{}' is not for '{}'", spec.type, type_name(value)));
  }
  Text text = to_text(value);
  if (spec.precision >= 0) text = slice_chars(text, 0, spec.precision);
  return padded(text, spec, '<');
}

// "0", "name", "name.part", "0[key]"; empty: the next value by position.
Value field(Runtime& runtime, std::string_view path, const Args& args, size_t* automatic) {
  size_t end = path.find_first_of(".[");
  if (end == std::string_view::npos) end = path.size();
  const std::string_view name = path.substr(0, end);
  Value value;
  const bool digits = name.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) {
    size_t at = 0;
    const size_t index =
        name.empty() ? (*automatic)++ : static_cast<size_t>(read_number(name, &at, kWidthMax));
    if (index >= args.positional.size()) fail("format(): not enough values");
    value = args.positional[index];
  } else {
    bool found = false;
    for (const auto& [key, one] : args.named) {
      if (key == name) value = one;
      found = found || key == name;
    }
    if (!found) fail(fmt::format("format(): no value named '{}'", name));
  }
  while (end < path.size()) {
    const bool bracket = path[end] == '[';
    const size_t stop =
        std::min(bracket ? path.find(']', end) : path.find_first_of(".[", end + 1), path.size());
    const std::string_view part = path.substr(end + 1, stop - end - 1);
    value = bracket ? walk_path(runtime, value, runtime.heap().text(part, kTrusted))
                    : runtime.attribute(value, part);
    end = stop + (bracket ? 1 : 0);
  }
  return value;
}

}  // namespace

Text format_braces(Runtime& runtime, const Text& format, const Args& args) {
  Text out;
  size_t automatic = 0;
  const std::string& bytes = format.bytes;
  for (size_t at = 0; at < bytes.size();) {
    const char c = bytes[at];
    if (c != '{' && c != '}') {
      const size_t end = std::min(bytes.find_first_of("{}", at), bytes.size());
      out.append(format.sub(at, end));
      at = end;
      continue;
    }
    if (at + 1 < bytes.size() && bytes[at + 1] == c) {
      out.append(format.sub(at, at + 1));
      at += 2;
      continue;
    }
    const size_t end = bytes.find('}', at);
    if (c == '}' || end == std::string::npos) fail("format(): a single brace in the format");
    std::string_view inside = std::string_view(bytes).substr(at + 1, end - at - 1);
    const size_t colon = std::min(inside.find(':'), inside.size());
    const Spec spec = parse_spec(colon < inside.size() ? inside.substr(colon + 1) : "");
    std::string_view path = inside.substr(0, colon);
    const size_t bang = path.find('!');
    Value value = field(runtime, path.substr(0, bang), args, &automatic);
    if (bang != std::string_view::npos) {
      const bool repr = path.substr(bang) == "!r";
      if (!repr && path.substr(bang) != "!s") fail("format(): unknown conversion after '!'");
      value = runtime.text(repr ? to_repr(value) : to_text(value));
    }
    out.append(convert_braces(value, spec));
    if (out.size() > kOutputBytesMax) fail_limit("bytes of a format", out.size(), kOutputBytesMax);
    at = end + 1;
  }
  return out;
}

}  // namespace ondol::text::jinja

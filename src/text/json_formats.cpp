#include "text/json_formats.h"

#include <map>

namespace ondol::text {
namespace {

const std::string kOctet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const std::string kIpv4 = kOctet + "(?:\\." + kOctet + "){3}";

// Days by month; the 29th of February in leap years.
std::string date() {
  return "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|"
         "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|"
         "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
}

std::string time() {
  return "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?"
         "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
}

std::string duration() {
  const std::string clock = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)";
  const std::string day = "[0-9]+D";
  const std::string month = "[0-9]+M(?:" + day + ")?";
  const std::string year = "[0-9]+Y(?:" + month + ")?";
  return "P(?:(?:" + day + "|" + month + "|" + year + ")(?:" + clock + ")?|" + clock + "|[0-9]+W)";
}

std::string hostname() {
  const auto label = [](int chars) {
    return "[A-Za-z0-9](?:[A-Za-z0-9-]{0," + std::to_string(chars - 2) + "}[A-Za-z0-9])?";
  };
  return "(?:" + label(63) + "(?:\\." + label(63) + "){0,2}(?:\\." + label(61) + ")?|" + label(24) +
         "(?:\\." + label(24) + "){0,9})";
}

std::string email() {
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  return atom + "(?:\\." + atom + ")*@" + label + "(?:\\." + label + ")*";
}

// RFC 4291, 2.2: eight groups, or a "::" for one or more of them that are zero.
std::string ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  const std::string last = "(?:" + group + ":" + group + "|" + kIpv4 + ")";
  std::string out = "(?:" + group + ":){6}" + last;
  // `before` groups at most, then "::", then exactly `behind` pieces.
  for (int behind = 0; behind <= 5; ++behind) {
    const int before = 7 - (behind + 2);
    const std::string head =
        before == 0 ? ""
                    : "(?:" + group + "(?::" + group + "){0," + std::to_string(before - 1) + "})?";
    out += "|" + head + "::(?:" + group + ":){" + std::to_string(behind) + "}" + last;
  }
  out += "|(?:" + group + "(?::" + group + "){0,5})?::" + group;
  return out + "|(?:" + group + "(?::" + group + "){0,6})?::";
}

const std::string kUnreserved = "A-Za-z0-9._~!$&'()*+,;=";
const std::string kEscaped = "%[0-9A-Fa-f]{2}";

std::string uri_chars(const std::string& more) {
  return "(?:[" + kUnreserved + more + "-]|" + kEscaped + ")";
}

std::string uri_tail() {
  const std::string free = uri_chars(":@/?");
  return "(?:\\?" + free + "*)?(?:#" + free + "*)?";
}

std::string authority() {
  return "//(?:" + uri_chars(":") + "*@)?" + uri_chars("") + "*(?::[0-9]*)?";
}

std::string uri() {
  const std::string piece = uri_chars(":@");
  return "[A-Za-z][A-Za-z0-9+.-]*:(?:" + authority() + "(?:/" + piece + "*)*|/(?:" + piece +
         "+(?:/" + piece + "*)*)?|" + piece + "+(?:/" + piece + "*)*|)" + uri_tail();
}

std::string relative_uri() {
  const std::string piece = uri_chars(":@");
  return "(?:" + authority() + "(?:/" + piece + "*)*|/(?:" + piece + "+(?:/" + piece + "*)*)?|" +
         uri_chars("@") + "+(?:/" + piece + "*)*|)" + uri_tail();
}

std::map<std::string, std::string, std::less<>> patterns() {
  const std::string pointer = "(?:/(?:[^/~]|~[01])*)*";
  return {{"date", date()},
          {"time", time()},
          {"date-time", date() + "T" + time()},
          {"duration", duration()},
          {"uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"},
          {"email", email()},
          {"hostname", hostname()},
          {"ipv4", kIpv4},
          {"ipv6", ipv6()},
          {"uri", uri()},
          {"uri-reference", "(?:" + uri() + "|" + relative_uri() + ")"},
          {"json-pointer", pointer},
          {"relative-json-pointer", "(?:0|[1-9][0-9]*)(?:#|" + pointer + ")"}};
}

}  // namespace

std::optional<std::string> format_pattern(std::string_view format) {
  static const auto kPatterns = patterns();
  const auto found = kPatterns.find(format);
  if (found == kPatterns.end()) return std::nullopt;
  // Few readers of dates know a year 0.
  const std::string first = format.starts_with("date") ? "^(?!0000)" : "^";
  return first + "(?:" + found->second + ")$";
}

std::optional<std::pair<std::string, std::string>> format_bounds(std::string_view format) {
  if (format == "int32") return std::pair{"-2147483648", "2147483647"};
  if (format == "int64") return std::pair{"-9223372036854775808", "9223372036854775807"};
  return std::nullopt;
}

bool format_says_nothing(std::string_view format) {
  return format == "float" || format == "double" || format == "binary" || format == "byte" ||
         format == "password";
}

}  // namespace ondol::text

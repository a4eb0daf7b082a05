// The formats of strings and numbers that can be written as grammars.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ondol::text {

// The pattern of a format of strings: date, time, date-time (RFC 3339; in capitals, no leap
// seconds, no year 0), duration (ISO 8601), uuid, email and hostname (ASCII; names of at most 4
// labels of 63 characters or 10 of 24), ipv4, ipv6, uri, uri-reference (RFC 3986; no address of
// IPv6 in brackets), json-pointer, relative-json-pointer. nullopt: none of these.
std::optional<std::string> format_pattern(std::string_view format);

// Bounds of int32 and int64; nullopt: none of these.
std::optional<std::pair<std::string, std::string>> format_bounds(std::string_view format);

// Formats of OpenAPI that say how a value is held or shown and that JSON Schema does not check:
// float, double, binary, byte, password.
bool format_says_nothing(std::string_view format);

}  // namespace ondol::text

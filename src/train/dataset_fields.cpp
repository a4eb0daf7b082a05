#include "train/dataset_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace ondol::train {
namespace {

using Json = nlohmann::ordered_json;
using text::ChatMessage;

constexpr size_t kDepthMax = 64;
constexpr size_t kKeysMax = 20'000;
// Every turn is rendered with all before it.
constexpr size_t kMessagesMax = 1000;

struct Speaker {
  std::string_view written;
  std::string_view role;
};
// What data sets call the speakers; the roles of chat templates stand for themselves.
constexpr std::array kSpeakers = {
    Speaker{"system", "system"},       Speaker{"user", "user"},
    Speaker{"human", "user"},          Speaker{"assistant", "assistant"},
    Speaker{"gpt", "assistant"},       Speaker{"model", "assistant"},
    Speaker{"tool", "tool"},           Speaker{"observation", "tool"},
    Speaker{"developer", "developer"}, Speaker{"function_call", "assistant"},
};

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= 60) return text;
  size_t cut = 57;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "...";
}

std::string parse_reason(const Json::parse_error& error) {
  std::string what = error.what();
  const size_t colon = what.find(": ");
  return colon == std::string::npos ? what : what.substr(colon + 2);
}

// The library walks values by recursion and finds keys one by one: what would take its stack or its
// time is refused before.
void check_size(std::string_view text) {
  size_t depth = 0, keys = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) {
        row_fault(fmt::format("lists and objects are nested more than {} deep", kDepthMax));
      }
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    } else if (c == ':' && ++keys > kKeysMax) {
      row_fault(fmt::format("the row has more than {} keys; try splitting it", kKeysMax));
    }
  }
}

// JSON inside a string; discarded when it is none.
Json parse_inner(const std::string& text) {
  check_size(text);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Json parse(std::string_view text) {
  check_size(text);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    row_fault(
        fmt::format("the row is not JSON at its byte {}: {}; expected one object {{...}}; try "
                    "one object a line (.jsonl) or one array of objects",
                    error.byte, parse_reason(error)));
  }
}

std::string text_of(const Json& value, const std::string& what) {
  if (value.is_string()) return value.get<std::string>();
  row_fault(fmt::format("{} is not text; got {}, expected a string; try putting it in quotes", what,
                        shown(value)));
}

// The parts of a message that says its content in parts; only text is understood.
std::string content_of(const Json& value, const std::string& what) {
  if (!value.is_array()) return text_of(value, what);
  std::string joined;
  for (const Json& part : value) {
    if (!part.is_object() || part.value("type", "") != "text" || !part.contains("text")) {
      row_fault(
          fmt::format("{} has a part that is not text; got {}, expected {{\"type\": \"text\", "
                      "\"text\": ...}}",
                      what, shown(part)));
    }
    joined += text_of(part["text"], what);
  }
  return joined;
}

std::string role_of(const Json& value, const std::string& what) {
  const std::string written = text_of(value, what);
  for (const Speaker& speaker : kSpeakers) {
    if (speaker.written == written) return std::string(speaker.role);
  }
  std::vector<std::string_view> known;
  for (const Speaker& speaker : kSpeakers) known.push_back(speaker.written);
  row_fault(fmt::format("{} is an unknown role; got '{}', expected one of {}", what, written,
                        fmt::join(known, ", ")));
}

// {"name": ..., "arguments": {...}} as the tool call of a message.
std::string tool_call(const std::string& value, const std::string& what) {
  const Json call = parse_inner(value);
  if (!call.is_object() || !call.contains("name") || !call.contains("arguments")) {
    row_fault(what + " is no function call; got " + shown(Json(value)) +
              ", expected the JSON text of {\"name\", \"arguments\"}");
  }
  const Json made = {{"tool_calls", {{{"type", "function"}, {"function", call}}}}};
  return made.dump();
}

ChatMessage read_spoken(const Json& value, const std::string& what) {
  if (!value.contains("value")) row_fault(what + " has 'from' but no 'value'");
  ChatMessage message{role_of(value["from"], what + ", 'from',"), "", ""};
  const std::string content = content_of(value["value"], what + ", 'value',");
  if (value["from"] == "function_call") {
    message.extra_json = tool_call(content, what);
  } else {
    message.content = content;
  }
  return message;
}

ChatMessage read_message(const Json& value, const std::string& what) {
  if (!value.is_object()) {
    row_fault(fmt::format("{} is not a message; got {}, expected {{\"role\", \"content\"}}", what,
                          shown(value)));
  }
  if (value.contains("from") && !value.contains("role")) return read_spoken(value, what);
  if (!value.contains("role")) {
    row_fault(fmt::format("{} has no role; got {}, expected {{\"role\", \"content\"}}", what,
                          shown(value)));
  }
  ChatMessage message{role_of(value["role"], what + ", 'role',"), "", ""};
  const bool calls = value.contains("tool_calls") && !value["tool_calls"].empty();
  const bool silent = !value.contains("content") || value["content"].is_null();
  if (silent && !calls) row_fault(what + " has no 'content'");
  if (!silent) message.content = content_of(value["content"], what + ", 'content',");
  Json extra = Json::object();
  for (const auto& [name, member] : value.items()) {
    const bool known = name == "role" || name == "content" || name == "weight";
    if (!known && !member.is_null()) extra[name] = member;
  }
  if (!extra.empty()) message.extra_json = extra.dump();
  return message;
}

bool unlearned(const Json& value, const std::string& what) {
  const auto found = value.is_object() ? value.find("weight") : value.end();
  if (!value.is_object() || found == value.end() || found->is_null()) return false;
  if (*found == 0) return true;
  if (*found == 1) return false;
  row_fault(what + ", 'weight', is " + shown(*found) + "; expected 0 or 1");
}

void check_said(const ChatMessage& message, const std::string& what) {
  const bool blank = message.content.find_first_not_of(" \t\r\n") == std::string::npos;
  if (!blank || !message.extra_json.empty()) return;
  if (message.role == "assistant" || message.role == "user") {
    row_fault(
        fmt::format("{} ({}) says nothing; expected text in its content", what, message.role));
  }
}

}  // namespace

void row_fault(const std::string& message) { throw RowFault(0, message); }

struct Fields::Value {
  inline static const Json kEmptyCell = "";
  Json object;
  bool cells = false;

  // Null where the key is absent.
  const Json* find(std::string_view key) const {
    for (size_t begin = 0; begin <= key.size();) {
      const size_t end = std::min(key.find('|', begin), key.size());
      const auto found = object.find(std::string(key.substr(begin, end - begin)));
      const bool absent = found == object.end() || found->is_null();
      if (!absent && !(cells && found->get_ref<const std::string&>().empty())) return &*found;
      begin = end + 1;
    }
    return nullptr;
  }
  // Of CSV: the column is there, though this row may say nothing in it.
  bool has_column(std::string_view key) const {
    for (size_t begin = 0; cells && begin <= key.size();) {
      const size_t end = std::min(key.find('|', begin), key.size());
      if (object.contains(std::string(key.substr(begin, end - begin)))) return true;
      begin = end + 1;
    }
    return false;
  }
  const Json& at(std::string_view key) const {
    const Json* found = find(key);
    if (!found && has_column(key)) return kEmptyCell;
    if (!found) row_fault(fmt::format("the row has no '{}'; got {}", key, shown(object)));
    return *found;
  }
  // A cell that should hold more than text.
  const Json& list(std::string_view key) const {
    const Json& value = at(key);
    if (cells) {
      row_fault(fmt::format("column '{}' must be a list, which CSV cannot hold; try .jsonl", key));
    }
    if (value.is_array()) return value;
    row_fault(fmt::format("field '{}' is not a list; got {}, expected [...]", key, shown(value)));
  }
};

Fields::Fields(const RawRow& raw, const std::vector<std::string>& columns)
    : value_(std::make_unique<Value>()) {
  value_->cells = !columns.empty();
  value_->object = Json::object();
  if (value_->cells) {
    for (size_t i = 0; i < columns.size(); ++i) value_->object[columns[i]] = raw.cells[i];
    return;
  }
  value_->object = parse(raw.json);
  if (!value_->object.is_object()) {
    row_fault(
        fmt::format("the row is not an object; got {}, expected {{...}}", shown(value_->object)));
  }
  if (value_->object.empty()) row_fault("the row is empty; got {}, expected fields with text");
}

Fields::~Fields() = default;

std::vector<std::string> Fields::names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : value_->object.items()) names.push_back(name);
  return names;
}

std::string Fields::json() const {
  Json present = Json::object();
  for (const auto& [name, value] : value_->object.items()) {
    const bool empty_cell = value_->cells && value.get_ref<const std::string&>().empty();
    if (!value.is_null() && !empty_cell) present[name] = value;
  }
  return present.dump();
}

bool Fields::has(std::string_view key) const { return value_->find(key) != nullptr; }

bool Fields::has_place(std::string_view key) const { return has(key) || value_->has_column(key); }

bool Fields::is_null(std::string_view key) const {
  const auto found = value_->object.find(std::string(key));
  return found != value_->object.end() && found->is_null();
}

std::string Fields::text(std::string_view key) const {
  return text_of(value_->at(key), fmt::format("field '{}'", key));
}

std::string Fields::full_text(std::string_view key) const {
  std::string value = text(key);
  if (value.find_first_not_of(" \t\r\n") == std::string::npos) {
    row_fault(fmt::format("field '{}' is empty; expected text; try leaving the row out", key));
  }
  return value;
}

std::string Fields::text_or_empty(std::string_view key) const { return has(key) ? text(key) : ""; }

std::optional<double> Fields::number_or_none(std::string_view key) const {
  const Json* value = value_->find(key);
  if (!value) return std::nullopt;
  double number = NAN;
  if (value_->cells) {
    const std::string& cell = value->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    if (error != std::errc() || end != cell.data() + cell.size()) number = NAN;
  } else if (value->is_number()) {
    number = value->get<double>();
  }
  if (!std::isfinite(number)) {
    row_fault(fmt::format("field '{}' is not a number; got {}", key, shown(*value)));
  }
  return number;
}

bool Fields::boolean(std::string_view key) const {
  const Json& value = value_->at(key);
  if (value.is_boolean()) return value.get<bool>();
  if (value == 1 || (value_->cells && (value == "1" || value == "true" || value == "True"))) {
    return true;
  }
  if (value == 0 || (value_->cells && (value == "0" || value == "false" || value == "False"))) {
    return false;
  }
  row_fault(fmt::format("field '{}' is not true or false; got {}", key, shown(value)));
}

std::string Fields::label(std::string_view key) const {
  const Json& value = value_->at(key);
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value;
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  row_fault(
      fmt::format("field '{}' is no label; got {}, expected text, a whole number or a boolean", key,
                  shown(value)));
}

std::string Fields::list_or_empty(std::string_view key) const {
  const Json* value = value_->find(key);
  if (!value || value->empty()) return "";
  // Some sets hold the list as a string of JSON.
  const Json list = value->is_string() ? parse_inner(value->get<std::string>()) : *value;
  if (!list.is_array()) {
    row_fault(fmt::format("field '{}' is not a list; got {}, expected [...]", key, shown(*value)));
  }
  return list.empty() ? "" : list.dump();
}

std::vector<ChatMessage> Fields::messages(std::string_view key,
                                          std::vector<uint8_t>* weights) const {
  const Json& list = value_->list(key);
  if (list.empty()) row_fault(fmt::format("field '{}' is empty; expected messages", key));
  if (list.size() > kMessagesMax) {
    row_fault(fmt::format("field '{}' has {} messages; expected at most {}; try several rows", key,
                          list.size(), kMessagesMax));
  }
  std::vector<ChatMessage> messages;
  std::vector<uint8_t> marks;
  for (const Json& one : list) {
    const std::string what = fmt::format("message {} of '{}'", messages.size() + 1, key);
    messages.push_back(read_message(one, what));
    check_said(messages.back(), what);
    marks.push_back(unlearned(one, what) ? 1 : 0);
  }
  const bool any = std::find(marks.begin(), marks.end(), 1) != marks.end();
  if (weights && any) *weights = std::move(marks);
  return messages;
}

Passage Fields::passage(std::string_view key) const {
  const Json& value = value_->at(key);
  if (value.is_array()) return {"", messages(key)};
  if (!value.is_object()) return {text(key), {}};
  const std::string what = fmt::format("field '{}'", key);
  Passage one{"", {read_message(value, what)}};
  check_said(one.messages[0], what);
  return one;
}

std::vector<std::pair<std::string, std::string>> Fields::history(std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> turns;
  if (!has(key)) return turns;
  for (const Json& turn : value_->list(key)) {
    const std::string what = fmt::format("turn {} of '{}'", turns.size() + 1, key);
    if (!turn.is_array() || turn.size() != 2) {
      row_fault(
          fmt::format("{} is not a pair; got {}, expected [question, answer]", what, shown(turn)));
    }
    turns.emplace_back(text_of(turn[0], what), text_of(turn[1], what));
  }
  return turns;
}

}  // namespace ondol::train

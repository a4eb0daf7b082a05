// JSON lines: one object a line. {"text", "title"?, "id"?} is a section of prose under its title;
// an object without "text" is a record, "field: value; ...".
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "ground/readers/readers.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const Document& document, int32_t line, const std::string& got) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[read] '{}' line {} is no JSON object; got {}, expected "
                          "{{\"text\": ...}}; try checking that line",
                          document.uri, line, got));
}

std::string scalar(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::string joined;
    for (const Json& item : value) joined += (joined.empty() ? "" : ", ") + scalar(item);
    return joined;
  }
  return value.dump();
}

Json parse_line(const Document& document, std::string_view row, int32_t line, size_t nesting_max) {
  size_t depth = 0;
  // The parser calls back at every opening: deep nesting is refused before it costs stack.
  const auto limit = [&](int level, Json::parse_event_t, Json&) {
    depth = std::max(depth, static_cast<size_t>(level));
    if (depth > nesting_max) fail(document, line, "values nested too deeply");
    return true;
  };
  Json value = Json::parse(row, limit, /*allow_exceptions=*/false);
  if (value.is_discarded()) fail(document, line, "text that does not parse");
  if (!value.is_object()) fail(document, line, value.type_name());
  return value;
}

void read_line(const Json& object, int32_t line, DocumentBuilder& builder) {
  const std::string title = object.contains("title") ? scalar(object["title"]) : "";
  const std::string id = object.contains("id") ? scalar(object["id"]) : "";
  if (!title.empty() || !id.empty()) {
    builder.path({title.empty() ? id : title});
  } else {
    builder.path({});
  }
  if (object.contains("text") && object["text"].is_string()) {
    builder.block(BlockKind::kProse, object["text"].get<std::string>(), line);
    return;
  }
  std::vector<std::string> columns;
  std::vector<std::string> values;
  for (const auto& [key, value] : object.items()) {
    if (key == "title") continue;
    columns.push_back(key);
    values.push_back(scalar(value));
  }
  builder.block(BlockKind::kRows, record_line(columns, values), line);
}

}  // namespace

void read_jsonl(std::string_view utf8, const ReadLimits& limits, Document& document) {
  DocumentBuilder builder(document, limits);
  int32_t line = 0;
  for (size_t at = 0; at < utf8.size();) {
    const size_t end = std::min(utf8.find('\n', at), utf8.size());
    const std::string_view row = utf8.substr(at, end - at);
    ++line;
    if (row.find_first_not_of(" \t") != std::string_view::npos) {
      read_line(parse_line(document, row, line, limits.nesting_max), line, builder);
    }
    at = end + 1;
  }
}

}  // namespace ondol::ground

#include "models/config_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace ondol::models {

using nlohmann::json;

struct ConfigJson::Value {
  json object;
};

namespace {

// Deep nesting costs stack when a value is freed or printed; configs are flat.
constexpr int kDepthMax = 64;

json parse(std::string_view text, const std::string& where) {
  const auto limit = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) {
      throw Error(ErrorCode::kCorruptData, "[models] " + where + ": JSON is nested deeper than " +
                                               std::to_string(kDepthMax) + " levels");
    }
    return true;
  };
  try {
    return json::parse(text, limit);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kCorruptData, "[models] " + where + ": not JSON: " + error.what());
  }
}

std::string shortened(const json& value) {
  constexpr size_t kShown = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

}  // namespace

ConfigJson::ConfigJson(std::string_view text, std::string where)
    : value_(std::make_unique<Value>(Value{parse(text, where)})), where_(std::move(where)) {
  if (!value_->object.is_object()) {
    throw Error(
        ErrorCode::kCorruptData,
        "[models] " + where_ + ": got " + shortened(value_->object) + ", expected a JSON object");
  }
}

ConfigJson::ConfigJson(std::unique_ptr<Value> value, std::string where)
    : value_(std::move(value)), where_(std::move(where)) {}
ConfigJson::~ConfigJson() = default;
ConfigJson::ConfigJson(ConfigJson&&) noexcept = default;
ConfigJson& ConfigJson::operator=(ConfigJson&&) noexcept = default;

void ConfigJson::wrong(std::string_view field, std::string_view expected) const {
  const auto found = value_->object.find(field);
  const std::string got = found == value_->object.end() ? "nothing" : shortened(*found);
  throw Error(ErrorCode::kCorruptData, "[models] " + where_ + ": field '" + std::string(field) +
                                           "'; got " + got + ", expected " + std::string(expected));
}

bool ConfigJson::has(std::string_view field) const {
  const auto found = value_->object.find(field);
  return found != value_->object.end() && !found->is_null();
}

std::optional<int64_t> ConfigJson::find_int(std::string_view field, int64_t min,
                                            int64_t max) const {
  if (!has(field)) return std::nullopt;
  const json& value = *value_->object.find(field);
  const std::string expected =
      "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value.is_number_integer()) wrong(field, expected);
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(max)) {
    wrong(field, expected);
  }
  const auto number = value.get<int64_t>();
  if (number < min || number > max) wrong(field, expected);
  return number;
}

std::optional<double> ConfigJson::find_double(std::string_view field) const {
  if (!has(field)) return std::nullopt;
  const json& value = *value_->object.find(field);
  if (!value.is_number()) wrong(field, "a number");
  return value.get<double>();
}

std::optional<bool> ConfigJson::find_bool(std::string_view field) const {
  if (!has(field)) return std::nullopt;
  const json& value = *value_->object.find(field);
  if (!value.is_boolean()) wrong(field, "true or false");
  return value.get<bool>();
}

bool ConfigJson::is_string(std::string_view field) const {
  return has(field) && value_->object.find(field)->is_string();
}

std::optional<std::string> ConfigJson::find_string(std::string_view field) const {
  if (!has(field)) return std::nullopt;
  if (!is_string(field)) wrong(field, "a string");
  return value_->object.find(field)->get<std::string>();
}

std::optional<ConfigJson> ConfigJson::find_object(std::string_view field) const {
  if (!has(field)) return std::nullopt;
  const json& value = *value_->object.find(field);
  if (!value.is_object()) wrong(field, "an object");
  return ConfigJson(std::make_unique<Value>(Value{value}), where_ + ": " + std::string(field));
}

std::vector<ConfigJson> ConfigJson::objects(std::string_view field) const {
  std::vector<ConfigJson> elements;
  if (!has(field)) return elements;
  const json& array = *value_->object.find(field);
  if (!array.is_array()) wrong(field, "an array of objects");
  for (const json& value : array) {
    if (!value.is_object()) wrong(field, "an array of objects");
    elements.push_back(
        ConfigJson(std::make_unique<Value>(Value{value}), where_ + ": " + std::string(field)));
  }
  return elements;
}

std::vector<ConfigJson> ConfigJson::parse_array(std::string_view text, const std::string& where) {
  const ConfigJson holder(std::make_unique<Value>(Value{json{{"array", parse(text, where)}}}),
                          where);
  return holder.objects("array");
}

int64_t ConfigJson::require_int(std::string_view field, int64_t min, int64_t max) const {
  const std::optional<int64_t> value = find_int(field, min, max);
  if (!value) wrong(field, "an integer");
  return *value;
}

double ConfigJson::require_double(std::string_view field) const {
  const std::optional<double> value = find_double(field);
  if (!value) wrong(field, "a number");
  return *value;
}

}  // namespace ondol::models

// The fields of a model folder's JSON files (config.json and its relatives), read with checks.
//
//   ConfigJson config(text, "all-minilm-l6-v2/config.json");
//   int64_t layers = config.require_int("num_hidden_layers", 1, 10'000);
//   double base = config.find_double("rope_theta").value_or(10000.0);
//
// Throws Error(kCorruptData) naming file and field: a text that is no JSON object, a missing
// required field, a value of another kind or out of range. find_*: nullopt when absent or null.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::models {

class ConfigJson {
 public:
  ConfigJson(std::string_view text, std::string where);
  ~ConfigJson();
  ConfigJson(ConfigJson&&) noexcept;
  ConfigJson& operator=(ConfigJson&&) noexcept;

  bool has(std::string_view field) const;  // present and not null
  std::optional<int64_t> find_int(std::string_view field, int64_t min, int64_t max) const;
  std::optional<double> find_double(std::string_view field) const;
  std::optional<bool> find_bool(std::string_view field) const;
  std::optional<std::string> find_string(std::string_view field) const;
  std::optional<ConfigJson> find_object(std::string_view field) const;
  bool is_string(std::string_view field) const;
  // Elements of an array of objects.
  std::vector<ConfigJson> objects(std::string_view field) const;
  // A text that is an array of objects (modules.json).
  static std::vector<ConfigJson> parse_array(std::string_view text, const std::string& where);

  int64_t require_int(std::string_view field, int64_t min, int64_t max) const;
  double require_double(std::string_view field) const;
  const std::string& where() const { return where_; }

 private:
  struct Value;
  ConfigJson(std::unique_ptr<Value> value, std::string where);
  [[noreturn]] void wrong(std::string_view field, std::string_view expected) const;

  std::unique_ptr<Value> value_;
  std::string where_;
};

}  // namespace ondol::models

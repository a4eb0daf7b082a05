#include "app/train_config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "app/embedded.h"
#include "app/train_tokenizer.h"
#include "app/train_word2vec.h"
#include "base/error.h"
#include "base/nearest.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

// How a value of each type is read from text, from TOML, and written.
struct TypeName {
  static const char* of(const std::string&) { return "a text"; }
  static const char* of(const std::vector<std::string>&) { return "texts"; }
  static const char* of(int64_t) { return "a whole number"; }
  static const char* of(double) { return "a number"; }
  static const char* of(bool) { return "true or false"; }
};

template <class T>
bool parse(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}
bool parse(const std::string& text, std::string& value) {
  value = text;
  return true;
}
bool parse(const std::string& text, bool& value) {
  const bool yes = text == "true" || text == "True" || text == "1";
  const bool no = text == "false" || text == "False" || text == "0";
  value = yes;
  return yes || no;
}

template <class T>
bool assign(std::span<const std::string> values, T& target) {
  return values.size() == 1 && parse(values[0], target);
}
bool assign(std::span<const std::string> values, std::vector<std::string>& target) {
  target.assign(values.begin(), values.end());
  return true;
}

bool assign(const toml::node& node, std::string& target) {
  if (!node.is_string()) return false;
  target = node.as_string()->get();
  return true;
}
bool assign(const toml::node& node, bool& target) {
  if (!node.is_boolean()) return false;
  target = node.as_boolean()->get();
  return true;
}
bool assign(const toml::node& node, int64_t& target) {
  if (!node.is_integer()) return false;
  target = node.as_integer()->get();
  return true;
}
bool assign(const toml::node& node, double& target) {
  const auto value = node.value<double>();
  if (!node.is_number() || !value) return false;
  target = *value;
  return true;
}
// { q_proj = 8 } is "q_proj=8", as it is typed on a command line.
bool assign_pairs(const toml::table& table, std::vector<std::string>& target) {
  for (const auto& [key, node] : table) {
    const auto value = node.value<double>();
    if (!node.is_number() || !value) return false;
    target.push_back(fmt::format("{}={}", key.str(), *value));
  }
  return true;
}
bool assign(const toml::node& node, std::vector<std::string>& target) {
  target.clear();
  if (node.is_string()) {
    target.push_back(node.as_string()->get());
    return true;
  }
  if (node.is_table()) return assign_pairs(*node.as_table(), target);
  if (!node.is_array()) return false;
  for (const toml::node& element : *node.as_array()) {
    if (!element.is_string()) return false;
    target.push_back(element.as_string()->get());
  }
  return true;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}
std::string written(const std::string& value) { return quoted(value); }
std::string written(int64_t value) { return std::to_string(value); }
std::string written(bool value) { return value ? "true" : "false"; }
std::string written(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}
std::string written(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) text += (text.size() > 1 ? ", " : "") + quoted(value);
  return text + "]";
}

// Sets the one field of this name.
template <class Source>
struct Setter {
  std::string_view wanted;
  const Source& source;
  const std::string& where;
  bool found = false;

  template <class T>
  void operator()(const char* name, T& target, const char*) {
    if (wanted != name) return;
    found = true;
    T value = target;
    if (!assign(source, value)) {
      invalid(where + ": " + name + " is not " + TypeName::of(target) + "; its default is " +
              written(target));
    }
    target = value;
  }
};

[[noreturn]] void unknown(std::string_view name, const std::string& where,
                          std::span<const TrainFieldInfo> known) {
  std::vector<std::string_view> names;
  for (const TrainFieldInfo& info : known) names.push_back(info.name);
  const std::string_view nearest = nearest_of(name, names);
  invalid(where + ": unknown setting '" + std::string(name) + "'; the nearest is '" +
          std::string(nearest) + "'; `ondol train --help` lists all");
}

struct Describer {
  std::vector<TrainFieldInfo> infos;
  template <class T>
  void operator()(const char* name, const T& value, const char* help) {
    infos.push_back({name, help, written(value), std::is_same_v<T, std::vector<std::string>>});
  }
};

template <class Fields>
std::vector<TrainFieldInfo> infos_of(Fields fields) {
  Describer describer;
  visit_fields(describer, fields);
  return describer.infos;
}

template <class Fields, class Source>
void set_field(Fields& fields, std::string_view name, const Source& source,
               const std::string& where) {
  Setter<Source> setter{name, source, where};
  visit_fields(setter, fields);
  if (!setter.found) unknown(name, where, infos_of(Fields{}));
}

}  // namespace

std::vector<TrainFieldInfo> train_field_infos() { return infos_of(TrainFields{}); }
std::vector<TrainFieldInfo> word2vec_field_infos() { return infos_of(train::Word2VecConfig{}); }
std::vector<TrainFieldInfo> tokenizer_field_infos() { return infos_of(train::TokenizerTraining{}); }

void set_tokenizer_field(train::TokenizerTraining& settings, std::string_view name,
                         std::span<const std::string> values) {
  set_field(settings, name, values, "--" + std::string(name));
}

void set_word2vec_field(train::Word2VecConfig& config, std::string_view name,
                        std::span<const std::string> values) {
  set_field(config, name, values, "--" + std::string(name));
}

void read_train_config(std::string_view toml, const std::string& source, TrainFields& fields) {
  toml::table table;
  try {
    table = toml::parse(toml, source);
  } catch (const toml::parse_error& error) {
    invalid(source + " is no TOML: " + std::string(error.description()) + " in line " +
            std::to_string(error.source().begin.line));
  }
  for (const auto& [key, node] : table) set_field(fields, key.str(), node, source);
}

void read_train_preset(std::string_view method, std::string_view name, TrainFields& fields) {
  const std::string folder = std::string(method) + "/";
  std::string known;
  for (const EmbeddedFile& file : train_presets()) {
    if (!file.path.starts_with(folder)) continue;
    const std::string preset = std::filesystem::path(file.path).stem();
    if (preset == name) return read_train_config(file.content, std::string(file.path), fields);
    known += (known.empty() ? "" : ", ") + preset;
  }
  throw Error(ErrorCode::kNotFound,
              "[train] --preset of " + std::string(method) + "; got '" + std::string(name) +
                  "', expected " + (known.empty() ? "none: this method has no presets" : known));
}

void set_train_field(TrainFields& fields, std::string_view name,
                     std::span<const std::string> values) {
  set_field(fields, name, values, "--" + std::string(name));
}

std::string train_toml(TrainFields fields) {
  std::string text;
  for (const TrainFieldInfo& info : infos_of(fields)) {
    text += info.name + " = " + info.otherwise + "\n";
  }
  return text;
}

}  // namespace ondol::app

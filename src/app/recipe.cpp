#include "app/recipe.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "app/recipe_fields.h"
#include "base/error.h"
#include "base/nearest.h"

namespace ondol::app {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "[recipe] " + message);
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  return std::string(nearest_of(name, names));
}

// Reads the fields of one table and complains about what is left over.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string where)
      : table_(table), where_(std::move(where)) {}

  template <class T>
  void operator()(const char* key, T& member, const char*) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (node != nullptr) read(*node, where_ + "." + key, member);
  }

  void also_known(const char* key) { known_.push_back(key); }

  void refuse_unknown() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      fail(where_ + ": unknown key '" + name + "' (line " +
           std::to_string(node.source().begin.line) + "); did you mean '" + nearest(name, known_) +
           "'?");
    }
  }

 private:
  [[noreturn]] static void wrong_type(const toml::node& node, const std::string& where,
                                      const char* expected) {
    std::ostringstream got;
    got << node.type();
    fail(where + " is " + got.str() + " (line " + std::to_string(node.source().begin.line) +
         "); expected " + expected);
  }
  static void read(const toml::node& node, const std::string& where, std::string& out) {
    const auto value = node.value_exact<std::string>();
    if (!value) wrong_type(node, where, "a string");
    out = *value;
  }
  static void read(const toml::node& node, const std::string& where, int64_t& out) {
    const auto value = node.value_exact<int64_t>();
    if (!value) wrong_type(node, where, "a whole number");
    out = *value;
  }
  static void read(const toml::node& node, const std::string& where, uint64_t& out) {
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < 0) wrong_type(node, where, "a whole number, 0 or more");
    out = static_cast<uint64_t>(*value);
  }
  static void read(const toml::node& node, const std::string& where, double& out) {
    if (!node.is_number()) wrong_type(node, where, "a number");
    out = node.value<double>().value();
  }
  static void read(const toml::node& node, const std::string& where, bool& out) {
    const auto value = node.value_exact<bool>();
    if (!value) wrong_type(node, where, "true or false");
    out = *value;
  }
  static void read(const toml::node& node, const std::string& where,
                   std::vector<std::string>& out) {
    const toml::array* array = node.as_array();
    if (array == nullptr) wrong_type(node, where, "an array of strings");
    out.clear();
    for (const toml::node& element : *array) {
      out.emplace_back();
      read(element, where, out.back());
    }
  }
  static void read(const toml::node& node, const std::string& where,
                   std::map<std::string, std::string>& out) {
    const toml::table* table = node.as_table();
    if (table == nullptr) wrong_type(node, where, "a table of strings");
    out.clear();
    for (const auto& [key, element] : *table) {
      read(element, where + "." + std::string(key.str()), out[std::string(key.str())]);
    }
  }

  const toml::table& table_;
  std::string where_;
  std::vector<std::string> known_;
};

const toml::table& as_table(const toml::node& node, const std::string& where) {
  if (!node.is_table()) fail(where + " must be a table {...}");
  return *node.as_table();
}

template <class Config>
void read_fields(const toml::table& table, const std::string& where, Config& config) {
  TableReader reader(table, where);
  visit_fields(reader, config);
  reader.refuse_unknown();
}

void read_knowledge(const toml::node& node, const std::string& where, Recipe& recipe) {
  const toml::array* array = node.as_array();
  if (array == nullptr) fail(where + " must be an array: knowledge = [{kind = \"hybrid\"}]");
  for (const toml::node& element : *array) {
    const std::string entry = where + "[" + std::to_string(recipe.knowledge.size()) + "]";
    recipe.knowledge.emplace_back();
    read_fields(as_table(element, entry), entry, recipe.knowledge.back());
  }
}

Recipe read_recipe(const std::string& name, const toml::table& table, const RecipeBook& book,
                   const std::string& where) {
  Recipe recipe;
  recipe.name = name;
  recipe.model = book.model;
  TableReader reader(table, where);
  reader("model", recipe.model, "");
  reader("adapter", recipe.adapter, "");
  reader("description", recipe.description, "");
  const auto sub_table = [&](const char* key, auto& config) {
    reader.also_known(key);
    if (const toml::node* node = table.get(key)) {
      const std::string inner = where + "." + key;
      read_fields(as_table(*node, inner), inner, config);
    }
  };
  visit_tables(sub_table, recipe);
  reader.also_known("knowledge");
  if (const toml::node* node = table.get("knowledge")) {
    read_knowledge(*node, where + ".knowledge", recipe);
  }
  reader.refuse_unknown();
  if (recipe.model.empty()) fail(where + " names no model, and [workspace] has none either");
  check_recipe(recipe);
  return recipe;
}

// A string with escapes: toml++ would write some as '''...''', which loses a line end at its
// beginning when it is read again.
std::string toml_string(const std::string& text) {
  using Flags = toml::format_flags;
  const Flags flags = toml::toml_formatter::default_flags &
                      ~(Flags::allow_literal_strings | Flags::allow_multi_line_strings);
  const toml::array holder{text};
  std::ostringstream out;
  out << toml::toml_formatter{holder, flags};
  const std::string array = out.str();  // [ "text" ]
  const size_t begin = array.find('"');
  return array.substr(begin, array.rfind('"') - begin + 1);
}

// Writes the fields of one table as an inline table, in the order of the field list.
class TableWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& member, const char*) {
    text_ += (text_.empty() ? "" : ", ") + std::string(key) + " = " + value(member);
  }
  std::string text() const { return "{ " + text_ + " }"; }

 private:
  static std::string value(const std::string& v) { return toml_string(v); }
  static std::string value(int64_t v) { return std::to_string(v); }
  static std::string value(uint64_t v) { return std::to_string(v); }
  static std::string value(bool v) { return v ? "true" : "false"; }
  // The shortest digits that read back the same, with a point so that it stays a float.
  static std::string value(double v) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), v).ptr;
    std::string text(digits.data(), end);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  static std::string value(const std::vector<std::string>& values) {
    std::string text;
    for (const std::string& v : values) text += (text.empty() ? "" : ", ") + toml_string(v);
    return "[" + text + "]";
  }
  static std::string value(const std::map<std::string, std::string>& values) {
    TableWriter inner;
    for (const auto& [key, v] : values) inner(toml_string(key).c_str(), v, "");
    return inner.text();
  }
  std::string text_;
};

template <class Config>
std::string inline_table(Config& config) {
  TableWriter writer;
  visit_fields(writer, config);
  return writer.text();
}

// The header of a table in a line, "[workspace]" or "[[recipe.a.knowledge]]"; empty: none.
std::string table_header(const std::string& line) {
  const size_t begin = line.find_first_not_of(" \t");
  const size_t close = line.find(']');
  if (begin == std::string::npos || line[begin] != '[' || close == std::string::npos) return "";
  const size_t rest = line.find_first_not_of("] \t\r", close);
  if (rest != std::string::npos && line[rest] != '#') return "";
  return line.substr(begin, close - begin + 1);
}

// True for the header of a recipe's table or of a table inside it.
bool is_of_recipe(std::string_view header, const std::string& name) {
  header.remove_prefix(std::min(header.find_first_not_of("[ \t"), header.size()));
  for (const std::string& form : {name, "'" + name + "'", toml_string(name)}) {
    const std::string begin = "recipe." + form;
    if (!header.starts_with(begin) || header.size() == begin.size()) continue;
    if (std::string_view("]. \t").find(header[begin.size()]) != std::string_view::npos) return true;
  }
  return false;
}

void read_endpoints(const toml::table& root, const std::string& source, RecipeBook& book) {
  const toml::node* node = root.get("endpoint");
  if (node == nullptr) return;
  for (const auto& [key, table] : as_table(*node, "[endpoint]")) {
    const std::string name(key.str());
    const std::string where = source + ": endpoint." + name;
    read_fields(as_table(table, where), where, book.endpoints[name]);
  }
}

void read_roles(const toml::table& root, const std::string& source, RecipeBook& book) {
  if (const toml::node* node = root.get("roles")) {
    TableReader reader(as_table(*node, "[roles]"), source + ": roles");
    // The two that the workspace names under older names.
    reader("answer", book.model, "");
    reader("embed", book.embedder, "");
    visit_fields(reader, book.roles);
    reader.refuse_unknown();
  }
  for (std::string* role : {&book.roles.extract, &book.roles.summarise}) {
    if (role->empty()) *role = book.model;
  }
  if (book.roles.judge.empty()) book.roles.judge = book.roles.summarise;
}

// A model that is an endpoint must be one that the file has.
void check_endpoint_name(const RecipeBook& book, const std::string& model,
                         const std::string& where) {
  if (!model.starts_with(kEndpointPrefix)) return;
  const std::string name = model.substr(kEndpointPrefix.size());
  if (book.endpoints.contains(name)) return;
  std::vector<std::string> known;
  for (const auto& [key, config] : book.endpoints) known.push_back(key);
  fail(where + " names the endpoint '" + name + "', and there is no [endpoint." + name + "]" +
       (known.empty() ? "" : "; did you mean '" + nearest(name, known) + "'?"));
}

}  // namespace

const Recipe& RecipeBook::recipe(const std::string& name) const {
  std::vector<std::string> names;
  for (const Recipe& candidate : recipes) {
    if (candidate.name == name) return candidate;
    names.push_back(candidate.name);
  }
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  throw Error(ErrorCode::kNotFound,
              "[recipe] no recipe '" + name + "' in ondol.toml; known: " + list);
}

void check_recipe(const Recipe& recipe) {
  const std::string where = "recipe." + recipe.name;
  prompt::find_style(recipe.prompt.style);
  prompt::make_strategy(recipe.strategy);
  check_sampler(recipe.decode.sampler);
  if (recipe.decode.tokens_max < 1) fail(where + ".decode.max_tokens must be 1 or more");
  for (const KnowledgeConfig& knowledge : recipe.knowledge) {
    std::vector<std::string> kinds;
    for (const auto& info : ground::retriever_registry()) kinds.emplace_back(info.kind);
    if (std::find(kinds.begin(), kinds.end(), knowledge.retriever.kind) == kinds.end()) {
      fail(where + ".knowledge: unknown kind '" + knowledge.retriever.kind + "'; did you mean '" +
           nearest(knowledge.retriever.kind, kinds) + "'?");
    }
    if (knowledge.top_k < 1) fail(where + ".knowledge.top_k must be 1 or more");
  }
  const std::string& mode = recipe.refusal.mode;
  if (mode != "train" && mode != "fixed" && mode != "off") {
    fail(where + ".refuse.mode is '" + mode + "'; expected train, fixed or off");
  }
}

RecipeBook parse_recipes(std::string_view text, const std::string& source) {
  toml::table root;
  try {
    root = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    fail(source + ", line " + std::to_string(error.source().begin.line) + ": " +
         std::string(error.description()));
  }
  RecipeBook book;
  for (const auto& [key, node] : root) {
    if (key != "workspace" && key != "recipe" && key != "endpoint" && key != "roles") {
      fail(source + ": unknown table [" + std::string(key.str()) +
           "]; expected [workspace], [recipe.NAME], [endpoint.NAME] or [roles]");
    }
  }
  read_endpoints(root, source, book);
  if (const toml::node* node = root.get("workspace")) {
    TableReader reader(as_table(*node, "[workspace]"), source + ": workspace");
    reader("name", book.workspace_name, "");
    reader("recipe", book.chosen, "");
    reader("model", book.model, "");
    reader("embedder", book.embedder, "");
    reader.refuse_unknown();
  }
  read_roles(root, source, book);
  if (const toml::node* node = root.get("recipe")) {
    for (const auto& [key, table] : as_table(*node, "[recipe]")) {
      const std::string name(key.str());
      const std::string where = source + ": recipe." + name;
      book.recipes.push_back(read_recipe(name, as_table(table, where), book, where));
    }
  }
  // toml++ keeps keys sorted; people expect the order of the file.
  std::stable_sort(book.recipes.begin(), book.recipes.end(), [&](const Recipe& a, const Recipe& b) {
    const auto line = [&](const Recipe& r) {
      return root["recipe"][r.name].node()->source().begin.line;
    };
    return line(a) < line(b);
  });
  for (const Recipe& recipe : book.recipes) {
    check_endpoint_name(book, recipe.model, source + ": recipe." + recipe.name);
  }
  for (const std::string& model :
       {book.model, book.embedder, book.roles.extract, book.roles.summarise, book.roles.judge}) {
    check_endpoint_name(book, model, source);
  }
  if (!book.chosen.empty()) book.recipe(book.chosen);
  return book;
}

std::string recipe_toml(const Recipe& recipe) {
  Recipe copy = recipe;
  std::string text = "[recipe." + toml_string(copy.name) + "]\n";
  text += "description = " + toml_string(copy.description) + "\n";
  text += "model = " + toml_string(copy.model) + "\n";
  if (!copy.adapter.empty()) text += "adapter = " + toml_string(copy.adapter) + "\n";
  const auto line = [&](const char* key, auto& config) {
    text += std::string(key) + " = " + inline_table(config) + "\n";
  };
  visit_tables(line, copy);
  text += "knowledge = [";
  for (KnowledgeConfig& knowledge : copy.knowledge) text += "\n  " + inline_table(knowledge) + ",";
  return text + (copy.knowledge.empty() ? "]\n" : "\n]\n");
}

std::string choose_recipe(const std::string& text, const std::string& name,
                          const std::string& definition) {
  std::istringstream lines(text);
  std::string out, line, table;
  bool written = false, skipping = false;
  const std::string assignment = "recipe = " + toml_string(name) + "\n";
  while (std::getline(lines, line)) {
    const size_t first = line.find_first_not_of(" \t");
    if (const std::string header = table_header(line); !header.empty()) {
      if (table == "[workspace]" && !written) out += assignment, written = true;
      table = header;
      skipping = !definition.empty() && is_of_recipe(header, name);
    } else if (table == "[workspace]" && first != std::string::npos &&
               line.compare(first, 6, "recipe") == 0 && !written) {
      out += assignment;
      written = true;
      continue;
    }
    if (!skipping) out += line + "\n";
  }
  if (!written)
    out = (table == "[workspace]" ? out + assignment : "[workspace]\n" + assignment + "\n" + out);
  return definition.empty() ? out : out + "\n" + definition;
}

}  // namespace ondol::app

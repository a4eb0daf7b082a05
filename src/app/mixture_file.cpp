#include "app/mixture_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/nearest.h"

namespace ondol::app {
namespace {

using train::MixTask;
using train::Mixture;

[[noreturn]] void fault(const std::string& source, const toml::node& node,
                        const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[mixture] {}:{}: {}", source, node.source().begin.line, what));
}

// The keys of one table, each read once; what is left over is a fault.
class Table {
 public:
  Table(const toml::table& table, const std::string& source, std::string name)
      : table_(table), source_(source), name_(std::move(name)) {}

  const toml::node* find(const char* key) {
    known_.emplace_back(key);
    return table_.get(key);
  }
  bool text(const char* key, std::string& out) {
    const toml::node* node = find(key);
    if (node != nullptr) out = text_of(*node, key);
    return node != nullptr;
  }
  template <class T>
  bool whole(const char* key, T& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return false;
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < 0) wrong(*node, key, "a whole number, 0 or more");
    out = static_cast<T>(*value);
    return true;
  }
  bool number(const char* key, double& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return false;
    if (!node->is_number()) wrong(*node, key, "a number");
    out = node->value<double>().value();
    return true;
  }
  void flag(const char* key, bool& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<bool>();
    if (!value) wrong(*node, key, "true or false");
    out = *value;
  }
  // One text, or several.
  void texts(const char* key, std::vector<std::string>& out) {
    if (const toml::node* node = find(key)) out = texts_of(*node, key);
  }
  std::vector<std::string> texts_of(const toml::node& node, const char* key) const {
    if (!node.is_array()) return {text_of(node, key)};
    std::vector<std::string> all;
    for (const toml::node& one : *node.as_array()) all.push_back(text_of(one, key));
    return all;
  }
  std::string text_of(const toml::node& node, const char* key) const {
    const auto value = node.value_exact<std::string>();
    if (!value) wrong(node, key, "a text");
    return *value;
  }
  // One of `names`; -1: the key is not there.
  int choice(const char* key, std::initializer_list<std::string_view> names) {
    const toml::node* node = find(key);
    if (node == nullptr) return -1;
    const std::string value = text_of(*node, key);
    const auto* const found = std::ranges::find(names, value);
    if (found != names.end()) return static_cast<int>(found - names.begin());
    std::string list;
    for (const std::string_view one : names)
      list += (list.empty() ? "" : " or ") + std::string(one);
    wrong(*node, key, list.c_str());
  }
  const toml::table* table(const char* key) {
    const toml::node* node = find(key);
    if (node != nullptr && !node->is_table()) wrong(*node, key, "a table");
    return node == nullptr ? nullptr : node->as_table();
  }
  // Tables in an array; one table alone counts as one.
  std::vector<const toml::table*> tables(const char* key) {
    std::vector<const toml::table*> all;
    const toml::node* node = find(key);
    if (node == nullptr) return all;
    if (node->is_table()) return {node->as_table()};
    if (!node->is_array()) wrong(*node, key, "tables");
    for (const toml::node& one : *node->as_array()) {
      if (!one.is_table()) wrong(one, key, "tables");
      all.push_back(one.as_table());
    }
    return all;
  }
  void refuse_unknown() const {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(known_, key.str()) != known_.end()) continue;
      const std::vector<std::string_view> names(known_.begin(), known_.end());
      fault(source_, node,
            fmt::format("{}unknown key '{}'; did you mean '{}'?", name_, key.str(),
                        nearest_of(key.str(), names)));
    }
  }
  const std::string& source() const { return source_; }
  const std::string& name() const { return name_; }

 private:
  [[noreturn]] void wrong(const toml::node& node, const char* key, const char* expected) const {
    std::ostringstream got;
    got << node.type();
    if (const auto text = node.value_exact<std::string>()) got << " '" << *text << "'";
    if (const auto whole = node.value_exact<int64_t>()) got << " " << *whole;
    fault(source_, node, fmt::format("{}{} is {}; expected {}", name_, key, got.str(), expected));
  }

  const toml::table& table_;
  const std::string& source_;
  std::string name_;
  std::vector<std::string> known_;
};

// toml++ keeps keys sorted; what is made of others follows the order of the file.
std::vector<std::pair<std::string, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(key.str(), &node);
  const auto place = [](const auto& entry) {
    const toml::source_position at = entry.second->source().begin;
    return std::pair(at.line, at.column);
  };
  std::ranges::stable_sort(entries, {}, place);
  return entries;
}

void read_choices(Table& in, train::MixChoices& choices) {
  in.text("choices", choices.field);
  in.text("correct", choices.correct);
  in.flag("shuffle_choices", choices.shuffle);
  if (in.choice("option_marks", {"letters", "dashes"}) == 1) {
    choices.marks = train::OptionMarks::kDashes;
  }
}

void read_templates(Table& in, MixTask& task) {
  for (const toml::table* one : in.tables("template")) {
    Table table(*one, in.source(),
                fmt::format("{}template {}: ", in.name(), task.templates.size() + 1));
    train::MixTemplate made;
    const bool input = table.text("input", made.input), target = table.text("target", made.target);
    table.number("weight", made.weight);
    table.refuse_unknown();
    if (!input || !target) {
      fault(in.source(), *one, table.name() + (input ? "no target" : "no input"));
    }
    task.templates.push_back(std::move(made));
  }
}

void read_reasoning(Table& in, MixTask& task) {
  const toml::table* given = in.table("cot");
  if (given == nullptr) return;
  Table table(*given, in.source(), in.name() + "cot: ");
  train::MixReasoning cot;
  if (!table.text("rationale", cot.rationale)) {
    fault(in.source(), *given, table.name() + "no rationale; expected the field of the reasoning");
  }
  table.number("share", cot.share);
  table.texts("ask", cot.ask);
  table.text("target", cot.target);
  table.refuse_unknown();
  task.reasoning.push_back(std::move(cot));
}

constexpr double kShotsShare = 0.5;

void read_shots(Table& in, int64_t& shots, double& share) {
  const bool given = in.whole("shots", shots);
  if (!in.number("shots_share", share) && given) share = kShotsShare;
}

// Examples that a task shows unless it says otherwise.
struct Shots {
  int64_t most = 0;
  double share = 0;
};

MixTask read_task(const toml::table& node, const std::string& source,
                  const std::filesystem::path& folder, const Shots& shots) {
  MixTask task;
  task.line = node.source().begin.line;
  const auto name = node["name"].value_exact<std::string>();
  if (!name) fault(source, node, "a task has no name; expected name = \"...\"");
  task.name = *name;
  Table in(node, source, fmt::format("task '{}': ", task.name));
  in.find("name");
  std::string file;
  in.text("file", file);
  if (file.empty()) fault(source, node, in.name() + "no file; expected file = \"...\"");
  task.file = folder / file;
  if (!std::filesystem::is_regular_file(task.file)) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[mixture] {}:{}: {}no file '{}'; files are relative to the folder of "
                            "the mixture, or to --mixture-folder",
                            source, task.line, in.name(), task.file.string()));
  }
  in.flag("held_out", task.held_out);
  in.number("weight", task.weight);
  in.whole("limit", task.limit);
  if (const toml::table* where = in.table("where")) {
    for (const auto& [key, value] : in_order(*where)) {
      task.where.emplace_back(key, in.texts_of(*value, "where"));
    }
  }
  in.texts("compare", task.compare);
  read_choices(in, task.choices);
  if (const toml::table* fields = in.table("fields")) {
    for (const auto& [key, value] : in_order(*fields)) {
      task.fields.emplace_back(key, in.text_of(*value, "fields"));
    }
  }
  read_templates(in, task);
  read_reasoning(in, task);
  // A held-out task is measured as it says itself, whatever the others learn from.
  if (!task.held_out) task.shots = shots.most, task.shots_share = shots.share;
  read_shots(in, task.shots, task.shots_share);
  in.refuse_unknown();
  return task;
}

}  // namespace

Mixture parse_mixture(std::string_view toml, const std::string& source,
                      const std::filesystem::path& folder) {
  toml::table root;
  try {
    root = toml::parse(toml, source);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[mixture] {}:{}: no TOML: {}", source, error.source().begin.line,
                            error.description()));
  }
  Mixture mixture;
  mixture.source = source;
  Table in(root, source, "");
  in.whole("seed", mixture.seed);
  in.whole("rows", mixture.rows);
  in.whole("cap", mixture.cap);
  in.number("temperature", mixture.temperature);
  in.text("separator", mixture.separator);
  if (in.choice("shots_as", {"text", "turns"}) == 1) mixture.shots_as = train::ShotsAs::kTurns;
  Shots shots;
  read_shots(in, shots.most, shots.share);
  for (const toml::table* task : in.tables("task")) {
    mixture.tasks.push_back(read_task(*task, source, folder, shots));
  }
  in.refuse_unknown();
  return mixture;
}

Mixture read_mixture(const std::filesystem::path& file, const std::filesystem::path& folder) {
  return parse_mixture(read_file(file), file.string(),
                       folder.empty() ? file.parent_path() : folder);
}

}  // namespace ondol::app

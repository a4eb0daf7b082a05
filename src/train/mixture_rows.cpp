#include "train/mixture_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/nearest.h"
#include "base/sha256.h"
#include "text/fold.h"
#include "train/dataset_fields.h"
#include "train/dataset_source.h"
#include "train/dataset_split.h"
#include "train/packing.h"

namespace ondol::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kRowBytesMax = 16'000'000;
// Shorter texts ("yes", "dev-0") say nothing about which row it is.
constexpr size_t kComparedBytesMin = 20;

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool matches(const std::string& text, const std::string& wanted) {
  if (!wanted.ends_with('*')) return text == wanted;
  return text.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1));
}

// Which rows a task takes, and what their fields said.
class Choice {
 public:
  explicit Choice(const MixTask& task) : task_(task), met_(task.where.size()) {}

  bool takes(const Json& row) {
    bool all = true;
    for (size_t i = 0; i < met_.size(); ++i) {
      const auto found = row.find(task_.where[i].first);
      const std::string text = found == row.end() ? "" : as_text(*found);
      if (found != row.end() && met_[i].size() < kValuesMet) met_[i].insert(text);
      all = all && found != row.end() &&
            std::ranges::any_of(task_.where[i].second,
                                [&](const std::string& wanted) { return matches(text, wanted); });
    }
    return all;
  }
  // A value that no row has; empty: every one chooses something.
  std::string idle() const {
    for (size_t i = 0; i < met_.size(); ++i) {
      for (const std::string& wanted : task_.where[i].second) {
        const auto same = [&](const std::string& text) { return matches(text, wanted); };
        if (met_[i].size() >= kValuesMet || std::ranges::any_of(met_[i], same)) continue;
        const std::vector<std::string_view> known(met_[i].begin(), met_[i].end());
        return fmt::format("where: no row has {} = '{}'; {}", task_.where[i].first, wanted,
                           known.empty()
                               ? "no row has this field"
                               : fmt::format("the nearest is '{}'", nearest_of(wanted, known)));
      }
    }
    return "";
  }

 private:
  static constexpr size_t kValuesMet = 10'000;  // more are not kept to compare with
  const MixTask& task_;
  std::vector<std::set<std::string>> met_;
};

// Letters and digits alone: what two collections write differently is still the same row.
std::string letters_of(const std::string& text) {
  std::string letters;
  for (const char c : text::nfkc_casefold(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) letters += c;
  }
  return letters;
}

// ---- multiple choice ----

std::string letter_of(size_t index) { return {static_cast<char>('A' + index)}; }

// "A)36", "(B) 7", "C. x": the length of what is no part of the choice; 0: it has no letter.
size_t letter_prefix(const std::string& choice, size_t index) {
  size_t at = choice.starts_with('(') ? 1 : 0;
  if (choice.size() < at + 2 || choice[at] != letter_of(index)[0]) return 0;
  ++at;
  if (std::string_view(").:").find(choice[at]) == std::string_view::npos) return 0;
  ++at;
  while (at < choice.size() && choice[at] == ' ') ++at;
  return at;
}

std::vector<std::string> choices_of(const MixChoices& choices, const Json& row) {
  const auto found = row.find(choices.field);
  if (found == row.end() || !found->is_array() || found->size() < 2 || found->size() > 26) {
    row_fault(fmt::format("'{}' holds no choices; expected a list of 2 to 26 texts; its fields: {}",
                          choices.field, found == row.end() ? "no such" : found->dump()));
  }
  std::vector<std::string> texts;
  bool lettered = true;
  for (const Json& one : *found) {
    texts.push_back(as_text(one));
    lettered = lettered && letter_prefix(texts.back(), texts.size() - 1) > 0;
  }
  for (size_t i = 0; lettered && i < texts.size(); ++i) {
    texts[i].erase(0, letter_prefix(texts[i], i));
  }
  return texts;
}

size_t correct_of(const MixChoices& choices, const Json& row,
                  const std::vector<std::string>& texts) {
  const auto found = row.find(choices.correct);
  if (found != row.end() && found->is_number_integer()) {
    const auto index = found->get<int64_t>();
    if (index >= 0 && index < static_cast<int64_t>(texts.size())) return static_cast<size_t>(index);
  } else if (found != row.end()) {
    const std::string text = as_text(*found);
    const auto same = std::ranges::find(texts, text);
    if (same != texts.end()) return static_cast<size_t>(same - texts.begin());
    for (size_t i = 0; i < texts.size(); ++i) {
      if (text == letter_of(i)) return i;
    }
  }
  row_fault(fmt::format(
      "'{}' names no choice; got {}, expected an index from 0 to {}, a letter or "
      "the text of a choice",
      choices.correct, found == row.end() ? "nothing" : found->dump(), texts.size() - 1));
}

void add_choices(const Mixture& mixture, const MixTask& task, size_t line, Json* row) {
  const MixChoices& choices = task.choices;
  if (choices.field.empty()) return;
  const std::vector<std::string> texts = choices_of(choices, *row);
  const size_t correct = correct_of(choices, *row, texts);
  const Permutation order(texts.size(), mixture.seed, mix_stream(task.name, "options", line, 0));
  std::string lines, letter;
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t which = choices.shuffle ? order(i) : i;
    if (which == correct) letter = letter_of(i);
    if (i > 0) lines += '\n';
    lines += choices.marks == OptionMarks::kDashes ? "- " : "(" + letter_of(i) + ") ";
    lines += texts[which];
  }
  (*row)["options"] = lines;
  (*row)["choice"] = texts[correct];
  (*row)["letter"] = letter;
}

std::vector<std::string> names_of(const Json& row) {
  std::vector<std::string> names;
  for (const auto& [name, value] : row.items()) names.push_back(name);
  return names;
}

// "'x' is undefined" -> "; the row has a, b; the nearest is 'a'".
std::string nearest_field(const std::string& message, const std::string& fields) {
  const size_t end = message.find("' is undefined");
  const size_t begin = end == std::string::npos ? end : message.rfind('\'', end - 1);
  if (begin == std::string::npos) return "";
  const std::vector<std::string> known = names_of(Json::parse(fields));
  const std::vector<std::string_view> views(known.begin(), known.end());
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  return fmt::format("; the row has {}; the nearest is '{}'", list,
                     nearest_of(message.substr(begin + 1, end - begin - 1), views));
}

}  // namespace

bool any_seen(const MixItem& item, const MixSeen& seen) {
  return std::ranges::any_of(item.same, [&](const std::string& key) { return seen.contains(key); });
}

uint64_t mix_stream(std::string_view task, std::string_view what, uint64_t line, uint64_t pass) {
  const std::string name = fmt::format("mixture\n{}\n{}\n{}\n{}", task, what, line, pass);
  return std::stoull(sha256_hex(name).substr(0, 16), nullptr, 16);
}

void mixture_fault(const Mixture& mixture, const MixTask& task, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("[mixture] {}:{}: task '{}': {}",
                                                       mixture.source, task.line, task.name, what));
}

MixReader::Named MixReader::named(std::string name, const std::string& source) const {
  try {
    return {name, text::FieldTemplate(source)};
  } catch (const Error& error) {
    mixture_fault(mixture_, task_, name + ": " + error.what());
  }
}

MixReader::MixReader(const Mixture& mixture, const MixTask& task) : mixture_(mixture), task_(task) {
  for (const auto& [name, source] : task.fields) fields_.push_back(named(name, source));
  for (size_t i = 0; i < task.templates.size(); ++i) {
    const std::string number = fmt::format("template {}, ", i + 1);
    inputs_.push_back(named(number + "input", task.templates[i].input));
    targets_.push_back(named(number + "target", task.templates[i].target));
  }
  if (task.reasoning.empty()) return;
  rationale_ = named("cot, rationale", task.reasoning[0].rationale);
  reasoned_ = named("cot, target", task.reasoning[0].target);
}

std::string MixReader::fill(const Named& pattern, const MixItem& item) const {
  try {
    return pattern.made.render(item.fields);
  } catch (const Error& error) {
    // A name that already the first row lacks is a slip of the mixture, not of that row.
    const std::string nearest = nearest_field(error.what(), item.fields);
    const std::string what = fmt::format("{}: {}{}", pattern.name, error.what(), nearest);
    if (item.first && !nearest.empty()) {
      mixture_fault(mixture_, task_,
                    fmt::format("{} ({}:{})", what, task_.file.string(), item.line));
    }
    row_fault(fmt::format("task '{}', {}", task_.name, what));
  }
}

MixTurn MixReader::turn(size_t index, const MixItem& item, const std::string& rationale) const {
  MixTurn turn{fill(inputs_[index], item), fill(targets_[index], item), ""};
  for (const auto& [text, pattern] :
       {std::pair{&turn.input, &inputs_[index]}, std::pair{&turn.target, &targets_[index]}}) {
    if (text->empty()) {
      row_fault(fmt::format("task '{}', {}: nothing is left of it; expected some text", task_.name,
                            pattern->name));
    }
  }
  if (rationale.empty()) return turn;
  Json fields = Json::parse(item.fields);
  fields["rationale"] = rationale;
  fields["target"] = turn.target;
  MixItem with;
  with.line = item.line;
  with.first = item.first;
  with.fields = fields.dump();
  turn.reasoned = fill(*reasoned_, with);
  return turn;
}

std::vector<MixItem> MixReader::read(std::vector<RowProblem>* problems, MixCounts* counts) const {
  const std::string name = task_.file.string();
  RowSource source(name, read_file(task_.file), kRowBytesMax);
  if (source.kind() == SourceKind::kText) {
    mixture_fault(mixture_, task_, name + " is plain text; expected rows with fields");
  }
  std::vector<MixItem> items;
  Choice choice(task_);
  for (;;) {
    MixItem item;
    try {
      const std::optional<RawRow> raw = source.next();
      if (!raw) break;
      item.line = raw->line;
      ++counts->in_file;
      Json row = Json::parse(Fields(*raw, source.columns()).json());
      if (!choice.takes(row)) continue;
      item.first = ++counts->matched == 1;
      if (task_.compare.empty()) {
        for (const auto& [key, value] : row.items()) {
          std::string letters = value.is_string() ? letters_of(value.get<std::string>()) : "";
          if (letters.size() >= kComparedBytesMin) item.same.push_back(std::move(letters));
        }
      }
      add_choices(mixture_, task_, item.line, &row);
      for (const Named& field : fields_) {
        item.fields = row.dump();
        row[field.name] = fill(field, item);
      }
      for (const std::string& key : task_.compare) {
        if (!row.contains(key)) row_fault(fmt::format("compare: no field '{}'", key));
        item.same.push_back(letters_of(as_text(row[key])));
      }
      item.fields = row.dump();
      items.push_back(std::move(item));
    } catch (const RowFault& fault) {
      add_problem(problems, ErrorCode::kCorruptData,
                  {name, fault.line > 0 ? fault.line : item.line, fault.what()});
      if (fault.last) break;
    }
  }
  if (const std::string idle = choice.idle(); !idle.empty()) mixture_fault(mixture_, task_, idle);
  return items;
}

void MixReader::render(std::vector<MixItem>* items, std::vector<RowProblem>* problems) const {
  std::vector<MixItem> good;
  for (MixItem& item : *items) {
    try {
      const std::string rationale = rationale_ ? fill(*rationale_, item) : "";
      item.reasons = !rationale.empty();
      for (size_t i = 0; i < inputs_.size(); ++i) item.turns.push_back(turn(i, item, rationale));
      item.asks =
          row_key({Seq2SeqRow{item.turns[0].input, item.turns[0].target}, 0, item.line}, true);
      item.fields.clear();
      good.push_back(std::move(item));
    } catch (const RowFault& fault) {
      add_problem(problems, ErrorCode::kCorruptData,
                  {task_.file.string(), item.line, fault.what()});
    }
  }
  *items = std::move(good);
}

}  // namespace ondol::train

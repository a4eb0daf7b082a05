#include "cli/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <functional>

#include "base/error.h"
#include "base/nearest.h"

namespace ondol::cli {
namespace {

std::string join(std::span<const std::string> words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

// The last of the comma-separated names: the long one, as errors say it.
std::string long_name(const std::string& names) {
  const size_t comma = names.rfind(',');
  return comma == std::string::npos ? names : names.substr(comma + 1);
}

template <class T>
bool parse_number(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string shown(double value) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return {text, result.ptr};
}

}  // namespace

class Options::Parser {
 public:
  CLI::App app;
  std::vector<std::string> names;  // every "-m" and "--model"
  // Positionals of one or more: which row, and where the values go.
  std::vector<std::pair<size_t, const std::vector<std::string>*>> lists;
};

Options::Options(std::string command)
    : command_(std::move(command)), parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag();  // help is ours
  parser_->app.allow_extras(false);
}
Options::~Options() = default;

void Options::fail(const std::string& what) const {
  throw Error(ErrorCode::kInvalidArgument,
              "[" + command_ + "] " + what + "; `ondol " + command_ + " --help` explains");
}

void Options::add_row(const std::string& names, const std::string& placeholder,
                      const std::string& help) {
  std::string spaced;
  for (const char c : names) spaced += c == ',' ? std::string(", ") : std::string(1, c);
  rows_.push_back({spaced, placeholder, help});
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    parser_->names.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
}

void Options::flag(const std::string& names, bool* target, const std::string& help) {
  parser_->app.add_flag_callback(names, [target] { *target = true; });
  add_row(names, "", help);
}

void Options::text(const std::string& names, const std::string& placeholder, std::string* target,
                   const std::string& help) {
  parser_->app.add_option_function<std::string>(names,
                                                [target](const std::string& v) { *target = v; });
  add_row(names, placeholder, target->empty() ? help : help + " (default " + *target + ")");
}

void Options::text(const std::string& names, const std::string& placeholder,
                   std::optional<std::string>* target, const std::string& help) {
  parser_->app.add_option_function<std::string>(names,
                                                [target](const std::string& v) { *target = v; });
  add_row(names, placeholder, help);
}

void Options::choice(const std::string& names, std::string* target, std::vector<std::string> values,
                     const std::string& help) {
  add_row(names, join(values, "|"), target->empty() ? help : help + " (default " + *target + ")");
  const auto set = [this, names, target, values](const std::string& value) {
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      fail(long_name(names) + " is '" + value + "'; expected " + join(values, ", "));
    }
    *target = value;
  };
  parser_->app.add_option_function<std::string>(names, set);
}

void Options::integer(const std::string& names, const std::string& placeholder, int64_t* target,
                      Range<int64_t> range, const std::string& help) {
  add_row(names, placeholder, help + " (default " + std::to_string(*target) + ")");
  const auto set = [this, names, target, range](const std::string& text) {
    int64_t value = 0;
    if (!parse_number(text, value) || value < range.min || value > range.max) {
      fail(long_name(names) + " is '" + text + "'; expected a whole number from " +
           std::to_string(range.min) + " to " + std::to_string(range.max));
    }
    *target = value;
  };
  parser_->app.add_option_function<std::string>(names, set);
}

void Options::number(const std::string& names, const std::string& placeholder, double* target,
                     Range<double> range, const std::string& help) {
  add_row(names, placeholder, help + " (default " + shown(*target) + ")");
  const auto set = [this, names, target, range](const std::string& text) {
    double value = 0;
    // Written so that NaN fails.
    if (!parse_number(text, value) || !(value >= range.min && value <= range.max)) {
      fail(long_name(names) + " is '" + text + "'; expected a number from " + shown(range.min) +
           " to " + shown(range.max));
    }
    *target = value;
  };
  parser_->app.add_option_function<std::string>(names, set);
}

void Options::list(const std::string& names, const std::string& placeholder,
                   std::vector<std::string>* target, const std::string& help, char separator) {
  add_row(names, placeholder, help);
  const auto add = [target, separator](const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      size_t begin = 0;
      while (separator != '\0') {
        const size_t end = value.find(separator, begin);
        if (end == std::string::npos) break;
        target->push_back(value.substr(begin, end - begin));
        begin = end + 1;
      }
      target->push_back(value.substr(begin));
    }
  };
  // One value a mention: a second word belongs to the positional.
  parser_->app.add_option_function<std::vector<std::string>>(names, add)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void Options::positional(const std::string& placeholder, std::string* target,
                         const std::string& help) {
  parser_->app
      .add_option_function<std::string>(placeholder,
                                        [target](const std::string& v) { *target = v; })
      ->required();
  rows_.push_back({placeholder, placeholder, help, true, true});
}

void Options::positional(const std::string& placeholder, std::optional<std::string>* target,
                         const std::string& help) {
  parser_->app.add_option_function<std::string>(placeholder,
                                                [target](const std::string& v) { *target = v; });
  rows_.push_back({placeholder, placeholder, help, true, false});
}

void Options::positional(const std::string& placeholder, std::vector<std::string>* target,
                         const std::string& help, bool required) {
  parser_->app.add_option_function<std::vector<std::string>>(
      placeholder, [target](const std::vector<std::string>& all) { *target = all; });
  parser_->lists.emplace_back(rows_.size(), target);
  rows_.push_back({placeholder, placeholder, help, true, required});
}

// "--max_length" is "--max-length": settings are written with underscores in files.
static void dash_names(std::vector<std::string>& arguments, std::span<const std::string> known) {
  for (std::string& argument : arguments) {
    if (argument == "--") return;
    if (!argument.starts_with("--")) continue;
    const size_t end = std::min(argument.find('='), argument.size());
    std::string name = argument.substr(0, end);
    if (std::ranges::find(known, name) != known.end()) continue;
    std::ranges::replace(name, '_', '-');
    if (std::ranges::find(known, name) != known.end()) argument = name + argument.substr(end);
  }
}

void Options::parse(std::vector<std::string> arguments) {
  dash_names(arguments, parser_->names);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
  try {
    parser_->app.parse(std::move(arguments));
    for (const auto& [row, target] : parser_->lists) {
      if (target->empty() && rows_[row].required) {
        fail("no " + rows_[row].placeholder + " was given; expected " + rows_[row].help);
      }
    }
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = parser_->app.remaining();
    const std::string extra = extras.empty() ? std::string() : extras.front();
    if (!extra.starts_with("-")) {
      fail("unexpected argument '" + extra + "'; put a text of several words in quotes");
    }
    const std::string asked = extra.substr(0, extra.find('='));
    const std::string near = nearest_name(asked, parser_->names);
    fail("unknown option '" + asked + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  } catch (const CLI::RequiredError&) {
    for (const OptionRow& row : rows_) {
      if (row.required) fail("no " + row.placeholder + " was given; expected " + row.help);
    }
    fail("an argument is missing");
  } catch (const CLI::ParseError& error) {
    fail(error.what());
  }
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  size_t best_distance = name.size() / 2 + 1;  // more edits than half the name is another word
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace ondol::cli

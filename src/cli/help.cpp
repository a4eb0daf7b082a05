// What --help prints: made from the same rows that parse the options.
#include <algorithm>

#include "cli/command.h"

namespace ondol::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kHelpColumn = 28;

std::string padded(std::string text, size_t columns) {
  const size_t used = display_columns(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

// A list of values that is longer than a line goes on in the next one.
std::string broken(std::string left) {
  constexpr size_t kIndent = 6;
  for (size_t begin = 0; left.size() - begin + 2 > kWidth;) {
    const size_t bar = left.rfind('|', begin + kWidth - 3);
    if (bar == std::string::npos || bar < begin + kIndent + 1) break;
    left.insert(bar + 1, "\n" + std::string(kIndent, ' '));
    begin = bar + 2;
  }
  return left;
}

// "  -m, --model MODEL         sentence", wrapped to the width.
std::string row_text(const std::string& left, std::string_view right) {
  std::string text = "  " + broken(left);
  if (display_columns(text) + 2 > kHelpColumn) {
    text += "\n" + std::string(kHelpColumn, ' ');
  } else {
    text = padded(std::move(text), kHelpColumn);
  }
  return text + wrap(right, kWidth, kHelpColumn) + "\n";
}

std::string heading(const Phrase& phrase, Language language) {
  return "\n" + std::string(say(phrase, language)) + ":\n";
}

std::string usage(const Command& command, std::span<const OptionRow> rows) {
  std::string text = "ondol " + std::string(command.name) + " [options]";
  for (const OptionRow& row : rows) {
    if (row.positional) text += row.required ? " " + row.names : " [" + row.names + "]";
  }
  return text;
}

}  // namespace

std::string program_help(Language language) {
  std::string text = "ondol: " + std::string(say(kTagline, language)) + "\n\n";
  text += std::string(say(kUsage, language)) + ": ondol COMMAND [options]\n";
  text += heading(kCommands, language);
  for (const Command* command : commands()) {
    const std::string left = padded("  " + std::string(command->name), 14);
    text += left + wrap(say(command->summary, language), kWidth, 14) + "\n";
  }
  text += heading(kOptions, language);
  text += row_text("--lang ko|en", "language of help and progress (default: of LC_ALL or LANG)");
  text += row_text("--version", "the version of this program");
  text += "\n" + std::string(say(kMoreHelp, language)) + "\n";
  return text;
}

std::string command_help(const Command& command, Language language) {
  Options options{std::string(command.name)};
  const Action unused = command.declare(options);
  const auto rows = options.rows();
  const std::string title = "ondol " + std::string(command.name) + ": ";
  std::string text = wrap(title + std::string(say(command.summary, language)), kWidth, 0) + "\n\n";
  text += std::string(say(kUsage, language)) + ": " + usage(command, rows) + "\n";
  const auto is_positional = [](const OptionRow& row) { return row.positional; };
  if (std::any_of(rows.begin(), rows.end(), is_positional)) {
    text += heading(kArguments, language);
    for (const OptionRow& row : rows) {
      if (row.positional) text += row_text(row.names, row.help);
    }
  }
  text += heading(kOptions, language);
  for (const OptionRow& row : rows) {
    if (row.positional) continue;
    text +=
        row_text(row.placeholder.empty() ? row.names : row.names + " " + row.placeholder, row.help);
  }
  text += row_text("--lang ko|en", "language of help and progress");
  text += heading(kExamples, language);
  for (const std::string_view example : command.examples) {
    text += "  " + std::string(example) + "\n";
  }
  return text;
}

}  // namespace ondol::cli

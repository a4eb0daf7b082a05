// What a command is: words for people, options, and one function.
//
//   const Command kModels = {.name = "models", .summary = {...}, .examples = kModelsExamples,
//                            .declare = declare_models};
//
// A command is one file in commands/ and one row of commands.cpp. Its function gets validated
// options, calls `app`, prints, and gives the exit code: 0 done, 1 a negative result (nothing
// found, the documents do not say). Everything else is thrown and ends in main.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cli/messages.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace ondol::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitNegative = 1;
inline constexpr int kExitError = 2;
inline constexpr int kExitStopped = 130;  // 128 + SIGINT, as shells say it

// What every command may use.
struct Context {
  Output& output;              // results
  TerminalProgress& progress;  // and notices
  Language language = Language::kEnglish;
  std::string command_line;  // as it was typed, for reports

  void print(std::string_view text) {
    progress.clear();
    output.write(text);
  }
};

using Action = std::function<int(Context&)>;

struct Command {
  std::string_view name;
  Phrase summary;                              // one line each
  std::span<const std::string_view> examples;  // whole command lines
  Action (*declare)(Options& options);         // adds the options and says what to do with them
};

std::span<const Command* const> commands();
const Command* find_command(std::string_view name);

std::string program_help(Language language);
std::string command_help(const Command& command, Language language);

}  // namespace ondol::cli

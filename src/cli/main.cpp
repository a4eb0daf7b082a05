// The program: what was typed -> command -> exit code. The only place that catches errors.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/version.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Arguments = std::vector<std::string>;

// --lang and --json decide how everything is said, errors of parsing too: they are looked for
// first. --lang is taken out, as every command understands it.
struct Manner {
  std::string language;
  bool json = false;
  bool help = false;
};

Manner take_manner(Arguments& arguments) {
  Manner manner;
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--";) {
    const std::string argument = arguments[i];
    const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    if (argument.starts_with("--lang=")) {
      manner.language = argument.substr(7);
      arguments.erase(at);
      continue;
    }
    if (argument == "--lang") {
      manner.language = i + 1 < arguments.size() ? arguments[i + 1] : "nothing";
      arguments.erase(at, at + (i + 1 < arguments.size() ? 2 : 1));
      continue;
    }
    manner.json = manner.json || argument == "--json";
    manner.help = manner.help || argument == "--help" || argument == "-h";
    ++i;
  }
  return manner;
}

std::string typed(const Arguments& arguments) {
  std::string line = "ondol";
  for (const std::string& argument : arguments) {
    const bool quote =
        argument.empty() || argument.find_first_of(" \t\"'$`\\") != std::string::npos;
    line += quote ? " '" + argument + "'" : " " + argument;
  }
  return line;
}

const Command& known_command(const std::string& name) {
  if (const Command* command = find_command(name)) return *command;
  std::vector<std::string> names;
  for (const Command* command : commands()) names.emplace_back(command->name);
  const std::string near = nearest_name(name, names);
  const char* kind = name.starts_with("-") ? "option" : "command";
  throw Error(ErrorCode::kInvalidArgument,
              std::string("unknown ") + kind + " '" + name + "'" +
                  (near.empty() ? "" : "; did you mean '" + near + "'?") +
                  "; `ondol --help` lists the commands");
}

int run(const Arguments& arguments, const std::string& line, const Manner& manner,
        Language language, Output& output) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    output.write(program_help(language));
    return arguments.empty() ? kExitError : kExitDone;
  }
  if (arguments[0] == "--version") {
    output.line(std::string("ondol ") + app::kVersion);
    return kExitDone;
  }
  const Command& command = known_command(arguments[0]);
  if (manner.help) {
    output.write(command_help(command, language));
    return kExitDone;
  }
  Options options{std::string(command.name)};
  const Action action = command.declare(options);
  options.parse({arguments.begin() + 1, arguments.end()});
  TerminalProgress progress(2, language);
  Context context{output, progress, language, line};
  return action(context);
}

void report(ErrorCode code, std::string message, bool json) {
  if (json) {
    const nlohmann::json error = {
        {"error", {{"code", error_code_name(code)}, {"message", message}}}};
    Output(2).write(json_line(error));
    return;
  }
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';  // one line, whatever a file name held
  }
  Output(2).line("ondol: " + message);
}

int main_of(Arguments arguments) {
  const std::string line = typed(arguments);
  const Manner manner = take_manner(arguments);
  Output output(1);
  int exit_code = kExitError;
  try {
    const Language language =
        choose_language(manner.language, std::getenv("LC_ALL"), std::getenv("LANG"));
    exit_code = run(arguments, line, manner, language, output);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled && output.closed()) return kExitDone;
    report(error.code(), error.what(), manner.json);
    if (error.code() == ErrorCode::kCancelled) return kExitStopped;
  } catch (const std::bad_alloc&) {
    report(ErrorCode::kResourceExhausted, "out of memory; try a smaller model or a shorter context",
           manner.json);
  } catch (const std::exception& error) {
    report(ErrorCode::kInternal, error.what(), manner.json);
  }
  if (interrupted()) return kExitStopped;
  if (output.closed()) return kExitDone;  // the reader had enough
  if (output.failure() != 0) {
    report(ErrorCode::kResourceExhausted,
           std::string("cannot write the result: ") + std::strerror(output.failure()), manner.json);
    return kExitError;
  }
  return exit_code;
}

}  // namespace
}  // namespace ondol::cli

int main(int argc, char** argv) {
  ondol::cli::install_interrupt();
  return ondol::cli::main_of({argv + 1, argv + argc});
}

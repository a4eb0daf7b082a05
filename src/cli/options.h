// The options of one command: declared once, parsed into the command's struct, printed by --help.
//
//   Options options("run");
//   options.text("-m,--model", "MODEL", &o.model, "catalogue name or path");
//   options.integer("-n,--new", "N", &o.tokens, {1, 1 << 20}, "tokens to generate");
//   options.positional("PROMPT", &o.prompt, "what to say");
//   options.parse({"-n", "5", "hello"});
//
// Targets must outlive the object; a target's value before parse() is its default. Errors are
// Error(kInvalidArgument) in one sentence that names the nearest known option. CLI11 does the
// parsing and is seen in options.cpp alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::cli {

// Both ends included.
template <class T>
struct Range {
  T min;
  T max;
};

struct OptionRow {
  std::string names;        // "-m, --model"; of a positional its placeholder
  std::string placeholder;  // "MODEL"; empty for a flag
  std::string help;
  bool positional = false;
  bool required = false;  // of a positional
};

class Options {
 public:
  explicit Options(std::string command);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void flag(const std::string& names, bool* target, const std::string& help);
  void text(const std::string& names, const std::string& placeholder, std::string* target,
            const std::string& help);
  void text(const std::string& names, const std::string& placeholder,
            std::optional<std::string>* target, const std::string& help);
  void choice(const std::string& names, std::string* target, std::vector<std::string> values,
              const std::string& help);
  void integer(const std::string& names, const std::string& placeholder, int64_t* target,
               Range<int64_t> range, const std::string& help);
  void number(const std::string& names, const std::string& placeholder, double* target,
              Range<double> range, const std::string& help);
  // May be given several times; with `separator` one value may also hold several.
  void list(const std::string& names, const std::string& placeholder,
            std::vector<std::string>* target, const std::string& help, char separator = '\0');
  void positional(const std::string& placeholder, std::string* target, const std::string& help);
  void positional(const std::string& placeholder, std::optional<std::string>* target,
                  const std::string& help);
  // One or more (or, not `required`, none); must be declared last.
  void positional(const std::string& placeholder, std::vector<std::string>* target,
                  const std::string& help, bool required = true);

  void parse(std::vector<std::string> arguments);
  const std::string& command() const { return command_; }
  std::span<const OptionRow> rows() const { return rows_; }

 private:
  class Parser;
  [[noreturn]] void fail(const std::string& what) const;
  void add_row(const std::string& names, const std::string& placeholder, const std::string& help);

  std::string command_;
  std::unique_ptr<Parser> parser_;
  std::vector<OptionRow> rows_;
};

// The known name with the fewest edits to `name`; empty when none is near enough to be meant.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace ondol::cli

// Runs the text scenarios of tests/cli: what a person types, and what must come back.
//
//   # a comment
//   $ ondol tokenize --json "hi"      run by /bin/sh in a folder of the file's own
//   exit 0                            default: 0
//   stdout "ids"                      holds this text; also: stderr, no-stdout, no-stderr
//   stdout                            with nothing after it: is empty
//   json usage.prompt_tokens          standard output is JSON and has this key
//   json ids.0 = 28120                with this value
//   error invalid_argument            standard error is {"error": {"code", "message"}}
//
// `ondol` is the program under test. HOME is the scenario's own folder, so that what is said about
// missing models is the same everywhere, unless the file's name ends in _model.test.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "support/paths.h"

namespace ondol::testing {

struct ScenarioFile {
  std::filesystem::path path;
  bool with_models = false;
};
inline void PrintTo(const ScenarioFile& file, std::ostream* out) { *out << file.path.filename(); }

inline std::vector<ScenarioFile> scenario_files(bool with_models) {
  std::vector<ScenarioFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests" / "cli")) {
    if (entry.path().extension() != ".test") continue;
    const bool needs = entry.path().stem().string().ends_with("_model");
    if (needs == with_models) files.push_back({entry.path(), needs});
  }
  std::sort(files.begin(), files.end(),
            [](const ScenarioFile& a, const ScenarioFile& b) { return a.path < b.path; });
  return files;
}

class ScenarioRunner {
 public:
  explicit ScenarioRunner(const ScenarioFile& file) : file_(file) {
    std::string name = (std::filesystem::temp_directory_path() / "ondol-scenario.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    std::filesystem::create_directories(folder_ / "work");
  }
  ~ScenarioRunner() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ScenarioRunner(const ScenarioRunner&) = delete;
  ScenarioRunner& operator=(const ScenarioRunner&) = delete;

  // What went wrong, one line each, with file and line number.
  std::vector<std::string> run() {
    std::ifstream in(file_.path);
    std::string line;
    while (std::getline(in, line)) {
      ++line_;
      if (line.empty() || line[0] == '#') continue;
      if (line.starts_with("$ ")) {
        finish();
        execute(line.substr(2));
      } else {
        check(line);
      }
    }
    finish();
    if (commands_ == 0) fail("the file has no command");
    return failures_;
  }

 private:
  static std::string slurp(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  void fail(const std::string& what) {
    failures_.push_back(file_.path.filename().string() + ":" + std::to_string(line_) + ": " + what +
                        "\n  command: " + command_ + "\n  stdout: " + stdout_.substr(0, 600) +
                        "\n  stderr: " + stderr_.substr(0, 600));
  }

  void execute(const std::string& command) {
    command_ = command;
    ++commands_;
    expected_exit_ = 0;
    const std::string program(ONDOL_PROGRAM);
    const std::string bin = program.substr(0, program.rfind('/'));
    std::ofstream script(folder_ / "script");
    script << "cd '" << (folder_ / "work").string() << "'\n"
           << "export PATH='" << bin << "':\"$PATH\" LC_ALL=C\n"
           << "SOURCE='" << source_dir().string() << "'\n"
           << "unset ONDOL_ISA\n";
    if (!file_.with_models) {
      script << "unset ONDOL_HOME XDG_CACHE_HOME\nexport HOME='" << folder_.string() << "'\n";
    }
    script << command << "\n";
    script.close();
    const std::string shell = "/bin/sh '" + (folder_ / "script").string() + "' >'" +
                              (folder_ / "out").string() + "' 2>'" + (folder_ / "err").string() +
                              "' </dev/null";
    const int status = std::system(shell.c_str());
    exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    stdout_ = slurp(folder_ / "out");
    stderr_ = slurp(folder_ / "err");
  }

  void finish() {
    if (commands_ > 0 && exit_ != expected_exit_) {
      fail("exit code " + std::to_string(exit_) + ", expected " + std::to_string(expected_exit_));
    }
  }

  void check(const std::string& line) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string what = line.substr(0, space);
    const std::string text = space < line.size() ? line.substr(space + 1) : "";
    if (what == "exit") {
      expected_exit_ = std::stoi(text);
    } else if (what == "stdout" || what == "stderr") {
      const std::string& got = what == "stdout" ? stdout_ : stderr_;
      if (text.empty() ? !got.empty() : got.find(text) == std::string::npos) {
        fail(what + (text.empty() ? " is not empty" : " lacks '" + text + "'"));
      }
    } else if (what == "no-stdout" || what == "no-stderr") {
      const std::string& got = what == "no-stdout" ? stdout_ : stderr_;
      if (got.find(text) != std::string::npos) fail(what + " holds '" + text + "'");
    } else if (what == "json") {
      check_json(text);
    } else if (what == "error") {
      check_error(text);
    } else {
      fail("unknown expectation '" + what + "'");
    }
  }

  static const nlohmann::json* walk(const nlohmann::json& root, const std::string& path) {
    const nlohmann::json* at = &root;
    std::istringstream keys(path);
    for (std::string key; std::getline(keys, key, '.');) {
      if (at->is_array() && key.find_first_not_of("0123456789") == std::string::npos) {
        const size_t index = std::stoul(key);
        if (index >= at->size()) return nullptr;
        at = &(*at)[index];
      } else if (at->is_object() && at->contains(key)) {
        at = &(*at)[key];
      } else {
        return nullptr;
      }
    }
    return at;
  }

  void check_json(const std::string& text) {
    const auto root = nlohmann::json::parse(stdout_, nullptr, false);
    if (root.is_discarded()) return fail("stdout is no JSON");
    const size_t equals = text.find(" = ");
    const nlohmann::json* found = walk(root, text.substr(0, equals));
    if (found == nullptr) return fail("stdout has no '" + text.substr(0, equals) + "'");
    if (equals == std::string::npos) return;
    const auto expected = nlohmann::json::parse(text.substr(equals + 3), nullptr, false);
    if (*found != expected) fail("got " + found->dump() + ", expected " + expected.dump());
  }

  void check_error(const std::string& code) {
    const auto root = nlohmann::json::parse(stderr_, nullptr, false);
    const nlohmann::json* got = root.is_discarded() ? nullptr : walk(root, "error.code");
    if (got == nullptr || walk(root, "error.message") == nullptr) {
      return fail("stderr is no {\"error\": {\"code\", \"message\"}}");
    }
    if (*got != code) fail("error code is " + got->dump() + ", expected \"" + code + "\"");
  }

  ScenarioFile file_;
  std::filesystem::path folder_;
  std::vector<std::string> failures_;
  std::string command_, stdout_, stderr_;
  int line_ = 0;
  int commands_ = 0;
  int exit_ = 0;
  int expected_exit_ = 0;
};

inline std::string scenario_name(const ScenarioFile& file) { return file.path.stem().string(); }

}  // namespace ondol::testing

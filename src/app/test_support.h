// What this room's tests share: a temporary folder, and a small workspace over a tiny model.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "app/ingest.h"
#include "app/workspace.h"
#include "base/error.h"
#include "base/files.h"
#include "base/progress.h"
#include "support/paths.h"

namespace ondol::app::testing {

namespace fs = std::filesystem;

class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "ondol_app_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Stops the work after a number of steps, as Ctrl-C would.
class StoppingProgress final : public ProgressSink {
 public:
  explicit StoppingProgress(int64_t steps) : left_(steps) {}
  void update(std::string_view, uint64_t, uint64_t) override {
    if (--left_ < 0) throw Error(ErrorCode::kCancelled, "[test] stopped");
  }
  void notice(std::string_view) override {}

 private:
  std::atomic<int64_t> left_;
};

inline fs::path tiny_llama() { return ondol::testing::golden_dir() / "models" / "llama_tied"; }

// Three documents, six test and three train questions, and `recipes` below the workspace's table.
inline Workspace make_workspace(const fs::path& folder, const std::string& recipes,
                                const std::string& model = tiny_llama().string()) {
  write_file_atomic(folder / "ondol.toml",
                    "[workspace]\nname = \"tiny\"\nmodel = \"" + model + "\"\n\n" + recipes);
  fs::create_directories(folder / "documents");
  write_file_atomic(folder / "documents" / "leave.md", "# Leave\n\nMembers get 25 days.\n");
  write_file_atomic(folder / "documents" / "lunch.md", "# Lunch\n\nLunch is at noon.\n");
  write_file_atomic(folder / "documents" / "desk.md", "# Desks\n\nDesks are blue.\n");
  std::string questions;
  const auto add = [&](int n, const std::string& text, const std::string& answer,
                       const std::string& document, const char* split) {
    questions += R"({"id": "q)" + std::to_string(n) + R"(", "question": ")" + text +
                 R"(", "answers": [")" + answer + R"("], "gold": [{"document": ")" + document +
                 R"("}], "split": ")" + split + "\"}\n";
  };
  add(1, "How many days of leave?", "25", "leave.md", "test");
  add(2, "When is lunch?", "noon", "lunch.md", "test");
  add(3, "What colour are desks?", "blue", "desk.md", "test");
  add(4, "How many days do members get?", "25", "leave.md", "test");
  add(5, "Is lunch at noon?", "yes", "lunch.md", "test");
  add(6, "Are desks blue?", "yes", "desk.md", "test");
  add(7, "Leave days?", "25", "leave.md", "train");
  add(8, "Lunch time?", "noon", "lunch.md", "train");
  add(9, "Desk colour?", "blue", "desk.md", "train");
  write_file_atomic(folder / "questions.jsonl", questions);
  return Workspace::open(folder);
}

// What `call` threw; "no error" when nothing.
template <class Call>
std::string error_text(const Call& call, ErrorCode code) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), std::string(error_code_name(code))) << error.what();
    return error.what();
  }
  return "no error";
}

}  // namespace ondol::app::testing

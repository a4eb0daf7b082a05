#include "app/workspace.h"

#include <ctime>

#include "app/embedded.h"
#include "base/error.h"
#include "base/files.h"

namespace ondol::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuestionsStart =
    R"({"id": "example-1", "question": "How many days of leave does a new member get?", "answers": ["25 days", "25"], "gold": [{"document": "leave.md", "quote": "25 days of leave"}], "split": "test"}
)";

std::string utc_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &utc);
  return text;
}

}  // namespace

Workspace Workspace::open(const fs::path& start) {
  for (fs::path folder = fs::absolute(start).lexically_normal();; folder = folder.parent_path()) {
    if (fs::exists(folder / "ondol.toml")) {
      Workspace workspace;
      workspace.folder_ = folder;
      workspace.book_ =
          parse_recipes(read_file(workspace.config_file()), workspace.config_file().string());
      return workspace;
    }
    if (folder == folder.parent_path()) break;
  }
  throw Error(ErrorCode::kNotFound,
              "[workspace] no ondol.toml in '" + fs::absolute(start).string() +
                  "' or above it; try `ondol init FOLDER` or `ondol quickstart`");
}

std::unique_ptr<store::Store> Workspace::open_store(store::OpenMode mode) const {
  if (mode != store::OpenMode::kReadWrite && !fs::exists(store_file())) {
    throw Error(ErrorCode::kNotFound, "[workspace] nothing is ingested yet; try `ondol ingest`");
  }
  fs::create_directories(state());
  return store::open_sqlite_store(store_file(), {.mode = mode});
}

fs::path Workspace::make_run(const std::string& kind) const {
  const std::string stem = kind + "-" + utc_stamp();
  for (int attempt = 1;; ++attempt) {
    const fs::path folder = runs() / (attempt == 1 ? stem : stem + "-" + std::to_string(attempt));
    fs::create_directories(folder.parent_path());
    if (fs::create_directory(folder)) return folder;
  }
}

void init_workspace(const fs::path& folder, bool sample) {
  if (fs::exists(folder / "ondol.toml")) {
    throw Error(ErrorCode::kInvalidArgument,
                "[init] '" + (folder / "ondol.toml").string() + "' exists; choose another folder");
  }
  fs::create_directories(folder / "documents");
  if (sample) {
    for (const EmbeddedFile& file : sample_workspace())
      write_file_atomic(folder / file.path, file.content);
  } else if (!fs::exists(folder / "questions.jsonl")) {
    write_file_atomic(folder / "questions.jsonl", kQuestionsStart);
  }
  std::string config(default_config());
  const std::string name = fs::absolute(folder).lexically_normal().filename().string();
  const std::string placeholder = "\"my-assistant\"";
  if (!name.empty() && name.find_first_of("\"\\") == std::string::npos) {
    config.replace(config.find(placeholder), placeholder.size(), "\"" + name + "\"");
  }
  // The config last: a folder with ondol.toml is a whole workspace.
  write_file_atomic(folder / "ondol.toml", config);
}

}  // namespace ondol::app

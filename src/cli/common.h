// Options that several commands share, and small helpers of printing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/session.h"
#include "app/workspace.h"
#include "base/profile.h"
#include "cli/command.h"

namespace ondol::cli {

struct EngineOptions {
  int64_t threads = 0;
  std::string precision = "fast";
  std::string kv = "auto";
  int64_t context = 0;
  std::string speculation = "lookup";
  std::string weights = "file";
  std::string prefix_folder;
  std::string profile_path;  // --profile; empty: none
  std::shared_ptr<Profile> profile;
};

inline constexpr const char* kDefaultModel = "smollm2-135m-instruct";
inline constexpr const char* kDefaultEmbedder = "all-minilm-l6-v2";

void declare_json(Options& options, bool* json);
void declare_model(Options& options, std::string* model);
void declare_engine(Options& options, EngineOptions* engine);   // -t, --precision
void declare_kv(Options& options, EngineOptions* engine);       // --kv
void declare_weights(Options& options, EngineOptions* engine);  // --weights
void declare_prefix_folder(Options& options, EngineOptions* engine);
void declare_workspace(Options& options, std::string* folder);  // -w

void declare_profile(Options& options, EngineOptions* engine);  // --profile FILE

// Makes the profile when one was asked for, and its file, so that a path that cannot be written is
// said before the work; write_profile() fills it.
void begin_profile(EngineOptions& engine);
void write_profile(const EngineOptions& engine);

Precision precision_of(const EngineOptions& engine);
KvType kv_type_of(const EngineOptions& engine);  // `auto` resolved
app::Session make_session(const EngineOptions& engine);
// What the session has to tell about the files it loaded.
void show_notices(app::Session& session, Context& context);

// A text that was given, or all of standard input when it is absent or "-".
std::string text_or_stdin(const std::optional<std::string>& given, const char* what);
std::string read_stdin();

// One line of JSON; bytes that are not UTF-8 become U+FFFD. A template, so that only .cpp files see
// the JSON library.
template <class Json>
std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ondol::cli

#include "cli/common.h"

#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/files.h"

namespace ondol::cli {
namespace {

constexpr size_t kStdinBytesMax = size_t{1} << 28;
constexpr int64_t kThreadsMax = 1024;

WeightForm weight_form(const std::string& name) {
  return name == "bf16"   ? WeightForm::kBf16
         : name == "int8" ? WeightForm::kInt8
                          : WeightForm::kFile;
}

}  // namespace

void declare_json(Options& options, bool* json) {
  options.flag("--json", json, "print JSON (docs/cli.md), and errors as JSON on stderr");
}

void declare_model(Options& options, std::string* model) {
  options.text("-m,--model", "MODEL", model, "a name of `ondol models`, a GGUF file or a folder");
}

void declare_engine(Options& options, EngineOptions* engine) {
  options.integer("-t,--threads", "N", &engine->threads, {0, kThreadsMax},
                  "compute threads; 0: one a physical core");
  options.choice("--precision", &engine->precision, {"exact", "fast"},
                 "f32 activations, or 8-bit ones where the weights are quantised");
}

void declare_kv(Options& options, EngineOptions* engine) {
  options.choice("--kv", &engine->kv, {"auto", "f32", "int8"},
                 "how keys and values are kept; auto: int8, but f32 in exact precision");
}

void declare_weights(Options& options, EngineOptions* engine) {
  options.choice("--weights", &engine->weights, {"file", "bf16", "int8"},
                 "an encoder's weights: as in its file, or smaller and faster");
}

void declare_prefix_folder(Options& options, EngineOptions* engine) {
  options.text("--prefix-folder", "DIR", &engine->prefix_folder,
               "keep what was computed of prompts here, for later runs");
}

void declare_workspace(Options& options, std::string* folder) {
  options.text("-w,--workspace", "DIR", folder, "a folder in the workspace");
}

void declare_profile(Options& options, EngineOptions* engine) {
  options.text("--profile", "FILE", &engine->profile_path,
               "write a timeline of the engine (trace JSON: Perfetto, chrome://tracing)");
}

void begin_profile(EngineOptions& engine) {
  if (engine.profile_path.empty()) return;
  engine.profile = std::make_shared<Profile>();
  write_profile(engine);
}

void write_profile(const EngineOptions& engine) {
  if (engine.profile) write_file_atomic(engine.profile_path, engine.profile->trace_json());
}

Precision precision_of(const EngineOptions& engine) {
  return engine.precision == "exact" ? Precision::kExact : Precision::kFast;
}

KvType kv_type_of(const EngineOptions& engine) {
  LocalGeneratorOptions options{.precision = precision_of(engine)};
  if (engine.kv != "auto") options.kv_type = engine.kv == "f32" ? KvType::kF32 : KvType::kI8;
  return options.kv();
}

app::Session make_session(const EngineOptions& engine) {
  return {app::user_home(),
          {.threads = static_cast<int>(engine.threads),
           .precision = precision_of(engine),
           .kv_type = kv_type_of(engine),
           .context_tokens_max = engine.context,
           .speculation = engine.speculation == "off" ? Speculation::kOff : Speculation::kLookup,
           .encoder_weights = weight_form(engine.weights),
           .prefix_folder = engine.prefix_folder,
           .profile = engine.profile.get()}};
}

void show_notices(app::Session& session, Context& context) {
  for (const std::string& notice : session.take_notices()) context.progress.notice(notice);
}

std::string text_or_stdin(const std::optional<std::string>& given, const char* what) {
  if (given && *given != "-") return *given;
  if (!given && ::isatty(STDIN_FILENO) == 1) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("no ") + what + " was given; expected it as an argument, in quotes, " +
                    "or on standard input");
  }
  return read_stdin();
}

std::string read_stdin() {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR && !interrupted()) continue;
    if (count < 0) throw Error(ErrorCode::kCancelled, "reading standard input was stopped");
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > kStdinBytesMax) {
      throw Error(
          ErrorCode::kResourceExhausted,
          "standard input has more than " + format_bytes(kStdinBytesMax) + "; try splitting it");
    }
  }
}

}  // namespace ondol::cli

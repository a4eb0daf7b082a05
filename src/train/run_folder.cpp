#include "train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"

namespace ondol::train {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw Error(ErrorCode::kResourceExhausted, fmt::format("[run folder] cannot {} '{}': {}", what,
                                                         path.string(), std::strerror(errno)));
}

// The whole line or nothing of it: what follows a torn line could not be read.
void append_line(int fd, const std::string& line, const fs::path& path) {
  struct stat before {};
  if (::fstat(fd, &before) != 0) fail("read", path);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      if (::ftruncate(fd, before.st_size) != 0) errno = error;
      errno = error;
      fail("write", path);
    }
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

// Whole lines that are logged steps; a torn one is left out.
std::vector<LogEntry> read_metrics(const fs::path& path) {
  std::vector<LogEntry> entries;
  if (!fs::exists(path)) return entries;
  const std::string text = read_file(path);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    try {
      entries.push_back(parse_log_entry(std::string_view(text).substr(at, end - at)));
    } catch (const Error&) {  // NOLINT: what a crash left of a line
    }
    at = end + 1;
  }
  return entries;
}

// transformers' names: eval_loss is eval/loss, everything else belongs to training.
std::string tag_of(const std::string& name) {
  return name.starts_with("eval_") ? "eval/" + name.substr(5) : "train/" + name;
}

}  // namespace

RunFolder::RunFolder(fs::path folder) : path_(std::move(folder)) {
  std::error_code error;
  fs::create_directories(path_, error);
  const fs::path lock = path_ / ".lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) fail("make", lock);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw Error(ErrorCode::kUnavailable,
                fmt::format("[run folder] another process trains in '{}'; try another --output-dir",
                            path_.string()));
  }
  sweep_unfinished(path_);
}

RunFolder::~RunFolder() {
  if (metrics_ >= 0) ::close(metrics_);
  ::close(lock_);
}

void RunFolder::write_text(const std::string& name, std::string_view content) const {
  write_file_atomic(path_ / name, content);
}

void RunFolder::write_environment(const RunEnvironment& environment) const {
  nlohmann::ordered_json data = nlohmann::ordered_json::object();
  for (const auto& [file, sum] : environment.data) data[file] = sum;
  nlohmann::ordered_json all = {{"version", environment.version},
                                {"instruction_set", environment.isa},
                                {"cpu_features", environment.cpu_features},
                                {"threads", environment.threads},
                                {"model", environment.model},
                                {"model_sha256", environment.model_sha256},
                                {"data_sha256", data}};
  all["processes"] = environment.processes;
  write_text("env.json", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void RunFolder::start(int64_t steps_done) {
  if (metrics_ >= 0) ::close(metrics_);
  std::string kept;
  for (const LogEntry& entry : read_metrics(metrics_path())) {
    if (entry.step <= steps_done && steps_done > 0) kept += to_json(entry) + "\n";
  }
  write_file_atomic(metrics_path(), kept);
  metrics_ = ::open(metrics_path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (metrics_ < 0) fail("open", metrics_path());
  events_ = std::make_unique<EventWriter>(path_, steps_done + 1);
}

void RunFolder::log(const LogEntry& entry) {
  ONDOL_ASSERT(metrics_ >= 0);  // after start()
  append_line(metrics_, to_json(entry) + "\n", metrics_path());
  std::vector<EventWriter::Scalar> scalars;
  for (const auto& [name, value] : entry.values) scalars.emplace_back(tag_of(name), value);
  scalars.emplace_back("train/epoch", entry.epoch);
  events_->write(entry.step, scalars);
}

std::vector<LogEntry> RunFolder::metrics() const { return read_metrics(metrics_path()); }

}  // namespace ondol::train

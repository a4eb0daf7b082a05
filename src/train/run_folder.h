// The folder of one run: what it was made with, its metrics, its checkpoints.
//
//   RunFolder run("runs/x");
//   run.write_text("config.toml", resolved);
//   run.write_environment({...});
//   run.start(0);                                        // or the step of a loaded checkpoint
//   run.log({.step = 10, .epoch = 0.1, .values = {{"loss", 1.8}}});
//   run.save(checkpoint, {.keep = 3});
//
//   config.toml, env.json           given by the caller
//   metrics.jsonl                   one object a logged step
//   events.out.tfevents.*           the same for TensorBoard: train/loss, eval/loss, ...
//   checkpoint-<step>/, best ->     checkpoint.h
//
// Throws Error(kResourceExhausted) naming the file when the disk does not take something (nothing
// older is lost), Error(kUnavailable) when another process trains in the folder. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/checkpoint.h"
#include "train/tensorboard.h"

namespace ondol::train {

struct RunEnvironment {
  std::string version;  // of ondol
  std::string isa;
  int threads = 1;
  int processes = 1;
  std::vector<std::string> cpu_features;
  std::string model;  // as the user named it
  std::string model_sha256;
  std::vector<std::pair<std::string, std::string>> data;  // file, SHA-256
};

class RunFolder {
 public:
  // Makes the folder, takes its lock, removes what interrupted saves left.
  explicit RunFolder(std::filesystem::path folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write_text(const std::string& name, std::string_view content) const;  // as a whole or not
  void write_environment(const RunEnvironment& environment) const;

  // Before the first log(): metrics of steps after `steps_done` (of a run that was interrupted
  // behind its last checkpoint) and a torn last line go; a new event file begins.
  void start(int64_t steps_done);
  void log(const LogEntry& entry);
  std::vector<LogEntry> metrics() const;  // as metrics.jsonl has them

  std::filesystem::path save(const Checkpoint& checkpoint, const SaveOptions& options = {}) const {
    return save_checkpoint(path_, checkpoint, options);
  }
  std::optional<FoundCheckpoint> newest(std::vector<std::string>* torn = nullptr) const {
    return newest_checkpoint(path_, torn);
  }

 private:
  std::filesystem::path metrics_path() const { return path_ / "metrics.jsonl"; }

  std::filesystem::path path_;
  int lock_ = -1;
  int metrics_ = -1;
  std::unique_ptr<EventWriter> events_;
};

}  // namespace ondol::train

// Checkpoints of a run: folders `checkpoint-<step>` that are there as a whole or not at all.
//
//   save_checkpoint(run, {.state = state, .weights_file = "adapter_model.safetensors",
//                         .weights = adapter, .optimizer = optimizer->state()}, {.keep = 3});
//   auto found = newest_checkpoint(run);                 // ignores torn ones
//   Checkpoint checkpoint = load_checkpoint(found->folder);
//
// A checkpoint is written to a hidden folder, every file synced, `manifest.json` (names, sizes and
// SHA-256) last, then renamed. It is complete if its manifest is there and every file is what the
// manifest says. Whatever happens meanwhile (kill, a full disk), older checkpoints stay as they
// were.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/optimizer.h"
#include "train/trainer_state.h"

namespace ondol::train {

struct Checkpoint {
  TrainerState state;  // trainer_state.json; its global_step names the folder
  std::string weights_file = "model.safetensors";
  std::vector<NamedTensor> weights;
  std::vector<NamedTensor> optimizer;        // optimizer.safetensors
  std::map<std::string, std::string> texts;  // other files by name: rng.json, 1_Pooling/config.json
};

struct SaveOptions {
  // Checkpoints that stay (save_total_limit), the newest ones; 0: all. The best one, that of
  // state.best_global_step, is never removed.
  int64_t keep = 0;
};

// Returns the folder. Afterwards the link `best` points to the best checkpoint, if there is one.
// Throws Error(kResourceExhausted) when the disk does not take it, Error(kInvalidArgument) for file
// names that leave the folder, with more than one folder in them, or given twice.
std::filesystem::path save_checkpoint(const std::filesystem::path& run,
                                      const Checkpoint& checkpoint,
                                      const SaveOptions& options = {});

struct FoundCheckpoint {
  std::filesystem::path folder;
  int64_t step;
};

// The newest complete one. `torn`, if given, receives a sentence for each newer one that is not.
std::optional<FoundCheckpoint> newest_checkpoint(const std::filesystem::path& run,
                                                 std::vector<std::string>* torn = nullptr);

// Empty when it is complete, else what is wrong with it. Reads every byte.
std::string checkpoint_fault(const std::filesystem::path& folder);

// Throws Error(kCorruptData) naming the file for a checkpoint that is not complete.
Checkpoint load_checkpoint(const std::filesystem::path& folder);

// Removes what saves that were interrupted left behind. Only while nothing saves into `run`.
void sweep_unfinished(const std::filesystem::path& run);

}  // namespace ondol::train

// Adapters made part of their base, and what that cost.
//
//   MergeReport report = merge(session, {.model = "base.gguf", .adapter = "runs/x/best",
//                                        .output = "merged.gguf"}, progress);
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "app/session.h"
#include "base/progress.h"
#include "models/adapter_merge.h"

namespace ondol::app {

struct MergeOptions {
  std::string model;  // catalogue name or path
  std::filesystem::path adapter;
  std::filesystem::path output;
  std::optional<DType> type;  // nullopt: as each matrix is
  std::string text;           // measured on it; empty: a short built-in one
};

// Merged against unmerged on the same text, in windows of kMergeWindow tokens.
struct MergeCost {
  int64_t tokens = 0;
  double kl_mean = 0;  // of the next token's distribution, in nats: unmerged to merged
  double kl_max = 0;
  double perplexity_unmerged = 0;
  double perplexity_merged = 0;
  double same_top = 0;  // share of tokens with the same most likely next one
};
inline constexpr size_t kMergeWindow = 128;

struct MergeReport {
  MergeResult result;
  MergeCost cost;
};

// Writes the merged model and measures it. Throws as load_adapter and merge_adapter do.
MergeReport merge(Session& session, const MergeOptions& options, ProgressSink& progress);

// Writes an adapter in the other format: a name that ends in .gguf is llama.cpp's, else a PEFT
// folder. Returns the adapter as it was read.
std::shared_ptr<const LoadedAdapter> export_adapter(Session& session, const std::string& model,
                                                    const std::filesystem::path& adapter,
                                                    const std::filesystem::path& output);

}  // namespace ondol::app

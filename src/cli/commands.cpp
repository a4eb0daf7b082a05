#include "cli/commands.h"

#include <array>

namespace ondol::cli {
namespace {

// In the order of help: the way a person meets them.
constexpr std::array kTable = {
    &kQuickstart, &kInit,   &kIngest, &kAsk,      &kCompare,    &kChat,    &kSearch, &kGraph,
    &kKg,         &kRun,    &kEmbed,  &kTokenize, &kPerplexity, &kPredict, &kData,   &kTrain,
    &kMerge,      &kExport, &kBench,  &kPull,     &kModels,     &kInfo,
};

}  // namespace

std::span<const Command* const> commands() { return kTable; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kTable) {
    if (command->name == name) return command;
  }
  return nullptr;
}

}  // namespace ondol::cli

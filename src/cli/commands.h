// Every command, one line each; the table is in commands.cpp.
#pragma once

#include "cli/command.h"

namespace ondol::cli {

extern const Command kQuickstart;
extern const Command kInit;
extern const Command kPull;
extern const Command kModels;
extern const Command kInfo;
extern const Command kRun;
extern const Command kChat;
extern const Command kEmbed;
extern const Command kTokenize;
extern const Command kPerplexity;
extern const Command kPredict;
extern const Command kIngest;
extern const Command kSearch;
extern const Command kGraph;
extern const Command kKg;
extern const Command kAsk;
extern const Command kCompare;
extern const Command kBench;
extern const Command kData;
extern const Command kTrain;
extern const Command kMerge;
extern const Command kExport;

}  // namespace ondol::cli

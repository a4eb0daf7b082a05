// A mixture of instruction tasks from its TOML file (docs/training.md, "Mixtures").
//
//   train::Mixture mixture = read_mixture("flan.toml", "data");
//   train::Mixed rows = train::mix(mixture, {});
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "train/mixture.h"

namespace ondol::app {

// `folder`: what the files of tasks are relative to; empty: the folder of the mixture itself.
// Throws Error(kNotFound) for a missing file, of the mixture or of a task, and
// Error(kInvalidArgument) with file and line for an unknown key (and the nearest known one) or a
// value of another type.
train::Mixture read_mixture(const std::filesystem::path& file, const std::filesystem::path& folder);
train::Mixture parse_mixture(std::string_view toml, const std::string& source,
                             const std::filesystem::path& folder);

}  // namespace ondol::app

// Files of the repository that travel inside the program (made by cmake/EmbedFolder.cmake).
#pragma once

#include <span>
#include <string_view>

namespace ondol::app {

struct EmbeddedFile {
  std::string_view path;  // relative to the embedded folder
  std::string_view content;
};

std::span<const EmbeddedFile> sample_workspace();  // examples/handbook
std::string_view default_config();                 // presets/workspace.toml
std::string_view full_recipes();                   // presets/full.toml
std::string_view default_ontology();               // presets/ontology.toml
std::span<const EmbeddedFile> train_presets();     // presets/train: "METHOD/NAME.toml"

}  // namespace ondol::app

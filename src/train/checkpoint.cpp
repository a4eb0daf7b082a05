#include "train/checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"

namespace ondol::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kState = "trainer_state.json";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kFormat = "ondol-checkpoint";

[[noreturn]] void fail(const std::string& what, const fs::path& path, int error) {
  throw Error(ErrorCode::kResourceExhausted, fmt::format("[checkpoint] cannot {} '{}': {}", what,
                                                         path.string(), std::strerror(error)));
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    fail("sync", folder, error);
  }
  ::close(fd);
}

bool is_plain_part(std::string_view part) {
  return !part.empty() && part[0] != '.' && part.find('/') == std::string_view::npos &&
         part.find('\0') == std::string_view::npos;
}
// A file, or one in a folder: "1_Pooling/config.json".
bool is_plain_name(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return is_plain_part(name);
  return is_plain_part(name.substr(0, slash)) && is_plain_part(name.substr(slash + 1));
}

std::string folder_name(int64_t step) { return fmt::format("{}{}", kPrefix, step); }

std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = -1;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stop != end || step < 0) return std::nullopt;
  return step;
}

// Oldest first; folders only, whole or not.
std::vector<FoundCheckpoint> checkpoints(const fs::path& run) {
  std::vector<FoundCheckpoint> found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(run, absent)) {
    const auto step = step_of(entry.path());
    if (step && entry.is_directory() && !entry.is_symlink()) found.push_back({entry.path(), *step});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.step < b.step; });
  return found;
}

// A folder that is gone with all in it unless it was given its place.
class HiddenFolder {
 public:
  HiddenFolder(const fs::path& run, int64_t step) {
    std::error_code error;
    fs::create_directories(run, error);
    std::string pattern = (run / ("." + folder_name(step) + ".XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) fail("make a folder in", run, errno);
    path_ = pattern;
    fs::permissions(path_, fs::perms(0755), error);
  }
  ~HiddenFolder() {
    std::error_code ignored;  // the next start of the run sweeps
    fs::remove_all(path_, ignored);
  }
  HiddenFolder(const HiddenFolder&) = delete;
  HiddenFolder& operator=(const HiddenFolder&) = delete;

  const fs::path& path() const { return path_; }

  // What stood at `place` before (an earlier save of the same step) changes places with this, so
  // that at every moment one of the two stands there, and goes.
  void move_to(const fs::path& place) const {
    sync_folder(path_);
    if (::rename(path_.c_str(), place.c_str()) != 0) {
      if (errno != ENOTEMPTY && errno != EEXIST) fail("rename a folder to", place, errno);
      if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
        fail("replace", place, errno);
      }
    }
    sync_folder(place.parent_path());
  }

 private:
  fs::path path_;
};

// Writes the files of one checkpoint and keeps their sizes and sums.
class Writer {
 public:
  explicit Writer(fs::path folder) : folder_(std::move(folder)) {}

  void text(const std::string& name, std::string_view content) {
    check(name);
    fs::create_directories((folder_ / name).parent_path());
    write_file_atomic(folder_ / name, content);
    note(name);
  }

  void tensors(const std::string& name, const std::vector<NamedTensor>& tensors) {
    check(name);
    io::SafetensorsWriter writer;
    writer.set_metadata("format", "pt");
    for (const auto& [tensor_name, tensor] : tensors) {
      writer.add_tensor(tensor_name, tensor.dtype(), tensor.shape(), tensor.bytes());
    }
    writer.write(folder_ / name);
    note(name);
  }

  void manifest(int64_t step, const std::string& weights_file) {
    const Json manifest = {{"format", kFormat},
                           {"version", 1},
                           {"step", step},
                           {"weights", weights_file},
                           {"files", files_}};
    write_file_atomic(folder_ / kManifest, manifest.dump(1) + "\n");
  }

 private:
  void check(const std::string& name) {
    if (is_plain_name(name) && name != kManifest && names_.insert(name).second) return;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[checkpoint] '{}' is no name of a file in it, or stands twice", name));
  }

  void note(const std::string& name) {
    files_[name] = {{"size", fs::file_size(folder_ / name)},
                    {"sha256", sha256_file(folder_ / name)}};
  }

  fs::path folder_;
  std::set<std::string> names_;
  Json files_ = Json::object();
};

void link_best(const fs::path& run, int64_t step) {
  std::error_code error;
  if (!fs::is_directory(run / folder_name(step), error)) return;
  const fs::path temporary = run / ".best.new";
  fs::remove(temporary, error);
  fs::create_directory_symlink(folder_name(step), temporary, error);
  if (!error) fs::rename(temporary, run / "best", error);
  if (error) fail("link", run / "best", error.value());
}

void remove_older(const fs::path& run, const TrainerState& state, int64_t keep) {
  const auto all = checkpoints(run);
  auto surplus = static_cast<int64_t>(all.size()) - keep;
  for (const FoundCheckpoint& old : all) {
    if (surplus <= 0) return;
    if (old.step == state.global_step || old.step == state.best_global_step) continue;
    // Hidden first: a removal cut short leaves nothing that looks like a checkpoint.
    const fs::path hidden = run / ("." + old.folder.filename().string() + ".gone");
    std::error_code error;
    fs::remove_all(hidden, error);
    fs::rename(old.folder, hidden, error);
    fs::remove_all(error ? old.folder : hidden, error);
    --surplus;
  }
}

// Throws Json::exception for a manifest of another shape.
std::string fault_in(const fs::path& folder, const Json& manifest) {
  if (manifest.at("format") != kFormat) return "its manifest is not one of ours";
  if (manifest.at("version") != 1) return "it was written by a newer version";
  if (step_of(folder) && manifest.at("step") != *step_of(folder)) {
    return "its manifest is that of another step";
  }
  const Json& files = manifest.at("files");
  if (!files.contains(kState) || !files.contains(manifest.at("weights").get<std::string>())) {
    return "its manifest names neither state nor weights";
  }
  for (const auto& [name, expected] : files.items()) {
    std::error_code error;
    const fs::path file = folder / name;
    if (!is_plain_name(name)) return "its manifest names a file outside";
    const auto size = fs::file_size(file, error);
    if (error) return fmt::format("{} is missing", name);
    if (size != expected.at("size").get<uint64_t>()) {
      return fmt::format("{} has {} bytes, expected {}", name, size, expected["size"].dump());
    }
    if (sha256_file(file) != expected.at("sha256").get<std::string>()) {
      return fmt::format("{} has another SHA-256 than when it was saved", name);
    }
  }
  return "";
}

std::vector<NamedTensor> read_tensors(const fs::path& path) {
  const auto file = io::SafetensorsFile::open(path);
  std::vector<NamedTensor> tensors;
  for (const io::TensorInfo& info : file.tensors()) {
    Tensor tensor = Tensor::zeros(info.dtype, info.shape);
    std::copy(info.bytes.begin(), info.bytes.end(), tensor.data<std::byte>());
    tensors.emplace_back(info.name, tensor);
  }
  return tensors;
}

}  // namespace

fs::path save_checkpoint(const fs::path& run, const Checkpoint& checkpoint,
                         const SaveOptions& options) {
  const int64_t step = checkpoint.state.global_step;
  const fs::path place = run / folder_name(step);
  {
    const HiddenFolder hidden(run, step);
    Writer writer(hidden.path());
    writer.tensors(checkpoint.weights_file, checkpoint.weights);
    writer.tensors(kOptimizer, checkpoint.optimizer);
    for (const auto& [name, content] : checkpoint.texts) writer.text(name, content);
    writer.text(kState, to_json(checkpoint.state));
    writer.manifest(step, checkpoint.weights_file);
    hidden.move_to(place);
  }
  if (checkpoint.state.best_global_step) link_best(run, *checkpoint.state.best_global_step);
  if (options.keep > 0) remove_older(run, checkpoint.state, options.keep);
  return place;
}

std::string checkpoint_fault(const fs::path& folder) {
  try {
    return fault_in(folder, Json::parse(read_file(folder / kManifest, size_t{1} << 24)));
  } catch (const Json::exception&) {
    return "its manifest cannot be read";
  } catch (const Error& error) {
    return error.code() == ErrorCode::kNotFound ? "it has no manifest: the save did not end"
                                                : error.what();
  }
}

std::optional<FoundCheckpoint> newest_checkpoint(const fs::path& run,
                                                 std::vector<std::string>* torn) {
  auto all = checkpoints(run);
  for (; !all.empty(); all.pop_back()) {
    const std::string fault = checkpoint_fault(all.back().folder);
    if (fault.empty()) return all.back();
    if (torn) torn->push_back(all.back().folder.filename().string() + ": " + fault);
  }
  return std::nullopt;
}

Checkpoint load_checkpoint(const fs::path& folder) {
  const std::string fault = checkpoint_fault(folder);
  if (!fault.empty()) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[checkpoint] '{}' cannot be taken: {}; try an older one",
                            folder.string(), fault));
  }
  const Json manifest = Json::parse(read_file(folder / kManifest));
  Checkpoint checkpoint;
  checkpoint.weights_file = manifest["weights"].get<std::string>();
  for (const auto& [name, file] : manifest["files"].items()) {
    if (name == kState) {
      checkpoint.state = parse_trainer_state(read_file(folder / name), (folder / name).string());
    } else if (name == kOptimizer) {
      checkpoint.optimizer = read_tensors(folder / name);
    } else if (name == checkpoint.weights_file) {
      checkpoint.weights = read_tensors(folder / name);
    } else {
      checkpoint.texts[name] = read_file(folder / name);
    }
  }
  return checkpoint;
}

void sweep_unfinished(const fs::path& run) {
  const std::string hidden = "." + std::string(kPrefix);
  std::vector<fs::path> stale;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run, ignored)) {
    if (entry.path().filename().string().starts_with(hidden)) stale.push_back(entry.path());
  }
  for (const fs::path& path : stale) fs::remove_all(path, ignored);
}

}  // namespace ondol::train

#include "train/communicator.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "train/mpi_module.h"

namespace ondol::train {
namespace {

constexpr const char* kLibrary = "ondol_mpi.so";
constexpr size_t kStaged = size_t{1} << 20;  // floats of a message

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, "[mpi] " + what);
}

}  // namespace

bool has_communicator(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / kLibrary, ignored);
}

std::unique_ptr<Communicator> load_communicator(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kLibrary;
  if (!has_communicator(folder)) {
    unsupported("this ondol was built without MPI: there is no '" + file.string() +
                "'; install libopenmpi-dev and build again, or start one process");
  }
  // Open MPI's own parts look for its symbols among those of all; it cannot be unloaded.
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* why = ::dlerror();
    unsupported(std::string("cannot load it: ") + (why != nullptr ? why : file.c_str()));
  }
  const auto join = reinterpret_cast<MpiJoin>(::dlsym(library, kMpiJoinName));
  if (join == nullptr) unsupported("'" + file.string() + "' is of another build of ondol");
  return std::unique_ptr<Communicator>(join());
}

void sum_gradients(Communicator& processes, std::span<Tensor> gradients, int ranks) {
  if (processes.size() == 1) return;
  struct Part {
    float* begin;
    size_t count;
  };
  std::vector<Part> parts;
  std::vector<float> staged;
  staged.reserve(kStaged);
  const auto send = [&] {
    if (staged.empty()) return;
    processes.sum(staged, ranks);
    const float* from = staged.data();
    for (const Part& part : parts) {
      std::copy_n(from, part.count, part.begin);
      from += part.count;
    }
    parts.clear();
    staged.clear();
  };
  for (Tensor& gradient : gradients) {
    float* values = gradient.data();
    const auto size = static_cast<size_t>(gradient.size());
    for (size_t at = 0; at < size;) {
      const size_t count = std::min(size - at, kStaged - staged.size());
      staged.insert(staged.end(), values + at, values + at + count);
      parts.push_back({values + at, count});
      at += count;
      if (staged.size() == kStaged) send();
    }
  }
  send();
}

bool any_of(Communicator& processes, bool here) {
  double count = here ? 1 : 0;
  processes.sum(std::span(&count, 1));
  return count > 0;
}

bool same_text(Communicator& processes, const std::string& text) {
  const std::string own = sha256_hex(text);
  std::string first = own;
  processes.broadcast(std::as_writable_bytes(std::span(first)));
  return !any_of(processes, own != first);
}

std::string digest(std::span<const Tensor> tensors) {
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a, a word at a time
  for (const Tensor& tensor : tensors) {
    const std::span<const std::byte> bytes = tensor.bytes();
    for (size_t at = 0; at < bytes.size(); at += sizeof hash) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
      hash = (hash ^ word) * 1099511628211ULL;
      hash ^= hash >> 32;
    }
  }
  return fmt::format("{:016x}", hash);
}

std::string broadcast_text(Communicator& processes, std::string text) {
  uint64_t size = text.size();
  broadcast_value(processes, size);
  text.resize(size);
  processes.broadcast(std::as_writable_bytes(std::span(text)));
  return text;
}

void broadcast_tensor(Communicator& processes, Tensor& tensor) {
  processes.broadcast({tensor.data<std::byte>(), tensor.bytes().size()});
}

}  // namespace ondol::train

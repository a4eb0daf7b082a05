// Any text: no accepted shard name can leave its folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "io/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& [tensor, file] : ondol::io::parse_shard_index(text, "fuzz")) {
      if (std::filesystem::path(file).filename() != file || file == "..") std::abort();
    }
  } catch (const ondol::Error&) {  // refused, as it should be
  }
  return 0;
}

// Any bytes: opening them and reading everything that was opened ends in values or in an Error.
// Covers: gguf.cpp gguf_metadata.cpp byte_cursor.cpp tensor_source.cpp
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "io/byte_cursor.h"
#include "io/gguf.h"

namespace {

using namespace ondol;

template <class Read>
void attempt(Read read) {
  try {
    read();
  } catch (const Error&) {  // refused, as it should be
  }
}

void read_everything(const io::GgufFile& file) {
  const io::GgufMetadata& meta = file.metadata();
  for (const std::string& key : meta.keys()) {
    if (!meta.contains(key) || meta.describe(key).empty()) std::abort();
    attempt([&] { meta.require_string(key); });
    attempt([&] { meta.require_u64(key); });
    attempt([&] { meta.require_i64(key); });
    attempt([&] { meta.require_f64(key); });
    attempt([&] { meta.require_bool(key); });
    attempt([&] { meta.require_strings(key); });
    attempt([&] { meta.require_ints(key); });
    attempt([&] { meta.require_floats(key); });
  }
  attempt([&] { meta.require_u64("no such key"); });
  if (meta.find_u64("no such key")) std::abort();
  unsigned sum = 0;
  for (const io::TensorInfo& tensor : file.tensors()) {
    if (file.find_tensor(tensor.name) != &tensor) std::abort();
    for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    attempt([&] { file.read_f32(tensor.name); });
    file.drop(tensor);
  }
  volatile unsigned keep = sum;  // the reads above must happen
  (void)keep;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  attempt([&] { read_everything(io::GgufFile::parse({bytes, size}, "fuzz")); });
  return 0;
}

// Any bytes: opening them and reading everything that was opened ends in values or in an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "io/safetensors.h"

namespace {

using namespace ondol;

template <class Read>
void attempt(Read read) {
  try {
    read();
  } catch (const Error&) {  // refused, as it should be
  }
}

void read_everything(const io::SafetensorsFile& file) {
  unsigned sum = static_cast<unsigned>(file.metadata().size());
  for (const io::TensorInfo& tensor : file.tensors()) {
    if (file.find_tensor(tensor.name) != &tensor) std::abort();
    for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    attempt([&] { file.read_f32(tensor.name); });
    file.drop(tensor);
  }
  for (const io::UnreadableTensor& tensor : file.unreadable()) {
    if (file.find_tensor(tensor.name) != nullptr) std::abort();
    attempt([&] { file.require_tensor(tensor.name); });
  }
  volatile unsigned keep = sum;  // the reads above must happen
  (void)keep;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  attempt([&] { read_everything(io::SafetensorsFile::parse({bytes, size}, "fuzz")); });
  return 0;
}

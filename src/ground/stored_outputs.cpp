#include "ground/stored_outputs.h"

#include "base/error.h"

namespace ondol::ground {

std::optional<std::string> StoredOutputs::find(const std::string& key) {
  return store_.find_output(collection_, key);
}

void StoredOutputs::put(const std::string& key, const std::string& value,
                        std::span<const int64_t> sources) {
  try {
    if (!store_.put_output(collection_, key, value, sources)) ++not_kept_;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCorruptData || error.code() == ErrorCode::kInternal) throw;
    ++not_kept_;
  }
}

}  // namespace ondol::ground

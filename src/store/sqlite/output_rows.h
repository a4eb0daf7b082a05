// What models said, kept as long as every chunk that they were shown. Internal to the SQLite store.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ondol::store {

// In the caller's transaction. false: a chunk is gone, nothing was written.
bool write_output(Connection& db, CollectionId collection, std::string_view key,
                  std::string_view value, std::span<const ChunkId> sources);
std::optional<std::string> read_output(Connection& db, CollectionId collection,
                                       std::string_view key);

}  // namespace ondol::store

// The rows of the property graph in SQLite. Internal to the store; the caller holds its mutex and,
// for writing, a transaction.
#pragma once

#include <vector>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ondol::store {

void write_extraction(Connection& db, CollectionId collection, ChunkId chunk,
                      const Extraction& extraction);
int64_t write_merge(Connection& db, CollectionId collection, const Merge& merge);

std::vector<ExtractionState> read_extractions(Connection& db, CollectionId collection);
std::vector<Merge> read_merges(Connection& db, CollectionId collection);
GraphRows read_graph(Connection& db, const Scope& scope);

}  // namespace ondol::store

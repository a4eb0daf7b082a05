// The rows of documents, chunks and jobs in SQLite. Internal to the store; the caller holds its
// mutex and, for writing, a transaction.
#pragma once

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ondol::store {

// What read_document and read_chunk read, in this order.
inline constexpr const char* kDocumentColumns =
    "SELECT id, uri, sha256, title, language FROM document WHERE collection_id = ?1 ";
inline constexpr const char* kChunkColumns =
    "c.id, c.document_id, c.ordinal, c.heading, c.text, c.char_from, c.char_to, c.page, "
    "c.text_hash, c.length ";

void write_document(Connection& db, CollectionId collection, const DocumentContent& content);
void write_job(Connection& db, CollectionId collection, const JobRow& job);

Document read_document(Connection& db, const Statement& row);
Chunk read_chunk(const Statement& row);

}  // namespace ondol::store

#include "store/sqlite/output_rows.h"

namespace ondol::store {

bool write_output(Connection& db, CollectionId collection, std::string_view key,
                  std::string_view value, std::span<const ChunkId> sources) {
  for (const ChunkId chunk : sources) {
    Statement& row = db.prepare("SELECT 1 FROM chunk WHERE id = ?1 AND collection_id = ?2")
                         .bind(1, chunk)
                         .bind(2, collection);
    const bool lives = row.step();
    row.reset();
    if (!lives) return false;
  }
  db.prepare("DELETE FROM model_output WHERE collection_id = ?1 AND key = ?2")
      .bind(1, collection)
      .bind(2, key)
      .run();
  db.prepare("INSERT INTO model_output (collection_id, key, value) VALUES (?1, ?2, ?3)")
      .bind(1, collection)
      .bind(2, key)
      .bind(3, value)
      .run();
  const int64_t id = db.last_row_id();
  for (const ChunkId chunk : sources) {
    db.prepare("INSERT OR IGNORE INTO model_output_source VALUES (?1, ?2)")
        .bind(1, id)
        .bind(2, chunk)
        .run();
  }
  return true;
}

std::optional<std::string> read_output(Connection& db, CollectionId collection,
                                       std::string_view key) {
  Statement& row =
      db.prepare("SELECT value FROM model_output WHERE collection_id = ?1 AND key = ?2")
          .bind(1, collection)
          .bind(2, key);
  std::optional<std::string> value;
  if (row.step()) value = row.text(0);
  row.reset();
  return value;
}

}  // namespace ondol::store

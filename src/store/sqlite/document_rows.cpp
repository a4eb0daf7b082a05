#include "store/sqlite/document_rows.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "store/sqlite/graph_rows.h"

namespace ondol::store {
namespace {

int64_t write_document_row(Connection& db, CollectionId collection, const Document& document) {
  db.prepare(
        "INSERT INTO document (collection_id, uri, sha256, title, language, restricted) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (collection_id, uri) DO UPDATE SET "
        "sha256 = ?3, title = ?4, language = ?5, restricted = ?6")
      .bind(1, collection)
      .bind(2, document.uri)
      .bind(3, document.sha256)
      .bind(4, document.title)
      .bind(5, document.language)
      .bind(6, document.principals.empty() ? 0 : 1)
      .run();
  Statement& row = db.prepare("SELECT id FROM document WHERE collection_id = ?1 AND uri = ?2")
                       .bind(1, collection)
                       .bind(2, document.uri);
  row.step();
  const int64_t id = row.integer(0);
  row.reset();
  db.prepare("DELETE FROM document_principal WHERE document_id = ?1").bind(1, id).run();
  db.prepare("DELETE FROM document_tag WHERE document_id = ?1").bind(1, id).run();
  for (const std::string& principal : document.principals) {
    db.prepare("INSERT OR IGNORE INTO document_principal VALUES (?1, ?2, ?3)")
        .bind(1, collection)
        .bind(2, id)
        .bind(3, principal)
        .run();
  }
  for (const auto& [key, value] : document.tags) {
    db.prepare("INSERT INTO document_tag VALUES (?1, ?2, ?3, ?4)")
        .bind(1, collection)
        .bind(2, id)
        .bind(3, key)
        .bind(4, value)
        .run();
  }
  return id;
}

void write_chunk(Connection& db, CollectionId collection, int64_t document_id,
                 const std::string& embedder_id, const ChunkContent& content,
                 std::set<ChunkId>& old) {
  const Chunk& row = content.row;
  ChunkId id = row.id;
  if (id != 0 && old.erase(id) == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[store] chunk {} is put twice or is not of this document; expected "
                            "each kept chunk once; try id 0 for new chunks",
                            id));
  }
  const std::string sql =
      id == 0 ? "INSERT INTO chunk (collection_id, document_id, ordinal, heading, text, char_from, "
                "char_to, page, text_hash, length) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
              : "UPDATE chunk SET collection_id = ?1, document_id = ?2, ordinal = ?3, heading = ?4,"
                " text = ?5, char_from = ?6, char_to = ?7, page = ?8, text_hash = ?9, length = ?10 "
                "WHERE id = ?11";
  Statement& write = db.prepare(sql);
  write.bind(1, collection).bind(2, document_id).bind(3, row.ordinal).bind(4, row.heading);
  write.bind(5, row.text).bind(6, row.char_from).bind(7, row.char_to);
  write.bind(8, static_cast<int64_t>(row.page)).bind(9, row.text_hash).bind(10, row.length);
  if (id != 0) write.bind(11, id);
  write.run();
  if (id == 0) {
    id = db.last_row_id();
    for (const TermCount& term : content.terms) {
      db.prepare("INSERT INTO posting VALUES (?1, ?2, ?3, ?4)")
          .bind(1, collection)
          .bind(2, term.term)
          .bind(3, id)
          .bind(4, static_cast<int64_t>(term.count))
          .run();
    }
  }
  if (!content.vector.empty()) {
    db.prepare("INSERT OR REPLACE INTO embedding VALUES (?1, ?2, ?3, ?4)")
        .bind(1, collection)
        .bind(2, id)
        .bind(3, embedder_id)
        .bind_blob(4, content.vector)
        .run();
  }
  for (const Extraction& extraction : content.extractions) {
    write_extraction(db, collection, id, extraction);
  }
}

}  // namespace

void write_document(Connection& db, CollectionId collection, const DocumentContent& content) {
  const int64_t id = write_document_row(db, collection, content.document);
  std::set<ChunkId> old;
  Statement& rows = db.prepare("SELECT id FROM chunk WHERE document_id = ?1").bind(1, id);
  while (rows.step()) old.insert(rows.integer(0));
  for (const ChunkContent& chunk : content.chunks) {
    write_chunk(db, collection, id, content.embedder_id, chunk, old);
  }
  for (const ChunkId gone : old) {
    db.prepare("DELETE FROM chunk WHERE id = ?1").bind(1, gone).run();
  }
  write_job(db, collection, {content.document.uri, "done", ""});
}

void write_job(Connection& db, CollectionId collection, const JobRow& job) {
  db.prepare("INSERT OR REPLACE INTO job VALUES (?1, ?2, ?3, ?4)")
      .bind(1, collection)
      .bind(2, job.uri)
      .bind(3, job.state)
      .bind(4, job.error)
      .run();
}

Document read_document(Connection& db, const Statement& row) {
  Document document;
  document.id = row.integer(0);
  document.uri = row.text(1);
  document.sha256 = row.text(2);
  document.title = row.text(3);
  document.language = row.text(4);
  Statement& principals =
      db.prepare("SELECT principal FROM document_principal WHERE document_id = ?1 ORDER BY 1")
          .bind(1, document.id);
  while (principals.step()) document.principals.push_back(principals.text(0));
  Statement& tags =
      db.prepare("SELECT key, value FROM document_tag WHERE document_id = ?1").bind(1, document.id);
  while (tags.step()) document.tags[tags.text(0)] = tags.text(1);
  return document;
}

Chunk read_chunk(const Statement& row) {
  Chunk chunk;
  chunk.id = row.integer(0);
  chunk.document_id = row.integer(1);
  chunk.ordinal = row.integer(2);
  chunk.heading = row.text(3);
  chunk.text = row.text(4);
  chunk.char_from = row.integer(5);
  chunk.char_to = row.integer(6);
  chunk.page = static_cast<int32_t>(row.integer(7));
  chunk.text_hash = row.text(8);
  chunk.length = row.integer(9);
  return chunk;
}

}  // namespace ondol::store

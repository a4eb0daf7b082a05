#include "store/sqlite/schema.h"

#include <fmt/format.h>

#include <iterator>

#include "base/error.h"

namespace ondol::store {
namespace {

// "ondl" in ASCII: tells our files from other SQLite databases. Persistent, do not change.
constexpr int64_t kApplicationId = 0x6F6E646C;

// clang-format off
constexpr const char* kMigrations[] = {
    // 1: documents, chunks, lexical index, vectors, jobs. Every table knows its collection, so that
    // a distributed back end can be partitioned by it (contract 10).
    R"sql(
CREATE TABLE collection (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  uri TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  title TEXT NOT NULL,
  language TEXT NOT NULL,
  restricted INTEGER NOT NULL,  -- 1: only the principals listed may see it
  UNIQUE (collection_id, uri)
) STRICT;

CREATE TABLE document_principal (
  collection_id INTEGER NOT NULL,
  document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
  principal TEXT NOT NULL,
  PRIMARY KEY (document_id, principal)
) STRICT, WITHOUT ROWID;

CREATE TABLE document_tag (
  collection_id INTEGER NOT NULL,
  document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (document_id, key)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the id of a deleted chunk is never given again, so a cached answer cannot come to
-- cite another text.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL,
  document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL,
  char_from INTEGER NOT NULL,
  char_to INTEGER NOT NULL,
  page INTEGER NOT NULL,
  text_hash TEXT NOT NULL,
  length INTEGER NOT NULL
) STRICT;
CREATE INDEX chunk_by_document ON chunk (document_id, ordinal);
CREATE INDEX chunk_by_collection ON chunk (collection_id, document_id, length);

CREATE TABLE posting (
  collection_id INTEGER NOT NULL,
  term TEXT NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  count INTEGER NOT NULL,
  PRIMARY KEY (collection_id, term, chunk_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_by_chunk ON posting (chunk_id);

CREATE TABLE embedding (
  collection_id INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  embedder_id TEXT NOT NULL,
  values_f32 BLOB NOT NULL,  -- little-endian
  PRIMARY KEY (chunk_id, embedder_id)
) STRICT;

CREATE TABLE job (
  collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  uri TEXT NOT NULL,
  state TEXT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (collection_id, uri)
) STRICT, WITHOUT ROWID;
)sql",

    // 2: the property graph. Mentions and evidence hang on chunks; the triggers are the reference
    // counts, so a deleted document takes exactly what only it supported.
    R"sql(
CREATE TABLE extraction (
  collection_id INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  extractor TEXT NOT NULL,
  version TEXT NOT NULL,
  rejected TEXT NOT NULL,  -- "reason=count" lines
  PRIMARY KEY (chunk_id, extractor)
) STRICT, WITHOUT ROWID;
CREATE INDEX extraction_by_collection ON extraction (collection_id);

CREATE TABLE entity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  type TEXT NOT NULL,
  UNIQUE (collection_id, key, type)
) STRICT;

CREATE TABLE mention (
  collection_id INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  entity_id INTEGER NOT NULL REFERENCES entity(id) ON DELETE CASCADE,
  char_from INTEGER NOT NULL,
  char_to INTEGER NOT NULL,
  sentence INTEGER NOT NULL,
  surface TEXT NOT NULL,
  extractor TEXT NOT NULL,
  PRIMARY KEY (chunk_id, extractor, entity_id, char_from, char_to)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_by_entity ON mention (entity_id);
CREATE TRIGGER mention_gone AFTER DELETE ON mention BEGIN
  DELETE FROM entity WHERE id = OLD.entity_id
    AND NOT EXISTS (SELECT 1 FROM mention WHERE entity_id = OLD.entity_id);
END;

CREATE TABLE relation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL,
  subject_id INTEGER NOT NULL REFERENCES entity(id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  object_id INTEGER NOT NULL REFERENCES entity(id) ON DELETE CASCADE,
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  UNIQUE (collection_id, subject_id, label, object_id, valid_from, valid_to)
) STRICT;
CREATE INDEX relation_by_subject ON relation (subject_id);
CREATE INDEX relation_by_object ON relation (object_id);

CREATE TABLE relation_evidence (
  collection_id INTEGER NOT NULL,
  relation_id INTEGER NOT NULL REFERENCES relation(id) ON DELETE CASCADE,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  char_from INTEGER NOT NULL,
  char_to INTEGER NOT NULL,
  confidence REAL NOT NULL,
  extractor TEXT NOT NULL,
  PRIMARY KEY (chunk_id, extractor, relation_id, char_from, char_to)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_evidence_by_relation ON relation_evidence (relation_id);
CREATE TRIGGER relation_evidence_gone AFTER DELETE ON relation_evidence BEGIN
  DELETE FROM relation WHERE id = OLD.relation_id
    AND NOT EXISTS (SELECT 1 FROM relation_evidence WHERE relation_id = OLD.relation_id);
END;

CREATE TABLE entity_property (
  collection_id INTEGER NOT NULL,
  entity_id INTEGER NOT NULL REFERENCES entity(id) ON DELETE CASCADE,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  extractor TEXT NOT NULL,
  PRIMARY KEY (chunk_id, extractor, entity_id, name, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX entity_property_by_entity ON entity_property (entity_id);

CREATE TABLE entity_merge (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  from_key TEXT NOT NULL,
  from_type TEXT NOT NULL,
  into_key TEXT NOT NULL,
  into_type TEXT NOT NULL,
  method TEXT NOT NULL,
  score REAL NOT NULL,
  undone INTEGER NOT NULL,
  UNIQUE (collection_id, from_key, from_type, into_key, into_type)
) STRICT;
)sql",

    // 3: claims, and what models said. An output goes with any chunk that its prompt quoted, so
    // that nothing of a deleted document is left in it.
    R"sql(
CREATE TABLE claim (
  collection_id INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  extractor TEXT NOT NULL,
  subject_id INTEGER NOT NULL REFERENCES entity(id) ON DELETE CASCADE,
  object_id INTEGER REFERENCES entity(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  text TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  char_from INTEGER NOT NULL,
  char_to INTEGER NOT NULL,
  PRIMARY KEY (chunk_id, extractor, subject_id, type, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_subject ON claim (subject_id);
CREATE INDEX claim_by_object ON claim (object_id);

CREATE TABLE model_output (
  id INTEGER PRIMARY KEY,
  collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (collection_id, key)
) STRICT;

CREATE TABLE model_output_source (
  output_id INTEGER NOT NULL REFERENCES model_output(id) ON DELETE CASCADE,
  chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
  PRIMARY KEY (output_id, chunk_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_output_source_by_chunk ON model_output_source (chunk_id);
CREATE TRIGGER model_output_source_gone AFTER DELETE ON model_output_source BEGIN
  DELETE FROM model_output WHERE id = OLD.output_id;
END;
)sql",
};
// clang-format on

void check_owner(Connection& db, int64_t tables) {
  if (tables == 0) return;  // a fresh file
  const int64_t id = db.query_integer("PRAGMA application_id");
  if (id != kApplicationId) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[store] '{}' is a database of another program; got application id "
                            "{:#x}, expected {:#x}; try another path",
                            db.path().string(), id, kApplicationId));
  }
}

void apply(Connection& db, int64_t version) {
  Transaction transaction(db);
  db.execute(kMigrations[version - 1]);
  db.prepare("INSERT INTO migration (version, applied_at) VALUES (?1, unixepoch())")
      .bind(1, version)
      .run();
  transaction.commit();
}

}  // namespace

int schema_version_newest() { return static_cast<int>(std::size(kMigrations)); }

void prepare_schema(Connection& db, bool migrate) {
  const int64_t tables = db.query_integer("SELECT count(*) FROM sqlite_schema");
  check_owner(db, tables);
  if (migrate && tables == 0) {
    Transaction transaction(db);
    db.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
    db.execute(
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
    transaction.commit();
  }
  const int64_t newest = schema_version_newest();
  const int64_t version =
      tables == 0 ? 0 : db.query_integer("SELECT coalesce(max(version), 0) FROM migration");
  if (version > newest || (version < newest && !migrate)) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("[store] '{}' has another schema; got version {}, expected {}; try {}",
                            db.path().string(), version, newest,
                            version > newest ? "a newer ondol"
                                             : "`ondol ingest`, which brings it up to date"));
  }
  for (int64_t next = version + 1; next <= newest; ++next) apply(db, next);
}

}  // namespace ondol::store

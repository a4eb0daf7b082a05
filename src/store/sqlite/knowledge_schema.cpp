#include "store/sqlite/knowledge_schema.h"

#include <fmt/format.h>

#include "base/error.h"

namespace ondol::store {
namespace {

// "ondk" in ASCII: tells knowledge graphs from other databases. Persistent, do not change.
constexpr int64_t kApplicationId = 0x6F6E646B;
constexpr int64_t kVersion = 1;

// Labels are numbered from the highest degree down, so that whatever is read in the order of their
// ids has the best known entities first.
// clang-format off
constexpr const char* kTables = R"sql(
CREATE TABLE kg_term (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  lang TEXT NOT NULL,
  datatype TEXT NOT NULL
) STRICT;

CREATE TABLE kg_triple (
  s INTEGER NOT NULL,
  p INTEGER NOT NULL,
  o INTEGER NOT NULL,
  PRIMARY KEY (s, p, o)
) STRICT, WITHOUT ROWID;

CREATE TABLE kg_label (
  id INTEGER PRIMARY KEY,
  term_id INTEGER NOT NULL,
  lang TEXT NOT NULL,
  norm_label TEXT NOT NULL,
  label TEXT NOT NULL,
  rank INTEGER NOT NULL,
  degree INTEGER NOT NULL
) STRICT;

CREATE TABLE kg_word (
  word TEXT NOT NULL,
  label_id INTEGER NOT NULL,
  PRIMARY KEY (word, label_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kg_namespace (
  prefix TEXT PRIMARY KEY,
  terms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kg_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";
// clang-format on

}  // namespace

void make_knowledge_tables(Connection& db) {
  db.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
  db.execute(fmt::format("PRAGMA user_version = {}", kVersion));
  db.execute(kTables);
}

void check_knowledge_schema(Connection& db) {
  const int64_t id = db.query_integer("PRAGMA application_id");
  if (id != kApplicationId) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[kg] '{}' is no knowledge graph; got application id {:#x}, expected "
                            "{:#x}; try `ondol kg import` again",
                            db.path().string(), id, kApplicationId));
  }
  const int64_t version = db.query_integer("PRAGMA user_version");
  if (version != kVersion) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("[kg] '{}' has other tables; got version {}, expected {}; try `ondol "
                            "kg import` again",
                            db.path().string(), version, kVersion));
  }
}

}  // namespace ondol::store
